//go:build linux || darwin

package host

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// beHost is the main of a host that is killed: it starts the plugin of its arguments, tells its pid and its folder, and waits.
func beHost(args []string) {
	h := New(WithLogger(slog.New(slog.DiscardHandler)))
	of := h.handleOf(pipeline.PluginPlan{
		Name: "raw", Dir: args[0], Config: pipeline.PluginConfig{Command: args[1:], StartTimeout: 20 * time.Second, MaxInFlight: 8},
	}, pipeline.Settings{})
	of.join()
	if _, err := of.acquire(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(of.pid(), of.current.Load().life.folder.path)
	select {}
}

func TestOrphan(t *testing.T) {
	for _, c := range []struct{ name, mode, shell string }{
		{"ends_with_its_host", "ok", ""},
		{"below_another_program_ends_with_its_host", "ok", "#!/bin/sh\necho $$ > parent\n\"$@\" <&0\n"}, // as `go run` has it
	} {
		t.Run(c.name, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			p := planOf(t, c.mode)
			if c.shell != "" {
				if err := os.WriteFile(filepath.Join(p.Dir, "below"), []byte(c.shell), 0o700); err != nil {
					t.Fatal(err)
				}
				p.Config.Command = append([]string{"./below"}, p.Config.Command...)
			}
			cmd := exec.CommandContext(t.Context(), self, append([]string{"as-host", p.Dir}, p.Config.Command...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+p.Dir, "XDG_RUNTIME_DIR=")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said, _ := bufio.NewReader(out).ReadString('\n')
			var pid int
			var folder string
			if _, err := fmt.Sscan(said, &pid, &folder); err != nil {
				t.Fatalf("the host said %q: %v", said, err)
			}
			children := childrenOf(pid)
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			_ = cmd.Wait()
			for _, one := range append(children, pid) {
				gone(t, one)
			}
			t.Logf("gone %s after the host", time.Since(begun))

			sweep(filepath.Dir(folder))
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", folder, err)
			}
		})
	}
}

// childrenOf lists the children of a process, where /proc tells them.
func childrenOf(pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var all []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil { // the thread has ended
			continue
		}
		for word := range strings.FieldsSeq(string(text)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}
