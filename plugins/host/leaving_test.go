package host

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// retries are the needs of a stage that sends again.
func retries() pipeline.Needs {
	n := sees()
	n.Retry = true
	return n
}

// TestLeaving_a_wait: a plugin that waits is told that the caller left, and what it says then is the error.
func TestLeaving_a_wait(t *testing.T) {
	ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	sc := newScene(t, retries(), answering, func(x *said) {
		x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(time.Hour)}}})
		x.ret(&wire.Return{Error: &wire.Error{Kind: "timeout", Class: "terminal", Reason: "deadline", Message: "it waited to send again"}})
	})
	_, _, err := sc.get(sc.simple().WithContext(ctx))
	e := inner(err)
	switch {
	case e == nil, e.Kind != pipeline.KindTimeout:
		t.Errorf("got %v", err)
	case e.Message == "it waited to send again":
	case !strings.Contains(e.Message, "while plugin signer worked"): // its moment was over
		t.Errorf("got %v", err)
	}
}

// TestLeaving_as_next_works: where the plugin says nothing, the caller hears what next said, and soon.
func TestLeaving_as_next_works(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	told := make(chan string, 1)
	sc := newScene(t, retries(), func(req *http.Request) (*http.Response, error) {
		leave()
		<-req.Context().Done()
		return nil, req.Context().Err()
	}, func(x *said) {
		told <- x.next(&wire.Next{}).GetEnded()
		<-x.cancelled
	})
	began := time.Now()
	_, _, err := sc.get(sc.simple().WithContext(ctx))
	if e := inner(err); e == nil || e.Kind != pipeline.KindCanceled || e.Stage != "send" {
		t.Errorf("got %v", err)
	}
	if got := <-told; got != "canceled" {
		t.Errorf("the plugin was told %q", got)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestLeaving_by_deadline: the plugin hears which deadline it was.
func TestLeaving_by_deadline(t *testing.T) {
	for _, tt := range []struct {
		word string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}},
		{"timeout", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return pipeline.With(ctx, pipeline.Timeout(50*time.Millisecond)), func() {}
		}},
	} {
		t.Run(tt.word, func(t *testing.T) {
			ctx, leave := tt.ctx(t.Context())
			defer leave()
			told := make(chan string, 1)
			sc := newScene(t, retries(), answering, func(x *said) {
				told <- x.ask(&wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(time.Hour)}}}).GetAwake().GetEnded()
				<-x.cancelled
			})
			_, _, err := sc.get(sc.simple().WithContext(ctx))
			if e := inner(err); e == nil || e.Kind != pipeline.KindTimeout || e.Reason != tt.word {
				t.Errorf("got %v", err)
			}
			if got := <-told; got != tt.word {
				t.Errorf("the plugin was told %q", got)
			}
		})
	}
}

// TestWait_is_shorter_by_what_a_drop_took: a stage that drops an answer and then waits waits no longer than it asked for.
func TestWait_is_shorter_by_what_a_drop_took(t *testing.T) {
	x := exchange{dropping: time.Hour, ctx: t.Context()}
	sc := newScene(t, retries(), answering, func(*said) {})
	s, err := sc.plugin.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.st, x.inst = sc.stage, &instance{session: s, grants: newGrants(retries(), s.opts.redactor)}
	if err := x.enter(); err != nil {
		t.Fatal(err)
	}
	defer x.leave()
	began := time.Now()
	if err := x.onWait(&wire.Wait{Duration: int64(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Minute || x.dropping != 0 {
		t.Errorf("it took %v; %v is left", took, x.dropping)
	}
}

// TestOverlay_of_a_wrapped_error: an error that a stage hands on is the one that next gave, with whatever was put around it.
func TestOverlay_of_a_wrapped_error(t *testing.T) {
	within := pipeline.Errorf(pipeline.KindConflict, "taken")
	wrapped := errors.Join(errors.New("first"), within)
	sc := newScene(t, sees(), func(*http.Request) (*http.Response, error) { return nil, nil }, func(x *said) {
		e := x.next(&wire.Next{}).GetError()
		e.OfResult = true
		x.ret(&wire.Return{Error: e})
	}, func(o *sceneOptions) {
		o.stages = `"sign", "wraps"`
		o.options = append(o.options, pipeline.WithStages(pipeline.Define("wraps", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
			return func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, wrapped }, nil
		})))
	})
	_, _, err := sc.get(sc.simple())
	if e := inner(err); e == nil || e.Kind != pipeline.KindConflict || strings.Count(e.Error(), "taken") != 1 {
		t.Errorf("got %v", err)
	}
}

// TestEdits_of_a_User_Agent_that_is_removed: net/http sends its own where there is none.
func TestEdits_of_a_User_Agent_that_is_removed(t *testing.T) {
	needs := signs()
	needs.Request.Edit = []string{"*"}
	sc := newScene(t, needs, func(req *http.Request) (*http.Response, error) {
		if values, ok := req.Header["User-Agent"]; !ok || len(values) > 0 {
			t.Errorf("got %q, %v", values, ok)
		}
		if _, ok := req.Header["Accept"]; ok {
			t.Error("Accept is still there")
		}
		return answering(req)
	}, func(x *said) {
		x.last(&wire.Edits{Headers: []*wire.HeaderEdit{{Name: "user-agent"}, {Name: "accept"}}})
	})
	req := sc.simple()
	req.Header.Set("Accept", "a/b")
	if _, _, err := sc.get(req); err != nil {
		t.Fatal(err)
	}
}

// TestSession_drains_once: two who drain at once don't wait for each other's slots.
func TestSession_drains_once(t *testing.T) {
	sc := newScene(t, signs(), answering, func(x *said) { x.last(nil) })
	s, err := sc.plugin.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- s.drain(ctx) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if ctx.Err() != nil {
		t.Error("they waited for each other")
	}
}
