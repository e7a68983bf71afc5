package pipeline_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// watcher counts the calls that it hears of.
type watcher struct{ heard []string }

func (w *watcher) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func (w *watcher) CallEnded(ctx context.Context, c *pipeline.Call, req *http.Request) {
	status, e := c.Result()
	line := req.Method + " " + http.StatusText(status)
	if e != nil {
		line = req.Method + " " + string(e.Kind)
	}
	if pipeline.CallFrom(ctx) != c && c.Sends() > 0 {
		line += " without its context"
	}
	w.heard = append(w.heard, line)
}

func watching(w *watcher) pipeline.Factory {
	return pipeline.Define("watch", struct{}{}, func(struct{}, pipeline.Settings) (*watcher, error) { return w, nil })
}

func TestCallObserver(t *testing.T) {
	ok := roundTripper(func(*http.Request) (*http.Response, error) { return answer(200, "{}"), nil })

	t.Run("hears_once_of_each_call_also_of_one_that_an_outer_stage_ended", func(t *testing.T) {
		var w watcher
		guard := stageOf("guard", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.URL.Path == "/v1/no" {
				return nil, errors.New("no token")
			}
			_, _ = next.RoundTrip(req)
			return next.RoundTrip(req)
		})
		p := open(t, "", ok, guard, watching(&w))
		_, _ = get(t, t.Context(), p, "/no")
		_, _ = get(t, t.Context(), p, "/yes")
		if got, want := strings.Join(w.heard, ","), "GET internal,GET OK"; got != want {
			t.Errorf("heard: got %s, want %s", got, want)
		}
	})
	t.Run("hears_of_what_the_door_refused", func(t *testing.T) {
		var w watcher
		p := open(t, "", ok, watching(&w))
		dead, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = get(t, dead, p, "/")
		_, _ = p.RoundTrip(&http.Request{Method: "GET"})
		if got, want := strings.Join(w.heard, ","), "GET canceled,GET policy"; got != want {
			t.Errorf("heard: got %s, want %s", got, want)
		}
	})
	t.Run("does_not_hear_where_when_says_no", func(t *testing.T) {
		var w watcher
		p := open(t, "[stages.watch]\nwhen = 'request.method != \"GET\"'", ok, watching(&w))
		_, _ = get(t, t.Context(), p, "/")
		req, _ := p.NewRequest(t.Context(), "DELETE", "/", nil)
		_, _ = p.RoundTrip(req)
		if got, want := strings.Join(w.heard, ","), "DELETE OK"; got != want {
			t.Errorf("heard: got %s, want %s", got, want)
		}
	})
	t.Run("sees_the_status_of_a_response_that_a_stage_made_up", func(t *testing.T) {
		p := open(t, "", ok, stageOf("cache", func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			resp := answer(503, "")
			resp.Request = req
			return resp, nil
		}))
		resp, err := get(t, t.Context(), p, "/")
		if err != nil {
			t.Fatal(err)
		}
		if got := pipeline.CallOf(resp).Kind(); got != pipeline.KindServer {
			t.Errorf("kind: got %q, want server", got)
		}
	})
}

// teeing is a wrapper as a stage puts it around a request's body.
type teeing struct{ io.ReadCloser }

func (b teeing) Unwrap() io.ReadCloser { return b.ReadCloser }

func TestDoor_leaves_a_wrapped_body_to_the_transport(t *testing.T) {
	var late []byte
	read := make(chan struct{})
	rt := roundTripper(func(req *http.Request) (*http.Response, error) {
		go func() {
			defer close(read)
			<-req.Context().Done() // the call is over, and the transport still reads
			late, _ = io.ReadAll(req.Body)
			_ = req.Body.Close()
		}()
		return answer(200, "{}"), nil
	})
	p := open(t, "", rt, stageOf("tee", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		req.Body = teeing{req.Body}
		return next.RoundTrip(req)
	}))
	req, _ := p.NewRequest(t.Context(), "POST", "/", strings.NewReader("whole"))
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	<-read
	if got := string(late); got != "whole" {
		t.Errorf("body: got %q, want whole", got)
	}
}
