package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// callAll calls every method of a call that needs nothing, or little.
func callAll(t *testing.T, what string, c *pipeline.Call) {
	t.Helper()
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		m, name := v.Method(i), v.Type().Method(i).Name
		if name == "Format" { // called as fmt calls it, by the last of them
			continue
		}
		args := make([]reflect.Value, m.Type().NumIn())
		for j := range args {
			switch in := m.Type().In(j); in {
			case reflect.TypeFor[context.Context]():
				args[j] = reflect.ValueOf(t.Context())
			case reflect.TypeFor[func(*pipeline.Call)]():
				args[j] = reflect.ValueOf(func(*pipeline.Call) {})
			case reflect.TypeFor[*pipeline.CallChanges]():
				args[j] = reflect.ValueOf(&pipeline.CallChanges{Attempts: 1, Idempotent: true, Events: []pipeline.Event{{Name: "x"}}})
			case reflect.TypeFor[*url.URL]():
				args[j] = reflect.ValueOf(&url.URL{Scheme: "https", Host: "api.example.com"})
			default:
				args[j] = reflect.Zero(in)
			}
		}
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s: %s panicked: %v", what, name, p)
				}
			}()
			m.Call(args)
		}()
	}
	if got := fmt.Sprintf("%+v", c); strings.Contains(got, "PANIC") {
		t.Errorf("%s: got %s", what, got)
	}
}

// TestCall_of_every_origin: all methods are there, wherever the call comes from.
func TestCall_of_every_origin(t *testing.T) {
	callAll(t, "none", nil)
	ok := roundTripper(func(*http.Request) (*http.Response, error) { return answer(200, "{}"), nil })

	refused := pipeline.Define("watch", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return ending(func(c *pipeline.Call) { callAll(t, "of a request that was not let in", c) }), nil
	})
	p := open(t, "", ok, refused)
	_, _ = p.RoundTrip(&http.Request{Method: "GET"})

	within := open(t, "", ok)
	f := &far{answers: []answered{{status: 200}}}
	stage := served(t, pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			own, _ := within.NewRequest(req.Context(), "GET", "/", nil)
			inner, failure := within.RoundTrip(own)
			if failure != nil {
				return nil, failure
			}
			callAll(t, "within a served stage", pipeline.CallOf(inner))
			callAll(t, "of a served stage", pipeline.CallFrom(req.Context()))
			callAll(t, "before that of a served stage", pipeline.CallFrom(req.Context()).Previous())
			return resp, err
		}), nil
	}))
	if _, _, err := stage.Do(t.Context(), pipeline.CallState{Pipeline: "api", Hop: 1, RetryOwned: true}, f); err != nil {
		t.Error(err)
	}
	ends := served(t, pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return ending(func(c *pipeline.Call) { callAll(t, "that has ended elsewhere", c) }), nil
	}))
	ends.CallEnded(t.Context(), pipeline.CallState{Pipeline: "api", Hop: 1, RetryOwned: true}, &http.Request{}, 200, nil)
}

// ending is a stage that hears of a call's end.
type ending func(*pipeline.Call)

func (ending) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func (e ending) CallEnded(_ context.Context, c *pipeline.Call, _ *http.Request) { e(c) }

// TestServedStage_redirects: a pipeline within a served stage follows a response of that stage's next as it would any other, and takes the
// caller's credentials nowhere.
func TestServedStage_redirects(t *testing.T) {
	var sent *http.Request
	within := open(t, "", roundTripper(func(req *http.Request) (*http.Response, error) {
		sent = req
		return answer(200, "{}"), nil
	}))
	stage := served(t, pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			hop, _ := within.NewRequest(t.Context(), "GET", "/", nil)
			hop.Header.Set("Authorization", "Bearer secret")
			hop.Header.Set("Referer", "https://elsewhere.example.com/path?key=secret")
			hop.Response = resp
			inner, err := within.RoundTrip(hop)
			if err != nil {
				return nil, err
			}
			if c := pipeline.CallOf(inner); c.Previous() != pipeline.CallFrom(req.Context()) || c.URL() == "" || c.Previous().URL() != "" {
				t.Errorf("got %q after %q", c.URL(), c.Previous().URL())
			}
			return resp, nil
		}), nil
	}))
	for _, hops := range []int{0, 2} {
		if _, _, err := stage.Do(t.Context(), pipeline.CallState{Pipeline: "api", Hop: hops, Bound: time.Minute}, &far{answers: []answered{{status: 302}}}); err != nil {
			t.Fatal(err)
		}
		if sent.Header.Get("Authorization") != "" || sent.Header.Get("Referer") != "https://elsewhere.example.com/" {
			t.Errorf("got %v", sent.Header)
		}
	}
}

// brokenFar has no request to give.
type brokenFar struct{ far }

func (brokenFar) Request(context.Context) (*http.Request, error) {
	return nil, errors.New("no request")
}

func TestServedStage_without_a_request(t *testing.T) {
	stage := served(t, pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return pipeline.StageFunc(func(*http.Request, http.RoundTripper) (*http.Response, error) {
			t.Error("the stage ran")
			return answer(200, ""), nil
		}), nil
	}))
	resp, ch, err := stage.Do(t.Context(), pipeline.CallState{}, &brokenFar{})
	if resp != nil || err == nil || !strings.Contains(err.Error(), "no request") || !reflect.DeepEqual(ch, pipeline.CallChanges{}) {
		t.Errorf("got %v, %v, %v", resp, ch, err)
	}
}

// bothFar answers once both of two have asked.
type bothFar struct {
	far
	both sync.WaitGroup
	mu   sync.Mutex
	n    int
}

func (f *bothFar) Next(*http.Request, pipeline.CallChanges) (*http.Response, pipeline.CallProgress, error) {
	f.mu.Lock()
	f.n++
	n := f.n
	f.mu.Unlock()
	f.both.Done()
	f.both.Wait()
	return answer(200, ""), outcome("", pipeline.ClassProcessed, 200, n, n), nil
}

// TestServedStage_that_calls_next_twice_at_once: of the two sends one is counted as a resend.
func TestServedStage_that_calls_next_twice_at_once(t *testing.T) {
	const calls = 20
	resends := func(n float64) pipeline.Budget { return pipeline.Budget{Floor: n / 3600, Window: time.Hour} }
	var host *pipeline.Host
	hedge := pipeline.Define("hedge", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if host == nil {
				host = pipeline.CallFrom(req.Context()).Host(req.URL)
				host.Take(resends(1)) // from here on that window is counted
				host.Return()
			}
			var other sync.WaitGroup
			other.Go(func() { _, _ = next.RoundTrip(req.Clone(req.Context())) })
			resp, err := next.RoundTrip(req)
			other.Wait()
			return resp, err
		}), nil
	}).WithNeeds(pipeline.Needs{Response: &pipeline.ResponseNeeds{}, Retry: true})
	stage := served(t, hedge)
	for range calls {
		f := &bothFar{}
		f.both.Add(2)
		if _, _, err := stage.Do(t.Context(), pipeline.CallState{Pipeline: "api"}, f); err != nil {
			t.Fatal(err)
		}
	}
	if host.Take(resends(calls)) || !host.Take(resends(calls+1)) {
		t.Errorf("not %d resends were counted", calls)
	}
}

// TestServedStage_without_a_URL: what it hands on is refused with the words of whoever refuses it.
func TestServedStage_without_a_URL(t *testing.T) {
	stage := served(t, pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) {
		return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.URL = nil
			return next.RoundTrip(req)
		}), nil
	}))
	_, _, err := stage.Do(t.Context(), pipeline.CallState{}, &refusingFar{})
	if err == nil || !strings.Contains(err.Error(), "no URL") {
		t.Errorf("got %v", err)
	}
}

// refusingFar refuses what is handed on.
type refusingFar struct{ far }

func (*refusingFar) Next(*http.Request, pipeline.CallChanges) (*http.Response, pipeline.CallProgress, error) {
	return nil, pipeline.CallProgress{}, pipeline.Errorf(pipeline.KindInternal, "no URL")
}
