//go:build linux || darwin

package host_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

func TestFaultKill(t *testing.T) { eachProgram(t, faultKill) }

func faultKill(t *testing.T, p []string) {
	t.Helper()
	quick := host.Shortened{Backoff: 5 * time.Millisecond, Most: 50 * time.Millisecond}

	t.Run("before_an_exchange_the_next_has_a_new_process", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: quick})
		first := w.send("")
		w.wantOK(first)
		signal(t, first.pid(), syscall.SIGKILL)
		until(t, "a record of the crash", func() bool { return w.logs.count("plugin failed") == 1 })
		again := w.send("")
		w.wantOK(again)
		if again.pid() == first.pid() || again.pid() == 0 {
			t.Errorf("process %d answered, and %d before it", again.pid(), first.pid())
		}
	})

	t.Run("just_before_an_exchange_it_passes_or_fails_unsent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: host.Shortened{Backoff: quick.Backoff, Most: quick.Most, Crashes: 100}})
		for range 5 {
			pid := w.send("").pid()
			signal(t, pid, syscall.SIGKILL)
			if a := w.send(""); a.err != nil {
				w.wantBefore(a, "crash")
			} else {
				w.wantOK(a)
			}
			until(t, "an answer of another process", func() bool { return w.send("").pid() != pid })
		}
	})

	t.Run("before_next_nothing_is_sent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: quick})
		w.wantBefore(w.send("die"), "crash")
		w.wantOK(w.send(""))
	})

	t.Run("inside_next_the_response_is_attached", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: quick, handler: func(rw http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Do") == "killed" {
				killNow(req)
			}
			_, _ = io.WriteString(rw, "up")
		}})
		w.wantAfter(w.send("killed"), "crash")
		w.wantOK(w.send(""))
	})

	t.Run("between_result_and_return_the_response_is_attached", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: quick})
		w.wantAfter(w.send("die-after"), "crash")
		w.wantOK(w.send(""))
	})

	t.Run("by_its_own_exit_too", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: quick})
		a := w.send("exit")
		w.wantBefore(a, "crash")
		until(t, "a record of the crash", func() bool { return w.logs.count("plugin failed") == 1 })
		if text := w.logs.attr("plugin failed", "error").String(); !strings.Contains(text, "exited with code 5") {
			t.Errorf("the record says %q", text)
		}
		w.wantOK(w.send(""))
	})

	t.Run("after_an_exchange_its_response_goes_on", func(t *testing.T) {
		t.Parallel()
		const size = 16 << 20
		goOn := make(chan struct{})
		w := newWorld(t, setting{program: p, times: quick, handler: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", strconv.Itoa(size))
			_, _ = rw.Write(make([]byte, size/2))
			rw.(http.Flusher).Flush()
			<-goOn
			_, _ = rw.Write(make([]byte, size/2))
		}})
		ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
		defer cancel()
		req, p := w.request(ctx, "api", nil)
		resp, err := p.RoundTrip(req)
		if err != nil {
			close(goOn)
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(resp.Header.Get("X-Pid"))
		signal(t, pid, syscall.SIGKILL)
		until(t, "a record of the crash", func() bool { return w.logs.count("plugin failed") == 1 })
		close(goOn)
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if n != size || err != nil {
			t.Errorf("got %d bytes and %v, want all %d", n, err, size)
		}
	})

	t.Run("with_others_under_way_each_gets_an_answer", func(t *testing.T) {
		t.Parallel()
		const calls = 50
		var begun atomic.Int32
		all := make(chan struct{})
		w := newWorld(t, setting{program: p, times: quick, handler: func(rw http.ResponseWriter, req *http.Request) {
			if begun.Add(1) == calls {
				killNow(req)
				close(all)
			}
			<-all
			_, _ = io.WriteString(rw, "up")
		}})
		answers := make(chan answer, calls)
		for range calls {
			go func() { answers <- w.send("") }()
		}
		for range calls {
			w.wantAfter(<-answers, "crash")
		}
	})

	t.Run("a_caller_who_leaves_gets_the_error_of_its_context", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{program: p, times: quick, stage: `on_failure = "skip"`})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		req, p := w.request(ctx, "api", nil, "X-Do", "hang")
		a := finish(req, p)
		if a.err == nil || !errors.Is(a.err, pipeline.KindTimeout) || w.sent(a) != 0 {
			t.Errorf("got %v, sent %d times, want a timeout", a, w.sent(a))
		}
		w.wantOK(w.send(""))
	})
}

// killNow kills the plugin that has sent a request, and returns once it is dead.
func killNow(req *http.Request) {
	pid := pidOf(req)
	if pid == 0 {
		return // its caller finds that nothing failed
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for alive(pid) {
		<-time.After(time.Millisecond)
	}
}

// pidOf is the process that has sent a request, 0 if it does not say.
func pidOf(req *http.Request) int {
	pid, _ := strconv.Atoi(req.Header.Get("X-Pid"))
	return pid
}

func TestFaultPanic(t *testing.T) { eachProgram(t, faultPanic) }

func faultPanic(t *testing.T, p []string) {
	t.Helper()
	w := newWorld(t, setting{program: p, stage: `on_failure = "skip"`})
	first := w.send("")
	w.wantOK(first)
	for do, sends := range map[string]int{"panic": 0, "panic-after": 1} {
		a := w.send(do)
		if a.err == nil || a.err.Kind != pipeline.KindInternal || !strings.Contains(a.err.Message, "as it was asked to") || a.err.Stage != "s" || w.sent(a) != sends {
			t.Errorf("%s: got %v, sent %d times, want an error of kind internal, and %d", do, a, w.sent(a), sends)
		}
	}
	if a := w.send(""); a.pid() != first.pid() {
		t.Errorf("got %v of process %d, want one of %d: a panic ends no process", a, a.pid(), first.pid())
	}
}

func TestFaultQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{command: []string{"as-good"}, times: host.Shortened{Backoff: 200 * time.Millisecond, Most: 10 * time.Second}})
	for i := range 5 {
		until(t, fmt.Sprintf("the start before crash %d", i+1), func() bool { return w.send("").err == nil })
		w.wantBefore(w.send("die"), "crash")
		until(t, "a record of the crash", func() bool { return w.logs.count("plugin failed") == i+1 })
	}
	begun := time.Now()
	held := w.send("")
	w.wantBefore(held, "crash")
	if held.err != nil {
		for _, want := range []string{"failed 5 times within 5m0s and is left alone until ", "was ended by signal 9"} {
			if !strings.Contains(held.err.Message, want) {
				t.Errorf("the error\n\t%v\nlacks\n\t%s", held.err, want)
			}
		}
	}
	if took := time.Since(begun); took > time.Second { // the probe is due in 1.6 s at the earliest
		t.Errorf("it took %s to fail in quarantine", took)
	}
	var last answer
	until(t, "the recovery", func() bool { last = w.send(""); return last.err == nil })
	w.wantOK(last)
}
