//go:build linux || darwin

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

func TestDescribe(t *testing.T) {
	t.Run("starts_asks_and_stops", func(t *testing.T) {
		h := newHost(t)
		i, err := h.Describe(within(t), planOf(t, "ok"))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := i.Type("pass"); !ok || i.Name != "raw" {
			t.Errorf("got %+v", i)
		}
		for _, pid := range childrenOf(os.Getpid()) {
			t.Errorf("process %d is left", pid)
		}
	})
	t.Run("says_why_not", func(t *testing.T) {
		_, err := newHost(t).Describe(within(t), planOf(t, "exit"))
		if reasonOf(err) != "start" || !strings.Contains(err.Error(), "exited with code 3") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ends_with_its_context", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := newHost(t).Describe(ctx, planOf(t, "silent"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("of_a_closed_host_fails", func(t *testing.T) {
		h := New()
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Describe(within(t), planOf(t, "ok")); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestUpgrade(t *testing.T) {
	p := planOf(t, "ok")
	lock := &Lock{Plugins: map[string]*Locked{"raw": {Interface: &Interface{Types: []Type{{Name: "pass", Needs: pipeline.Needs{}}}}}}}
	if _, err := lock.Write(filepath.Join(p.Dir, "pipelines.lock")); err != nil {
		t.Fatal(err)
	}
	t.Run("that_asks_for_nothing_more_is_started", func(t *testing.T) {
		acquired(t, joined(t, newHost(t), p))
	})
	t.Run("that_asks_for_more_is_not", func(t *testing.T) {
		more := p
		more.Config.Command = append([]string(nil), p.Config.Command...)
		more.Config.Command[2] = "wants"
		_, err := joined(t, newHost(t), more).acquire(within(t))
		if reasonOf(err) != "start" || !strings.Contains(err.Error(), `asks for more than pipelines.lock has: pass asks for request.headers "x-extra" too`) {
			t.Errorf("got %v", err)
		}
		if e := inner(err); e == nil || e.Class != pipeline.ClassTerminal {
			t.Errorf("got %v: to try again is in vain", e)
		}
	})
	t.Run("with_another_digest_is_not", func(t *testing.T) {
		other := p
		other.Config.SHA256 = strings.Repeat("ab", 32)
		_, err := joined(t, newHost(t), other).acquire(within(t))
		if e := inner(err); reasonOf(err) != "start" || e.Class != pipeline.ClassTerminal || !strings.Contains(err.Error(), "is not run: its SHA-256 is") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNotice(t *testing.T) {
	told := make(chan Notice, 10)
	h := newHost(t, WithNotify(func(n Notice) { told <- n }))
	h.times.slow = time.Millisecond
	acquired(t, joined(t, h, planOf(t, "ok")))
	if got, want := <-told, (Notice{"raw", "starting raw…"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	p := planOf(t, "ok")
	p.Config.Command = []string{"go", "run"}
	h.tell(p)()
	if got, want := <-told, (Notice{"raw", "building raw…"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
