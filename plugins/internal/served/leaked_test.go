package served_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/plugintest"
)

// leaks is a stage that goes on with all it was given, from several goroutines at once, as it returns and after. Its calls each add one to left.
func leaks(t *testing.T, left *sync.WaitGroup) pipeline.StageFunc {
	own := func(what, id string, h http.Header) {
		if h.Get("X-Id") != id || h.Get("X-Same") != strings.Repeat(id, 20) {
			t.Errorf("%s of exchange %s: got %v", what, id, h)
		}
	}
	return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		defer left.Done()
		id, call, kept := req.Header.Get("X-Id"), pipeline.CallFrom(req.Context()), req.Clone(req.Context())
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		answer, read := resp.Header.Clone(), resp.Body
		for _, pause := range []time.Duration{0, 0, time.Millisecond, 5 * time.Millisecond} {
			left.Go(func() {
				<-time.After(pause)
				again := kept.Clone(kept.Context())
				again.Body = io.NopCloser(strings.NewReader(strings.Repeat(id, 100<<10/len(id)))) // it travels apart
				if got, err := next.RoundTrip(again); err == nil && got.StatusCode != 0 {
					own("another response", id, got.Header)
					_, _ = io.ReadAll(got.Body)
				}
				call.Judge(pipeline.KindClient, "", "late", "")
				call.Note(pipeline.Event{Name: "late"})
				_ = call.Wait(kept.Context(), 0)
				own("the request", id, kept.Header)
				if resp.StatusCode != 0 {
					own("the response", id, answer)
				}
				if data, _ := io.ReadAll(read); len(data) > 0 && string(data) != id {
					t.Errorf("the body of exchange %s: got %q", id, data)
				}
			})
		}
		return resp, nil
	}
}

// TestLeaked: what a stage keeps of an exchange is that exchange's and no other's.
func TestLeaked(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		id := r.Header.Get("X-Id")
		if !strings.HasPrefix(string(data), id) {
			t.Errorf("exchange %s sent %.20q", id, data)
		}
		w.Header().Set("X-Id", id)
		w.Header().Set("X-Same", r.Header.Get("X-Same"))
		_, _ = io.WriteString(w, id)
	}))
	defer up.Close()
	for name, n := range map[string]pipeline.Needs{
		"by_a_stage_that_sees_the_response": everything, "by_a_stage_that_parts": {Request: everything.Request},
	} {
		t.Run(name, func(t *testing.T) {
			var left, callers sync.WaitGroup
			p := open(t, up.URL, plugintest.Factory(t, stage(n, leaks(t, &left))), "")
			for worker := range 16 {
				callers.Go(func() {
					for i := range 15 {
						id := fmt.Sprintf("%03d-%03d", worker, i)
						req, err := p.NewRequest(t.Context(), "POST", "/", strings.NewReader(id))
						if err != nil {
							t.Error(err)
							return
						}
						req.Header.Set("X-Id", id)
						req.Header.Set("X-Same", strings.Repeat(id, 20))
						left.Add(1)
						resp, err := p.RoundTrip(req)
						if err != nil { // the stage's own fault
							if !strings.Contains(err.Error(), "did not wait") && !strings.Contains(err.Error(), "of an earlier next") {
								t.Errorf("%s: %v", id, err)
							}
							continue
						}
						if data, err := io.ReadAll(resp.Body); err != nil || string(data) != id || resp.Header.Get("X-Id") != id {
							t.Errorf("exchange %s got %q of %s, %v", id, data, resp.Header.Get("X-Id"), err)
						}
						_ = resp.Body.Close()
					}
				})
			}
			callers.Wait()
			left.Wait()
		})
	}
}

// TestLeaked_next: a stage returns while a next of it is under way. What it returned is its outcome, once the answer is there.
func TestLeaked_next(t *testing.T) {
	asked := make(chan struct{})
	var left sync.WaitGroup
	h := newHost(t, only(stage(everything, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		left.Go(func() {
			if resp, err := next.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
		})
		<-asked
		return nil, pipeline.Errorf(pipeline.KindPolicy, "enough")
	})))
	h.open()
	h.send(do(7, nil))
	if f := h.next(); f.GetNext() == nil {
		t.Fatalf("got %v", f)
	}
	close(asked)
	h.send(result(7, 204))
	if e := h.next().GetReturn().GetError(); e.GetMessage() != "enough" || e.GetOfResult() {
		t.Errorf("got %v", e)
	}
	left.Wait()
}
