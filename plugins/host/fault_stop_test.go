//go:build linux || darwin

package host_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/plugins/host"
)

func TestFaultStop(t *testing.T) { eachProgram(t, faultStop) }

func faultStop(t *testing.T, p []string) {
	t.Helper()
	// The process is stopped for good, or for longer than anybody waits.
	t.Run("fails_by_the_deadline_and_is_replaced", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, stage: `timeout = "500ms"`})
		first := w.send("")
		w.wantOK(first)
		host.Freeze(t, first.pid())
		w.wantBefore(w.send(""), "deadline")
		var last answer
		until(t, "an answer", func() bool { last = w.send(""); return last.err == nil })
		w.wantOK(last)
		if last.pid() == first.pid() {
			t.Errorf("process %d answered, which is stopped", last.pid())
		}
		until(t, "the end of the stopped process", func() bool { return !alive(first.pid()) })
		if got := w.logs.attr("plugin failed", "error").String(); !strings.Contains(got, "did not answer a ping within 2s") {
			t.Errorf("the record says %q", got)
		}
	})

	t.Run("holds_who_comes_next_until_it_is_replaced", func(t *testing.T) {
		t.Parallel()
		const calls = 8
		w := newWorld(t, setting{program: p, stage: `timeout = "3s"`, times: host.Shortened{Ping: 500 * time.Millisecond}})
		first := w.send("")
		host.Freeze(t, first.pid())
		answers := make(chan answer, calls)
		all := func(check func(answer)) {
			for range calls {
				go func() { answers <- w.send("") }()
			}
			for range calls {
				check(<-answers)
			}
		}
		all(func(a answer) { w.wantBefore(a, "deadline") })
		all(func(a answer) {
			w.wantOK(a)
			if a.pid() == first.pid() {
				t.Errorf("process %d answered, which is stopped", a.pid())
			}
		})
	})

	t.Run("holds_nobody_beyond_the_timeout", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, stage: `timeout = "100ms"`, times: host.Shortened{Ping: 20 * time.Second}})
		var first answer
		until(t, "an answer", func() bool { first = w.send(""); return first.err == nil })
		host.Freeze(t, first.pid())
		w.wantBefore(w.send(""), "deadline")
		held := w.send("")
		w.wantBefore(held, "deadline")
		if held.err != nil && !strings.Contains(held.err.Message, "looks stuck") {
			t.Errorf("got %v", held)
		}
		signal(t, first.pid(), syscall.SIGCONT)
		var again answer
		until(t, "an answer", func() bool { again = w.send(""); return again.err == nil })
		if again.pid() != first.pid() {
			t.Errorf("process %d answered, want %d, which has answered the ping", again.pid(), first.pid())
		}
	})

	t.Run("and_continued_goes_on_where_it_was", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, stage: `timeout = "14s"`})
		first := w.send("")
		host.Freeze(t, first.pid())
		result := make(chan answer, 1)
		go func() { result <- w.send("") }()
		select {
		case a := <-result:
			t.Errorf("a stopped process answered: %v", a)
		case <-time.After(time.Second):
		}
		signal(t, first.pid(), syscall.SIGCONT)
		for _, a := range []answer{<-result, w.send("")} {
			w.wantOK(a)
			if a.pid() != first.pid() {
				t.Errorf("process %d answered, want %d", a.pid(), first.pid())
			}
		}
	})

	t.Run("within_next_fails_by_the_deadline_with_the_response", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, stage: `timeout = "1s"`, handler: func(rw http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Do") == "stopped" {
				host.Freeze(t, pidOf(req))
			}
			_, _ = io.WriteString(rw, "up")
		}})
		w.wantAfter(w.send("stopped"), "deadline")
		until(t, "an answer", func() bool { return w.send("").err == nil })
	})
}

// TestFaultStop_more is what the host does alike in every language.
func TestFaultStop_more(t *testing.T) {
	t.Parallel()
	p := testProgram(t, "as-good")

	t.Run("with_a_long_body_on_its_way_fails_by_the_deadline", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, stage: "timeout = \"500ms\"\nrequest_body = \"full\"\nlimit = \"20MiB\""})
		first := w.send("")
		host.Freeze(t, first.pid())
		w.wantBefore(w.sendTo("api", bytes.NewReader(make([]byte, 16<<20))), "deadline")
		until(t, "an answer", func() bool { return w.sendTo("api", strings.NewReader("body")).err == nil })
	})

	t.Run("does_not_hold_who_closes_the_runner", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: host.Shortened{Grace: 200 * time.Millisecond}})
		pid := w.send("").pid()
		host.Freeze(t, pid)
		begun := time.Now()
		w.mayFail = true
		if err := w.runner.Close(); err == nil || !strings.Contains(err.Error(), "closing stage s: ") {
			t.Errorf("got %v, want an error of the stage that could not be closed", err)
		}
		if took := time.Since(begun); took > answerWithin {
			t.Errorf("it took %s", took)
		}
		if alive(pid) {
			t.Errorf("process %d is still there", pid)
		}
	})
}
