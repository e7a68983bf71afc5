//go:build linux || darwin

package host

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// developed starts a program of the Go SDK as a debugger does, and returns once it serves on the socket.
func developed(t *testing.T, socket string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(self(t), "as-plugin", "bench", "serve")
	cmd.Env = []string{DevEnv + "=" + socket}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(errs).ReadString('\n')
	if want := ": waiting for leat at " + socket + "\n"; err != nil || !strings.HasSuffix(line, want) {
		t.Fatalf("it wrote %q, %v, want …%q", line, err, want)
	}
	return cmd
}

// attachedTo opens a pipeline whose plugin is attached to, with a command that can't be started.
func attachedTo(t *testing.T, socket, command, keys string) (*Host, *pipeline.Pipeline) {
	t.Helper()
	h := newHost(t, WithAttached(map[string]string{"raw": socket}))
	if socket == "" {
		h = newHost(t)
	}
	file := fmt.Sprintf("version = 1\n[plugins.raw]\ncommand = [%s]\nstart_timeout = \"20s\"\n[pipelines.api]\nbase_url = \"http://example.com\"\nstages = [\"sign\"]\n[stages.sign]\nuse = \"raw/sign\"\n%s", command, keys)
	r, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(file), pipeline.WithPlugins(h), pipeline.WithEnviron(nil),
		pipeline.WithTransport("*", upstream(answer)), pipeline.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := r.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	return h, p
}

func TestAttach(t *testing.T) {
	const nowhere = `"/no/such/program"`
	socket := func(t *testing.T) string { return filepath.Join(t.TempDir(), "s") }

	t.Run("uses_the_process_at_the_socket_and_leaves_it_running", func(t *testing.T) {
		at := socket(t)
		cmd := developed(t, at)
		for range 2 {
			h, p := attachedTo(t, at, nowhere, "")
			if err := get(t, p); err != nil {
				t.Fatal(err)
			}
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
		if _, err := os.Lstat(at); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its socket is still there: %v", err)
		}
	})
	t.Run("waits_for_a_process_that_is_stopped_longer_than_any_timeout_of_its_own", func(t *testing.T) {
		at := socket(t)
		cmd := developed(t, at)
		_, p := attachedTo(t, at, nowhere, "timeout = \"50ms\"\n")
		if err := get(t, p); err != nil {
			t.Fatal(err)
		}
		Freeze(t, cmd.Process.Pid)
		done := make(chan error, 1)
		go func() { done <- get(t, p) }()
		select {
		case err := <-done:
			t.Fatalf("it ended with %v while the process was stopped", err)
		case <-time.After(1500 * time.Millisecond): // timeout, and a ping beyond that
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("comes_again_with_the_process", func(t *testing.T) {
		at := socket(t)
		cmd := developed(t, at)
		h, p := attachedTo(t, at, nowhere, "")
		if err := get(t, p); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		developed(t, at) // over the socket that the other has left behind
		var err error
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) { // the first may meet the end of the other
			if err = get(t, p); err == nil {
				break
			}
			if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Kind != pipeline.KindPlugin {
				t.Fatalf("got %v, want a failure of the plugin", err)
			}
		}
		if err != nil {
			t.Error(err)
		}
		_ = h
	})
	t.Run("says_that_nobody_listens", func(t *testing.T) {
		_, p := attachedTo(t, socket(t), nowhere, "")
		err := get(t, p)
		if e, ok := errors.AsType[*pipeline.Error](err); !ok || !errors.Is(err, ErrNotListening) || e.Reason != "start" || e.Class != pipeline.ClassNotSent {
			t.Errorf("got %v, want ErrNotListening, class not_sent", err)
		}
	})
	t.Run("refuses_what_is_no_socket", func(t *testing.T) {
		at := socket(t)
		if err := os.WriteFile(at, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, p := attachedTo(t, at, nowhere, ""); !errors.Is(get(t, p), ErrNotListening) {
			t.Error("a file was taken for a socket")
		}
	})
	t.Run("is_never_done_for_the_environment_alone", func(t *testing.T) {
		at := socket(t)
		t.Setenv(DevEnv, at)
		_, p := attachedTo(t, "", strconv.Quote(self(t))+`, "as-plugin", "bench", "serve"`, "")
		if err := get(t, p); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(at); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the plugin serves there: %v", err)
		}
	})
}

func TestAttachPoint(t *testing.T) {
	base := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", base)
	t.Setenv("TMPDIR", base)
	plan := pipeline.PluginPlan{Name: "tenant", File: "pipelines.toml", Dir: t.TempDir()}
	point := func(p pipeline.PluginPlan) string {
		t.Helper()
		path, err := AttachPoint(p)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := point(plan)
	folder := filepath.Dir(path)
	if again := point(plan); again != path || !strings.HasPrefix(filepath.Base(path), "tenant-") || filepath.Dir(folder) != base {
		t.Errorf("got %s, then %s, want one in %s that names the plugin", path, again, base)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v, want mode 0700", info, err)
	}
	other := plan
	other.Dir = t.TempDir()
	if point(other) == path {
		t.Error("another file has the same socket")
	}
	other = plan
	other.Name = "a b;" + strings.Repeat("c", 200)
	if odd := point(other); len(odd) > longestSocket || strings.ContainsAny(odd, " ;") {
		t.Errorf("got %s", odd)
	}
	if err := os.Chmod(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := AttachPoint(plan); err == nil || !strings.Contains(err.Error(), "other users can enter it: chmod 700 "+folder) {
		t.Errorf("got %v for a folder that others can enter", err)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), folder); err != nil {
		t.Fatal(err)
	}
	if _, err := AttachPoint(plan); err == nil || !strings.Contains(err.Error(), "it is no folder") {
		t.Errorf("got %v for a link", err)
	}
}
