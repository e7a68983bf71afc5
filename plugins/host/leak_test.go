//go:build linux || darwin

package host

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
)

func TestLeak(t *testing.T) {
	before := descriptors(t)
	folders := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", "")
	if len(folders) < 60 {
		t.Setenv("TMPDIR", folders)
	}
	h := New(WithLogger(slog.New(slog.DiscardHandler)))
	h.times = quick()
	for _, mode := range []string{"ok", "exit", "noise", "version", "frozen", "killed", "tls", "missing", "slow", "silent"} {
		p := planOf(t, mode)
		switch mode {
		case "tls":
			p.Config.TLS = true
		case "missing":
			p.Config.Command = []string{"./none"}
		case "slow", "silent":
			p.Config.StartTimeout = 300e6
		}
		of := h.handleOf(p, pipeline.Settings{})
		of.join()
		if _, err := of.acquire(within(t)); err == nil {
			switch mode {
			case "frozen":
				_ = syscall.Kill(of.pid(), syscall.SIGSTOP)
			case "killed":
				kill(t, of, syscall.SIGKILL)
			}
		}
		if err := of.leave(); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t)
	if after := descriptors(t); len(after) > len(before) {
		t.Errorf("%d descriptors, there were %d:\n%s", len(after), len(before), strings.Join(after, "\n"))
	}
	if left, _ := filepath.Glob(filepath.Join(folders, "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if left := childrenOf(os.Getpid()); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}

// descriptors lists what this process has open, where /proc tells it.
func descriptors(t *testing.T) []string {
	t.Helper()
	runtime.GC() // files that nobody holds are closed by it
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all = append(all, fmt.Sprintf("%s → %s", e.Name(), to))
		}
	}
	return all
}
