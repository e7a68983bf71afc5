package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

func TestFailure_and_what_the_file_says_of_it(t *testing.T) {
	crash := func(x *said) { x.p.cut() }
	late := func(x *said) { <-x.cancelled }
	bad := func(x *said) { x.last(set("connection", "close")) }
	after := func(f func(*said)) func(*said) {
		return func(x *said) {
			x.next(&wire.Next{Edits: set("x-sig", "1")})
			f(x)
		}
	}
	const (
		fail    = ""
		skip    = `on_failure = "skip"`
		respond = "on_failure = { respond = 503 }"
	)
	for _, tc := range []struct {
		name   string
		do     func(*said)
		table  string
		reason string
		class  pipeline.Class
		status int
		body   string
		sends  int32
	}{
		{"crash_before", crash, fail, classCrash, pipeline.ClassNotSent, 0, "", 0},
		{"crash_before_skip", crash, skip, "", "", 200, "GET https://upstream.test/a?q=1 sig= body=", 1},
		{"crash_before_respond", crash, respond, "", "", 503, "", 0},
		{"crash_after", after(crash), fail, classCrash, pipeline.ClassTerminal, 200, "", 1},
		{"crash_after_skip", after(crash), skip, "", "", 200, "GET https://upstream.test/a?q=1 sig=1 body=", 1},
		{"crash_after_respond", after(crash), respond, "", "", 503, "", 1},
		{"late", late, "timeout = \"50ms\"", classDeadline, pipeline.ClassNotSent, 0, "", 0},
		{"late_skip", late, "timeout = \"50ms\"\n" + skip, "", "", 200, "GET https://upstream.test/a?q=1 sig= body=", 1},
		{"late_after", after(late), "timeout = \"300ms\"", classDeadline, pipeline.ClassTerminal, 200, "", 1},
		{"bad_after_skip", after(bad), skip, "", "", 200, "GET https://upstream.test/a?q=1 sig=1 body=", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var sends atomic.Int32
			upstream := func(req *http.Request) (*http.Response, error) {
				sends.Add(1)
				return answering(req)
			}
			sc := newScene(t, sees(), upstream, tc.do, withTable(tc.table))
			sc.plugin.once = true
			resp, body, err := sc.get(sc.simple())
			if sends.Load() != tc.sends {
				t.Errorf("got %d sends, want %d", sends.Load(), tc.sends)
			}
			if tc.reason == "" {
				if err != nil || resp.StatusCode != tc.status || body != tc.body {
					t.Errorf("got %v %q %v", resp, body, err)
				}
				return
			}
			e := sc.failure(err)
			if e.Kind != pipeline.KindPlugin || e.Reason != tc.reason || e.Class != tc.class || e.Status != tc.status || e.Stage != "sign" {
				t.Errorf("got %v: %s, status %d", e, e.Class, e.Status)
			}
			if tc.status != 0 && (!strings.HasPrefix(string(e.Body), "GET ") || e.Header.Get("X-Up") == "") {
				t.Errorf("the response is not attached: %q %v", e.Body, e.Header)
			}
		})
	}
}

func TestFailure_of_a_start(t *testing.T) {
	sc := newScene(t, signs(), answering, nil)
	shared := &pipeline.Error{Kind: pipeline.KindPlugin, Reason: classStart, Message: "plugin signer could not be started"}
	sc.plugin.fails = shared
	for range 2 {
		_, _, err := sc.get(sc.simple())
		if e := sc.failure(err); e == shared || e.Reason != classStart || e.Class != pipeline.ClassNotSent || e.Pipeline != "api" {
			t.Errorf("got %v", err)
		}
	}
	if shared.Stage != "" || shared.Class != "" {
		t.Errorf("the host's own error was changed: %+v", shared)
	}
	if err := sc.pipeline.Start(t.Context()); !errors.Is(err, pipeline.KindPlugin) {
		t.Errorf("got %v", err)
	}
}

func TestFailure_to_make_the_stage(t *testing.T) {
	for _, tc := range []struct {
		name   string
		opened *wire.Opened
		reason string
		want   string
	}{
		{"mistake", &wire.Opened{Mistakes: []*wire.Mistake{{Path: "key", Message: "is required"}}}, classStart, "refuses the config: key: is required"},
		{"failure", &wire.Opened{Failure: "no such file"}, classStart, "could not make the stage: no such file"},
		{"needs", &wire.Opened{Needs: &wire.Needs{Request: &wire.RequestNeeds{Edit: []string{"host"}}}}, classInvalid, "asks for what nobody can have"},
		{"never", nil, classDeadline, "did not answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := newScene(t, signs(), answering, nil, withTable(`timeout = "50ms"`))
			sc.stage.opts.start = 50 * time.Millisecond
			sc.script.opened = func(*wire.Open) *wire.Opened { return tc.opened }
			_, _, err := sc.get(sc.simple())
			if e := sc.failure(err); e.Reason != tc.reason || !strings.Contains(e.Message, tc.want) {
				t.Errorf("got %v, want %s %q", err, tc.reason, tc.want)
			}
		})
	}
}

func TestFailure_overload(t *testing.T) {
	held, free := make(chan struct{}), make(chan struct{})
	sc := newScene(t, signs(), answering, func(x *said) {
		close(held)
		<-free
		x.last(nil)
	}, withInFlight(1))
	done := make(chan error, 1)
	go func() {
		_, _, err := sc.get(sc.simple())
		done <- err
	}()
	<-held
	sc.stage.remote.Timeout = 50 * time.Millisecond
	_, _, err := sc.get(sc.simple())
	if e := sc.failure(err); e.Reason != classOverload || !strings.Contains(e.Message, "max_in_flight") {
		t.Errorf("got %v", err)
	}
	close(free)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSession_after_a_crash_opens_the_stage_anew(t *testing.T) {
	var crashes atomic.Int32
	sc := newScene(t, signs(), answering, func(x *said) {
		if crashes.Add(1) == 2 {
			x.p.cut()
			return
		}
		x.last(set("x-sig", "1"))
	})
	for i := range 4 {
		_, _, err := sc.get(sc.simple())
		if (err != nil) != (i == 1) {
			t.Errorf("call %d: got %v", i, err)
		}
	}
	if n := len(sc.script.opens); n != 2 {
		t.Errorf("got %d opens, want 2", n)
	}
}

func TestSession_draining_hands_over(t *testing.T) {
	var begun atomic.Int32
	var sc *scene
	sc = newScene(t, signs(), answering, func(x *said) {
		if begun.Add(1) == 1 {
			x.p.send(x.stream, 0, &wire.Frame{Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}})
			<-sc.plugin.session.draining()
		}
		x.last(nil)
	})
	for range 3 {
		if _, _, err := sc.get(sc.simple()); err != nil {
			t.Error(err)
		}
	}
	if n := len(sc.plugin.all); n != 2 {
		t.Errorf("got %d sessions, want 2: no new exchange on one that drains", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := sc.plugin.all[0].drain(ctx); err != nil {
		t.Error(err)
	}
	<-sc.plugin.all[0].gone()
}

func TestSession_drain_lets_exchanges_end(t *testing.T) {
	const calls = 20
	entered := make(chan struct{}, calls)
	free := make(chan struct{})
	sc := newScene(t, signs(), answering, func(x *said) {
		entered <- struct{}{}
		<-free
		x.last(nil)
	})
	results := make(chan error, calls)
	for range calls {
		req := sc.simple()
		go func() {
			_, _, err := sc.get(req)
			results <- err
		}()
	}
	for range calls {
		<-entered
	}
	s := sc.plugin.session
	drained := make(chan error, 1)
	go func() { drained <- s.drain(t.Context()) }()
	<-s.draining()
	close(free)
	for range calls {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if s.err() != nil {
		t.Errorf("got %v of a session that was drained", s.err())
	}
}

func TestSession_drain_gives_up_with_its_context(t *testing.T) {
	entered := make(chan struct{})
	sc := newScene(t, signs(), answering, func(x *said) { close(entered); <-x.cancelled })
	result := make(chan error, 1)
	req := sc.simple()
	go func() {
		_, _, err := sc.get(req)
		result <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sc.plugin.session.drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if e := sc.failure(<-result); e.Reason != classCrash {
		t.Errorf("got %v", e)
	}
}

func TestSession_frames_out_of_place(t *testing.T) {
	sc := newScene(t, signs(), answering, func(x *said) {
		for _, number := range []uint64{1 << 60, x.number + 1, x.number + 1<<indexBits, 3<<indexBits | instanceIndex} {
			x.p.send(x.stream, number, &wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Last: true}}})
		}
		if x.number>>indexBits > 1 { // of an exchange that has ended
			x.p.send(x.stream, x.number-1<<indexBits, &wire.Frame{Kind: &wire.Frame_Return{Return: &wire.Return{}}})
		}
		x.last(set("x-sig", "1"))
	}, withInFlight(1))
	for range 5 {
		if _, body, err := sc.get(sc.simple()); err != nil || !strings.Contains(body, "sig=1") {
			t.Errorf("got %q %v", body, err)
		}
	}
	sc.plugin.close()
	if text := sc.logs.String(); strings.Count(text, "exchange that never was") != 1 {
		t.Errorf("got %q", text)
	}
}

func TestExchange_that_does_not_wait_its_turn(t *testing.T) {
	goOn := make(chan struct{})
	var sc *scene
	sc = newScene(t, sees(), func(req *http.Request) (*http.Response, error) {
		<-goOn
		return answering(req)
	}, func(x *said) {
		x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{}}})
		x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{}}})
		// Frames come in order: once the host takes no new exchange, it has both.
		x.p.send(x.stream, 0, &wire.Frame{Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}})
		<-sc.plugin.session.draining()
		close(goOn)
	})
	_, _, err := sc.get(sc.simple())
	if e := sc.failure(err); e.Reason != classInvalid || !strings.Contains(e.Message, "did not wait") && !strings.Contains(e.Message, "more than once") {
		t.Errorf("got %v", err)
	}
}

func TestStage_closes(t *testing.T) {
	var closed atomic.Int32
	sc := newScene(t, signs(), answering, func(x *said) { x.last(nil) })
	sc.script.closed = func(*wire.Close) *wire.Closed {
		closed.Add(1)
		return &wire.Closed{Failure: "the disk is full"}
	}
	if _, _, err := sc.get(sc.simple()); err != nil {
		t.Fatal(err)
	}
	err := sc.runner.Close()
	if err == nil || !strings.Contains(err.Error(), "closing stage sign: the disk is full") || closed.Load() != 1 || sc.plugin.left != 1 {
		t.Errorf("got %v, closed %d times, left %d times", err, closed.Load(), sc.plugin.left)
	}
	if err := sc.stage.Close(); err != nil || sc.plugin.left != 1 {
		t.Errorf("a second time: %v, left %d times", err, sc.plugin.left)
	}
}

func TestFailure_reads_no_more_than_it_keeps(t *testing.T) {
	upstream := func(req *http.Request) (*http.Response, error) {
		resp, err := answering(req)
		resp.Body, resp.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 1<<20)), 1<<20
		return resp, err
	}
	sc := newScene(t, sees(), upstream, func(x *said) {
		x.next(&wire.Next{})
		x.last(nil)
	})
	_, _, err := sc.get(sc.simple())
	if e := sc.failure(err); len(e.Body) != attachBytes || !e.Truncated || e.Status != 200 {
		t.Errorf("got %v, %d bytes", e, len(e.Body))
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
