//go:build linux || darwin

package host_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestFaultHostKill kills the host: nothing of it is left, though nobody could tidy up.
func TestFaultHostKill(t *testing.T) {
	eachProgram(t, func(t *testing.T, p []string) { faultHostKill(t, setting{program: p, handler: upOK}) })
	t.Run("without_the_sdk", func(t *testing.T) {
		faultHostKill(t, setting{command: []string{"as-bad"}, typ: "narrow", handler: upOK})
	})
}

// hostGone is how soon a plugin and its socket are gone after the host was killed. Linux itself ends the process, and elsewhere it reads the end
// of its standard input: also an interpreter needs a moment for neither.
const hostGone = 2 * time.Second

func faultHostKill(t *testing.T, s setting) {
	t.Helper()
	up := httptest.NewServer(s.handler)
	defer up.Close()
	dir, err := os.MkdirTemp("/tmp", "leat-fault-") //nolint:usetesting // a short path: a socket's has a limit
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "pipelines.toml")
	if err := os.WriteFile(path, []byte(s.text(t, up.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "as-fault-host", path, s.subject)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "XDG_RUNTIME_DIR=", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	said, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil || !alive(pid) {
		t.Fatalf("the host said %q", said)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(hostGone); alive(pid) || len(sockets(t, dir)) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%s after the host's end: process %d alive %v, sockets %v", hostGone, pid, alive(pid), sockets(t, dir))
		}
		<-time.After(2 * time.Millisecond)
	}
}

// sockets lists what hosts have left in a folder for sockets.
func sockets(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "leat-plugin-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFaultDrain closes a runner while exchanges are under way.
func TestFaultDrain(t *testing.T) { eachProgram(t, faultDrain) }

func faultDrain(t *testing.T, p []string) {
	t.Helper()
	const calls = 100
	var begun atomic.Int32
	all, goOn := make(chan struct{}), make(chan struct{})
	w := newWorld(t, setting{program: p, handler: func(rw http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Do") == "" { // the others are in the plugin as the runner closes, or come here meanwhile
			if begun.Add(1) == calls/2 {
				close(all)
			}
			<-goOn
		}
		_, _ = io.WriteString(rw, "up")
	}})
	answers := make(chan answer, calls)
	for range calls / 2 {
		go func() { answers <- w.send("") }()
	}
	<-all
	for range calls / 2 {
		go func() { answers <- w.send("nap") }()
	}
	until(t, "the others", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.ids == calls
	})
	<-time.After(100 * time.Millisecond) // they are on their way
	closed := make(chan error, 1)
	go func() { closed <- w.runner.Close() }()
	select {
	case err := <-closed:
		t.Errorf("Close returned with %v while exchanges were under way", err)
	case <-time.After(500 * time.Millisecond):
	}
	close(goOn)
	for range calls {
		w.wantOK(<-answers)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestFaultChild has a plugin start a process of its own, which ends with it however it ends.
func TestFaultChild(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"closed", "killed"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{command: []string{"as-good"}, env: `"PATH"`})
			parent := w.send("").pid()
			a := w.send("child")
			child, err := strconv.Atoi(a.body)
			if err != nil || !alive(child) {
				t.Fatalf("got %v", a)
			}
			if end == "closed" {
				w.close()
			} else {
				signal(t, parent, syscall.SIGKILL)
			}
			until(t, fmt.Sprintf("the end of %d and its child %d", parent, child), func() bool { return !alive(parent) && !alive(child) })
		})
	}
}
