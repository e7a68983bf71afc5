package served_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
	"github.com/leatdev/leat/plugins/plugintest"
)

// waits are ways in which a stage hears that nobody waits for it any more, or finds it out.
func waits() map[string]pipeline.StageFunc {
	return map[string]pipeline.StageFunc{
		"Done": func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		},
		"Err": func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			for req.Context().Err() == nil {
				<-time.After(time.Millisecond)
			}
			return nil, req.Context().Err()
		},
		"AfterFunc": func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			over := make(chan struct{})
			defer context.AfterFunc(req.Context(), func() { close(over) })()
			<-over
			return nil, req.Context().Err()
		},
		"a_context_of_its_own": func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			ctx, cancel := context.WithTimeout(req.Context(), time.Hour)
			defer cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"next": func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) },
		"next_within_a_context_of_its_own": func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			ctx, cancel := context.WithTimeout(req.Context(), time.Hour)
			defer cancel()
			return next.RoundTrip(req.WithContext(ctx))
		},
		"Wait": func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return nil, pipeline.CallFrom(req.Context()).Wait(req.Context(), time.Hour)
		},
		"next_after_the_end": func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			<-req.Context().Done()
			return next.RoundTrip(req)
		},
		"next_and_Done": func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			over := make(chan struct{})
			go func() { defer close(over); <-req.Context().Done() }()
			defer func() { <-over }()
			return next.RoundTrip(req)
		},
	}
}

// TestServedLeaving: whatever a stage waits for as its caller leaves, it hears of it, and as package context has it.
func TestServedLeaving(t *testing.T) {
	for name, wait := range waits() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := plugintest.Factory(t, stage(everything, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := wait(req, next)
				ctx := req.Context()
				if got, cause := ctx.Err(), context.Cause(ctx); got == nil || !errors.Is(cause, got) {
					t.Errorf("the stage went on with %v while its context says %v because of %v", err, got, cause)
				}
				select {
				case <-ctx.Done():
				default:
					t.Error("its context has an error and is not done")
				}
				return resp, err
			}))
			p := open(t, "https://api.example.com", f, "", pipeline.WithTransport("default", upstreamFunc(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})))
			var callers sync.WaitGroup
			for i := range 20 {
				callers.Go(func() {
					ctx, leave := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond+50*time.Millisecond)
					defer leave()
					want := pipeline.KindTimeout
					if i%2 == 0 {
						want = pipeline.KindCanceled
						time.AfterFunc(time.Duration(i)*time.Millisecond, leave)
					}
					req, err := p.NewRequest(ctx, "GET", "/", nil)
					if err != nil {
						t.Error(err)
						return
					}
					resp, err := p.RoundTrip(req)
					if err == nil {
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
					if got := pipeline.KindOf(err); got != want {
						t.Errorf("caller %d: got %v, want kind %s", i, err, want)
					}
				})
			}
			callers.Wait()
		})
	}
}

type upstreamFunc func(*http.Request) (*http.Response, error)

func (f upstreamFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestSession_that_ends: whatever stages wait for, the end of their session ends it.
func TestSession_that_ends(t *testing.T) {
	for name, wait := range waits() {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}, 8), make(chan error, 8)
			t.Run("session", func(t *testing.T) {
				h := newHost(t, only(stage(everything, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
					began <- struct{}{}
					resp, err := wait(req, next)
					ended <- err
					return resp, err
				})))
				h.open()
				for id := range uint64(cap(began)) {
					h.send(do(10+id, nil))
				}
				for range cap(began) {
					<-began
				}
			})
			for range cap(ended) {
				if err := <-ended; err == nil { // canceled, or that the stream takes nothing more
					t.Error("it went on as if nothing were")
				}
			}
		})
	}
}

// TestSession_that_ends_what_the_host_has_let_go: a stage still works on what the host waits for no more.
func TestSession_that_ends_what_the_host_has_let_go(t *testing.T) {
	for name, begin := range map[string]*wire.Frame{
		"a_request_that_was_handed_on": do(7, nil), "a_call_that_has_ended": {Exchange: 7, Kind: &wire.Frame_Ended{Ended: &wire.Ended{Instance: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := lingers{make(chan struct{}, 1), make(chan error, 1)}
			f := pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (lingers, error) { return l, nil })
			t.Run("session", func(t *testing.T) {
				h := newHost(t, only(f))
				h.open()
				h.send(begin)
				<-l.began
			})
			select {
			case err := <-l.ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("it goes on")
			}
		})
	}
}

// lingers is a stage that goes on until its context ends.
type lingers struct {
	began chan struct{}
	ended chan error
}

func (l lingers) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	l.linger(req.Context())
	return resp, err
}

func (l lingers) CallEnded(ctx context.Context, _ *pipeline.Call, _ *http.Request) { l.linger(ctx) }

func (l lingers) linger(ctx context.Context) {
	l.began <- struct{}{}
	<-ctx.Done()
	l.ended <- context.Cause(ctx)
}

// TestCancel_that_crosses_next: at whatever moment it comes, the stage goes on, and the host hears nothing more of the exchange but what was on
// its way.
func TestCancel_that_crosses_next(t *testing.T) {
	ended := make(chan error, 1)
	h := newHost(t, only(stage(everything, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		ended <- err
		return resp, err
	})))
	h.open()
	for id := range uint64(500) {
		h.send(do(10+id, nil))
		if id%3 == 0 {
			h.next()
		}
		h.send(&wire.Frame{Exchange: 10 + id, Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}})
		if err := <-ended; pipeline.KindOf(err) != pipeline.KindCanceled {
			t.Fatalf("exchange %d: got %v", id, err)
		}
	}
	h.send(&wire.Frame{Exchange: 8, Kind: &wire.Frame_Close{Close: &wire.Close{Instance: 1}}})
	for {
		f := h.next()
		if f.GetClosed() != nil {
			break
		}
		if f.GetNext() == nil {
			t.Errorf("got %v", f)
		}
	}
}
