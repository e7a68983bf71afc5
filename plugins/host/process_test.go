//go:build linux || darwin

package host

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

func TestStart(t *testing.T) {
	t.Run("happens_with_the_first_request_and_is_shared", func(t *testing.T) {
		h := newHost(t)
		p := planOf(t, "ok")
		one, two := joined(t, h, p), joined(t, h, p)
		if len(h.procs) != 0 {
			t.Error("a process before anybody asked for it")
		}
		if acquired(t, one) == acquired(t, two) {
			t.Error("two runners share a session")
		}
		if one.pid() != two.pid() {
			t.Errorf("two processes, %d and %d, for one plugin", one.pid(), two.pid())
		}
		if s := acquired(t, one); s != acquired(t, one) {
			t.Error("a session for each request")
		}
	})
	t.Run("ends_with_the_last_runner", func(t *testing.T) {
		h := newHost(t)
		p := planOf(t, "ok")
		of := h.handleOf(p, pipeline.Settings{})
		of.join()
		of.join()
		acquired(t, of)
		pid := of.pid()
		for _, alive := range []bool{true, false} {
			if err := of.leave(); err != nil {
				t.Fatal(err)
			}
			if got := syscall.Kill(pid, 0) == nil; got != alive {
				t.Errorf("alive: %v, want %v", got, alive)
			}
		}
		of.join() // as a file that is loaded again does
		acquired(t, of)
		if err := of.leave(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("works_with_tls", func(t *testing.T) {
		p := planOf(t, "ok")
		p.Config.TLS = true
		acquired(t, joined(t, newHost(t), p))
	})
	t.Run("waits_no_longer_than_the_caller", func(t *testing.T) {
		of := joined(t, newHost(t), planOf(t, "silent"))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := of.acquire(ctx)
		if !errors.Is(err, pipeline.KindTimeout) {
			t.Errorf("got %v, want a timeout", err)
		}
	})
}

func TestStartFailure(t *testing.T) {
	script := func(t *testing.T, name, text string, mode os.FileMode) func(*pipeline.PluginPlan) {
		return func(p *pipeline.PluginPlan) {
			if err := os.WriteFile(p.Dir+"/"+name, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
			p.Config.Command = []string{"./" + name}
		}
	}
	again := []string{"noise", "exit", "no_plugin", "silent", "slow", "quiet_exit", "killed", "elsewhere", "long_noise"} // which may go well the next time
	for _, c := range []struct {
		name, mode string
		change     func(*pipeline.PluginPlan)
		want       []string
	}{
		{"noise", "noise", nil, []string{`it wrote "Hello from init" to its standard output before the handshake`, "print to standard error"}},
		{"exit", "exit", nil, []string{"it exited with code 3 before it answered", "no licence file"}},
		{"no_plugin", "cookie", nil, []string{"it exited with code 1 before it answered", "This binary is a plugin"}},
		{"newer_plugin", "version", nil, []string{"it speaks protocol version 7, this leat", "speaks 1: upgrade leat"}},
		{"older_plugin", "older", nil, []string{"it speaks protocol version 0, this leat", "speaks 1: upgrade the plugin"}},
		{"capability", "requires", nil, []string{`requires "time-travel", which this leat`, "upgrade leat"}},
		{"no_types", "untyped", nil, []string{"it serves no types"}},
		{"silent", "silent", func(p *pipeline.PluginPlan) { p.Config.StartTimeout = 300 * time.Millisecond }, []string{"it did not answer within 300ms", "start_timeout"}},
		{"slow", "slow", func(p *pipeline.PluginPlan) { p.Config.StartTimeout = 2 * time.Second }, []string{"it did not answer within 2s"}},
		{"missing", "", func(p *pipeline.PluginPlan) { p.Config.Command = []string{"./nothing"} }, []string{"there is no ", "/nothing: build or install it"}},
		{"missing_in_path", "", func(p *pipeline.PluginPlan) { p.Config.Command = []string{"leat-no-such-program"} }, []string{"there is no program leat-no-such-program in PATH"}},
		{"not_executable", "", script(t, "plain", "#!/bin/sh\n", 0o600), []string{"is not executable: chmod +x it"}},
		{"folder", "", func(p *pipeline.PluginPlan) { p.Config.Command = []string{t.TempDir()} }, []string{"is a folder: name the program in it"}},
		{"no_program", "", script(t, "text", "hello", 0o700), []string{"it is no program for this platform"}},
		{"no_interpreter", "", script(t, "lost", "#!/no/such/thing\n", 0o700), []string{"the interpreter that it names"}},
		{"quiet_exit", "", script(t, "quiet", "#!/bin/sh\nexit 0\n", 0o700), []string{"it exited with code 0 before it answered"}},
		{"killed", "", script(t, "killed", "#!/bin/sh\nkill -9 $$\n", 0o700), []string{"it was ended by signal 9 (killed)"}},
		{"elsewhere", "", script(t, "elsewhere", "#!/bin/sh\necho '1|1|tcp|10.1.2.3:80|grpc|'\nsleep 60\n", 0o700), []string{"it listens on tcp 10.1.2.3:80: it must listen on a Unix socket"}},
		{"netrpc", "", script(t, "netrpc", "#!/bin/sh\necho '1|1|unix|/tmp/x|netrpc|'\nsleep 60\n", 0o700), []string{"it does not speak gRPC"}},
		{"core", "", script(t, "core", "#!/bin/sh\necho '2|1|unix|/tmp/x|grpc|'\nsleep 60\n", 0o700), []string{"it speaks version 2 of go-plugin's handshake"}},
		{"long_noise", "", script(t, "long", "#!/bin/sh\nhead -c 5000000 /dev/zero | tr '\\0' x\nsleep 60\n", 0o700), []string{"it wrote \"xxx", "before the handshake"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := planOf(t, c.mode)
			if c.change != nil {
				c.change(&p)
			}
			_, err := joined(t, newHost(t), p).acquire(within(t))
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || e.Kind != pipeline.KindPlugin || e.Reason != "start" {
				t.Fatalf("got %v, want a failure of class start", err)
			}
			if want := map[bool]pipeline.Class{true: pipeline.ClassNotSent, false: pipeline.ClassTerminal}[slices.Contains(again, c.name)]; e.Class != want {
				t.Errorf("got class %s, want %s", e.Class, want)
			}
			for _, want := range append(c.want, "plugin raw could not be started: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error\n\t%v\nlacks\n\t%s", err, want)
				}
			}
			if strings.Contains(err.Error(), "abcdefghijklmnop") || len(err.Error()) > 2000 {
				t.Errorf("the error shows too much: %v", err)
			}
		})
	}
}
