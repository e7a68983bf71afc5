//go:build linux || darwin

package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Freeze stops a process, and waits until all of it stands: a signal that was sent has not arrived yet.
func Freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil { // elsewhere nobody tells
		<-time.After(200 * time.Millisecond)
		return
	}
	stands := func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, path := range threads {
			if stat, err := os.ReadFile(path); err == nil && !bytes.Contains(stat, []byte(") T ")) {
				return false
			}
		}
		return len(threads) > 0
	}
	for begun := time.Now(); !stands(); <-time.After(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("process %d does not stop", pid)
		}
	}
}
