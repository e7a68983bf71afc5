package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
)

var pass = stageOf("pass", func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) })

func TestLink(t *testing.T) {
	ok := roundTripper(func(*http.Request) (*http.Response, error) { return answer(200, "{}"), nil })

	for _, tc := range []struct {
		name string
		do   pipeline.StageFunc
		says string
	}{
		{"both_results", func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return answer(200, "x"), errors.New("and this")
		}, "and this"},
		{"both_results_without_a_body", func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{StatusCode: 200}, errors.New("and this")
		}, "and this"},
		{"no_result", func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, nil }, "neither a response nor an error"},
		{"a_panic", func(*http.Request, http.RoundTripper) (*http.Response, error) { panic(fmt.Errorf("lost: %d", 7)) }, "panic: lost: 7"},
		{"a_nil_pointer_as_error", func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, (*pipeline.Error)(nil)
		}, "a nil *pipeline.Error"},
		{"a_context_of_its_own", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(req.Clone(context.Background())) //nolint:usetesting // not one that the call derives from
		}, "does not derive from"},
	} {
		t.Run("makes_a_typed_error_of_"+tc.name, func(t *testing.T) {
			p := open(t, "", ok, stageOf("s", tc.do), pass)
			_, err := get(t, t.Context(), p, "/x")
			e := kindOf(t, err, pipeline.KindInternal)
			if !strings.Contains(e.Message, tc.says) || e.Stage == "" || e.Pipeline != "p" {
				t.Errorf("got %v", e)
			}
		})
	}

	t.Run("knows_the_call_of_a_response_that_a_stage_made_up", func(t *testing.T) {
		p := open(t, "", ok, stageOf("s", func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{StatusCode: 404}, nil
		}))
		resp, err := get(t, t.Context(), p, "/x")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if c := pipeline.CallOf(resp); c.Kind() != pipeline.KindNotFound || resp.Request == nil {
			t.Errorf("kind %q", c.Kind())
		}
	})

	t.Run("leaves_the_context_to_an_answer_that_a_stage_got_itself", func(t *testing.T) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1<<20))
		}))
		defer srv.Close()
		rt := &http.Transport{}
		defer rt.CloseIdleConnections()
		p := open(t, "", ok, stageOf("s", func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			own, _ := http.NewRequestWithContext(req.Context(), "GET", srv.URL, nil)
			return rt.RoundTrip(own)
		}))
		resp, err := get(t, t.Context(), p, "/x")
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if n != 1<<20 || err != nil {
			t.Errorf("read %d bytes: %v", n, err)
		}
	})

	t.Run("redacts_a_learnt_secret_in_the_error_of_a_stage", func(t *testing.T) {
		const secret = "a-very-secret-value"
		p := open(t, "", ok, stageOf("s", func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "Authorization: Bearer %s is not good", secret)
		}))
		_, err := get(t, t.Context(), p, "/x")
		if strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	})
}

func TestSend(t *testing.T) {
	// httptrace joins the hooks of two traces by changing the newer one. That one must not serve other calls afterwards.
	t.Run("calls_the_hooks_of_a_caller_for_that_callers_sends_only", func(t *testing.T) {
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer srv.Close()
		rt := &http.Transport{}
		defer rt.CloseIdleConnections()
		p := open(t, "", rt)
		var calls atomic.Int32
		traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(string) { calls.Add(1) }})
		for i := range 50 {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = traced
			}
			resp, err := get(t, ctx, p, srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		if got := calls.Load(); got != 25 {
			t.Errorf("hooks were called %d times, want 25", got)
		}
	})

	t.Run("keeps_kind_and_class_of_a_transport_that_is_a_pipeline", func(t *testing.T) {
		inner := open(t, "", roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
		}))
		p := open(t, "", inner, pass)
		_, err := get(t, t.Context(), p, "/x")
		if e := kindOf(t, err, pipeline.KindNetwork); e.Class != pipeline.ClassNotSent || e.Pipeline != "p" {
			t.Errorf("got %v, class %s", e, e.Class)
		}
	})

	t.Run("lets_the_answer_be_read_when_another_send_of_the_call_ends_later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var n atomic.Int32
			slow := func(ctx context.Context) io.ReadCloser {
				pr, pw := io.Pipe()
				stop := context.AfterFunc(ctx, func() { _ = pw.CloseWithError(ctx.Err()) })
				time.AfterFunc(2*time.Second, func() { stop(); _, _ = pw.Write([]byte("late")); _ = pw.Close() })
				return pr
			}
			rt := roundTripper(func(r *http.Request) (*http.Response, error) {
				n.Add(1)
				resp := answer(200, "")
				resp.Body, resp.ContentLength = slow(r.Context()), -1
				return resp, nil
			})
			var loser *http.Response
			p := open(t, "", rt, stageOf("hedge", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				again := pipeline.Replay(req)
				first, _ := again.Next()
				second, _ := again.Next()
				loser, _ = next.RoundTrip(first)
				return next.RoundTrip(second)
			}))
			resp, err := get(t, t.Context(), p, "/x")
			if err != nil {
				t.Fatal(err)
			}
			_ = loser.Body.Close()
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(got) != "late" || err != nil {
				t.Errorf("read %q: %v", got, err)
			}
			time.Sleep(3 * time.Second) // both upstream timers
		})
	})

	t.Run("bounds_the_send_after_a_stream_that_a_stage_gave_up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			p := open(t, "timeout = \"5s\"\nattempt_timeout = \"50s\"", roundTripper(func(r *http.Request) (*http.Response, error) {
				if n++; n == 1 {
					resp := answer(200, "data: x\n\n")
					resp.Header.Set("Content-Type", "text/event-stream")
					return resp, nil
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			}), stageOf("twice", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				again := pipeline.Replay(req)
				first, _ := again.Next()
				resp, err := next.RoundTrip(first)
				if err != nil {
					return nil, err
				}
				pipeline.Drop(resp)
				second, err := again.Next()
				if err != nil {
					return nil, err
				}
				return next.RoundTrip(second)
			}))
			began := time.Now()
			_, err := get(t, t.Context(), p, "/x")
			if e := kindOf(t, err, pipeline.KindTimeout); time.Since(began) != 5*time.Second {
				t.Errorf("%v after %s", e, time.Since(began))
			}
		})
	})
}

func TestErrors_of_references_hold_no_secret(t *testing.T) {
	p := open(t, "", nil)
	const secret = "the-canary-value"
	for _, ref := range []string{"https://h/%zz?access_token=" + secret, "/x\x7f?access_token=" + secret, "https://u:" + secret + "@h\x7f/"} {
		_, err := p.NewRequest(t.Context(), "GET", ref, nil)
		if err == nil {
			t.Errorf("%q was accepted", ref)
			continue
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if _, foreign := e.(*url.Error); !foreign && strings.Contains(fmt.Sprintf("%v %+v %#v %q", e, e, e, e), secret) {
				t.Errorf("%T: %v", e, e)
			}
		}
	}
}

func TestClose(t *testing.T) {
	t.Run("waits_for_calls_under_way_and_refuses_later_ones", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte("version = 1\n[pipelines.p]\nbase_url = \"https://h\"\n"), pipeline.WithEnviron(nil),
				pipeline.WithTransport("default", roundTripper(func(r *http.Request) (*http.Response, error) {
					time.Sleep(time.Second)
					return answer(200, "later"), nil
				})))
			if err != nil {
				t.Fatal(err)
			}
			p, _ := r.Pipeline("p")
			var group sync.WaitGroup
			var answers, refused atomic.Int32
			began := time.Now()
			for i := range 20 {
				group.Go(func() {
					time.Sleep(time.Duration(i) * 50 * time.Millisecond)
					resp, err := get(t, t.Context(), p, "/")
					if err != nil {
						if e := kindOf(t, err, pipeline.KindPolicy); e.Reason == "closed" {
							refused.Add(1)
						}
						return
					}
					answers.Add(1)
					time.Sleep(5 * time.Second) // the body is read after Close
					if b, err := io.ReadAll(resp.Body); string(b) != "later" || err != nil {
						t.Errorf("read %q: %v", b, err)
					}
					_ = resp.Body.Close()
				})
			}
			for range 4 {
				group.Go(func() {
					time.Sleep(500*time.Millisecond + 1)
					if err := r.Close(); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took != 1500*time.Millisecond {
						t.Errorf("closed after %s", took)
					}
				})
			}
			group.Wait()
			if answers.Load() != 11 || refused.Load() != 9 {
				t.Errorf("%d answers, %d refused", answers.Load(), refused.Load())
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	})

	t.Run("ends_every_closer_once_and_says_what_failed", func(t *testing.T) {
		var closed atomic.Int32
		failing := pipeline.Define("c", struct{}{}, func(struct{}, pipeline.Settings) (*closer, error) { return &closer{n: &closed}, nil })
		r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte("version = 1\n[pipelines.p]\nbase_url = \"https://h\"\nstages = [\"c\"]\n"),
			pipeline.WithEnviron(nil), pipeline.WithStages(failing))
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := r.Close(); err == nil || err.Error() != "stage: no" {
					t.Errorf("close: %v", err)
				}
			})
		}
		group.Wait()
		if closed.Load() != 1 {
			t.Errorf("closed %d times", closed.Load())
		}
	})
}

type closer struct{ n *atomic.Int32 }

func (c *closer) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func (c *closer) Close() error { c.n.Add(1); return errors.New("stage: no") }
