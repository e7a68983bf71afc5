//go:build linux || darwin

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// looked starts leat-look as a debugger does.
func looked(t *testing.T, socket string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: []string{"leat-look"}, Env: []string{"LEAT_PLUGIN_DEV=" + socket}, Stderr: os.Stderr}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ended(cmd) })
	return cmd
}

func ended(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// command runs a command line with a file.
func command(ctx context.Context, file string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = shipped().run(ctx, append(args, "-c", file), stdio{in: strings.NewReader(""), out: &out, err: &errs})
	return code, out.String(), errs.String()
}

// TestPluginDev stops a process in the middle of an exchange for longer than any timeout of the file: seven seconds, where a stage has five.
func TestPluginDev(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	var process atomic.Pointer[exec.Cmd]
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cmd := process.Load(); r.URL.Path == "/breakpoint" {
			_ = cmd.Process.Signal(syscall.SIGSTOP)
			time.AfterFunc(7*time.Second, func() { _ = cmd.Process.Signal(syscall.SIGCONT) })
		}
		fmt.Fprint(w, "looked: ", r.Header.Get("X-Look"))
	}))
	t.Cleanup(up.Close)
	file := filepath.Join(t.TempDir(), "pipelines.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `version = 1
[plugins.look]
command = ["/no/such/program"]
env = ["LEAT_TEST_UNSET", "MODE=a b", "LOOK_TOKEN=hush"]
[stages.look]
use = "look/look"
[pipelines.api]
base_url = %q
timeout = "3s"
attempt_timeout = "3s"
stages = ["look"]
`, up.URL), 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, out := io.Pipe()
	over := make(chan int, 1)
	go func() {
		over <- shipped().run(ctx, []string{"plugin", "dev", "-o", "json", "-c", file}, stdio{in: strings.NewReader(""), out: out, err: out})
	}()
	lines := bufio.NewScanner(events)
	event := func(want string) (e devEvent) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the command ended, want %s: %v", want, lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Event != want || e.Plugin != "look" {
			t.Fatalf("got %s, want %s", lines.Text(), want)
		}
		return e
	}
	waiting := event("waiting")
	if want := "LEAT_PLUGIN_DEV=" + waiting.Socket + " MODE='a b' /no/such/program"; !strings.HasSuffix(waiting.Line, want) || strings.Contains(waiting.Line, "hush") {
		t.Errorf("got %s, want …%s", waiting.Line, want)
	}

	if code, _, errs := command(t.Context(), file, "send", "api", "GET", "/", "--attach", "look"); code != exitFailed || !strings.Contains(errs, "look does not run at "+waiting.Socket+": `leat plugin dev look` says how") {
		t.Errorf("got exit code %d, %q", code, errs)
	}
	process.Store(looked(t, waiting.Socket))
	if e := event("attached"); !slices.Equal(e.Types, []string{"look/look", "look/picky"}) || !strings.HasPrefix(e.SDK, "go ") {
		t.Errorf("got %+v", e)
	}
	code, body, errs := command(t.Context(), file, "send", "api", "GET", "/breakpoint", "--attach", "look")
	if code != 0 || strings.TrimSpace(body) != "looked: 1" || !strings.Contains(errs, "no timeout holds meanwhile: neither of the stages of look nor of pipeline api\n") {
		t.Errorf("got exit code %d, %q, %q", code, body, errs)
	}
	if code, out, errs := command(t.Context(), file, "check", "--attach", "look"); code != 0 || !strings.Contains(out, "1 plugin") {
		t.Errorf("got exit code %d, %q, %q", code, out, errs)
	}
	if code, _, errs := command(t.Context(), file, "send", "api", "GET", "/", "-q"); code != exitFailed || !strings.Contains(errs, "/no/such/program") {
		t.Errorf("without --attach: got exit code %d, %q, want the command to be started", code, errs)
	}

	ended(process.Load())
	event("gone")
	looked(t, waiting.Socket)
	event("attached")
	cancel()
	if code := <-over; code != exitInterrupted {
		t.Errorf("it ended with %d", code)
	}
}

// TestAttach_interrupt: Ctrl-C does not wait for a process at a breakpoint.
func TestAttach_interrupt(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var process atomic.Pointer[exec.Cmd]
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		_ = process.Load().Process.Signal(syscall.SIGSTOP)
		cancel()
	}))
	t.Cleanup(up.Close)
	file := filepath.Join(t.TempDir(), "pipelines.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "version = 1\n[plugins.look]\ncommand = [\"x\"]\n[stages.look]\nuse = \"look/look\"\n[pipelines.api]\nbase_url = %q\nstages = [\"look\"]\n", up.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	_, out, _ := command(canceled(t), file, "plugin", "dev", "-o", "json")
	var e devEvent
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("got %q: %v", out, err)
	}
	process.Store(looked(t, e.Socket))
	for code := exitFailed; code != 0; { // until it listens
		code, _, _ = command(t.Context(), file, "check", "--attach", "look")
	}
	began := time.Now()
	code, _, errs := command(ctx, file, "send", "api", "GET", "/", "--attach", "look")
	if took := time.Since(began); code != exitInterrupted || took > 4*time.Second { // closing a stage alone would wait for 5
		t.Errorf("got exit code %d after %s, %q", code, took, errs)
	}
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
