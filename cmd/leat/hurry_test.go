//go:build linux || darwin

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const hangFile = `version = 1
[plugins.hangs]
command = ["./leat-hang"]
[pipelines.api]
base_url = "http://127.0.0.1:1"
stages = ["hang"]
timeout = "1h"
[stages.hang]
use = "hangs/hang"
timeout = "1h"
`

// TestSecondInterrupt ends a send whose plugin hangs: the first Ctrl-C waits for it, the second for nobody.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, err := range []error{
		os.Symlink(self, filepath.Join(dir, "leat")), os.Symlink(self, filepath.Join(dir, "leat-hang")),
		os.WriteFile(filepath.Join(dir, "pipelines.toml"), []byte(hangFile), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "leat"), "send", "api", "/")
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	within(t, "the stage hangs", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "pid"))
		pid, _ = strconv.Atoi(string(text))
		return pid > 0
	})
	ctrlC(t, cmd)
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); !strings.Contains(said.String(), "canceled") && lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
	}
	if !strings.Contains(said.String(), "canceled") {
		t.Errorf("it said\n%s", said.String())
	}
	ctrlC(t, cmd)
	at := time.Now()
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitInterrupted {
		t.Errorf("got %v, want exit code %d", err, exitInterrupted)
	}
	if took := time.Since(at); took > 8*time.Second { // to let the stage end takes 10 s, and to end its process more
		t.Errorf("it took %s", took)
	}
	within(t, "the plugin is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ")
	})
}

func ctrlC(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

// within waits for something that comes soon.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}
