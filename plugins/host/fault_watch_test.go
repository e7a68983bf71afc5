//go:build linux || darwin

package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// records keeps what is logged. It is a slog.Handler.
type records struct {
	mu  sync.Mutex
	all []slog.Record
}

func (*records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler     { return r }
func (r *records) WithGroup(string) slog.Handler          { return r }

func (r *records) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rec.Clone())
	return nil
}

// count is how many records have a message that begins so.
func (r *records) count(message string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, rec := range r.all {
		if strings.HasPrefix(rec.Message, message) {
			n++
		}
	}
	return n
}

// attr is an attribute of the first record with a message that begins so.
func (r *records) attr(message, key string) (value slog.Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.all {
		if strings.HasPrefix(rec.Message, message) {
			rec.Attrs(func(a slog.Attr) bool {
				if a.Key == key {
					value = a.Value
				}
				return true
			})
			return value
		}
	}
	return value
}

// sum adds up an attribute of all records with a message that begins so.
func (r *records) sum(message, key string) (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.all {
		if strings.HasPrefix(rec.Message, message) {
			rec.Attrs(func(a slog.Attr) bool {
				if a.Key == key && a.Value.Kind() == slog.KindInt64 {
					n += a.Value.Int64()
				}
				return true
			})
		}
	}
	return n
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(answerWithin); !ok(); {
		if time.Now().After(deadline) {
			t.Errorf("%s did not come within %s", what, answerWithin)
			return
		}
		<-time.After(2 * time.Millisecond)
	}
}

// alive reports whether a process runs: one that waits to be reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if pid <= 0 {
		t.Fatalf("no process %d to signal", pid)
	}
	if err := syscall.Kill(pid, sig); err != nil {
		t.Error(err)
	}
}
