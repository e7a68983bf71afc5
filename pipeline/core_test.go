package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// stageOf makes a stage type without a config from a function.
func stageOf(typ string, do pipeline.StageFunc) pipeline.Factory {
	return pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil })
}

// open opens one pipeline "p" with the given keys, stages and transport.
func open(t testing.TB, keys string, rt http.RoundTripper, stages ...pipeline.Factory) *pipeline.Pipeline {
	t.Helper()
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = fmt.Sprintf("%q", s.Type())
	}
	src := fmt.Sprintf("version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com/v1\"\nstages = [%s]\n%s\n", strings.Join(names, ", "), keys)
	r, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler)), pipeline.WithStages(stages...), pipeline.WithTransport("default", rt))
	if err != nil {
		t.Fatalf("open:\n%v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t testing.TB, ctx context.Context, p *pipeline.Pipeline, ref string) (*http.Response, error) {
	t.Helper()
	req, err := p.NewRequest(ctx, "GET", ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.RoundTrip(req)
}

func kindOf(t testing.TB, err error, want pipeline.Kind) *pipeline.Error {
	t.Helper()
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		t.Fatalf("error is no *pipeline.Error: %v", err)
	}
	if e.Kind != want {
		t.Fatalf("kind: got %q (%v), want %q", e.Kind, e, want)
	}
	return e
}

// body counts how often it is closed.
type body struct {
	io.Reader
	closed atomic.Int32
}

func (b *body) Close() error { b.closed.Add(1); return nil }

func TestDoor(t *testing.T) {
	pass := stageOf("pass", func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) })

	t.Run("leaves the caller's request as it was", func(t *testing.T) {
		edit := stageOf("edit", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Added", "1")
			req.URL.Path = "/changed"
			return next.RoundTrip(req)
		})
		var sent *http.Request
		p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) { sent = r; return answer(200, "{}"), nil }), edit)
		req, _ := p.NewRequest(t.Context(), "GET", "/posts", nil)
		req.Header.Set("X-Own", "1")
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if req.URL.Path != "/v1/posts" || len(req.Header) != 1 {
			t.Errorf("caller's request changed: %s %v", req.URL, req.Header)
		}
		if sent.URL.Path != "/changed" || sent.Header.Get("X-Added") != "1" {
			t.Errorf("stage's edit was lost: %s %v", sent.URL, sent.Header)
		}
	})

	for _, tc := range []struct {
		name string
		rt   http.RoundTripper
		do   pipeline.StageFunc
	}{
		{"short-circuit", nil, func(*http.Request, http.RoundTripper) (*http.Response, error) { return answer(200, "{}"), nil }},
		{"error before next", nil, func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, errors.New("no") }},
		{"panic", nil, func(*http.Request, http.RoundTripper) (*http.Response, error) { panic("no") }},
		{"transport closes", roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
			return answer(200, "{}"), nil
		}), func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }},
		{"transport fails", roundTripper(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, errors.New("connection refused")
		}), func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }},
	} {
		for _, length := range []int64{5, -1} {
			t.Run(fmt.Sprintf("closes the request body exactly once/%s/length %d", tc.name, length), func(t *testing.T) {
				p := open(t, "", tc.rt, stageOf("s", tc.do))
				b := &body{Reader: strings.NewReader("hello")}
				req, _ := p.NewRequest(t.Context(), "POST", "/x", nil)
				req.Body, req.ContentLength = b, length
				resp, err := p.RoundTrip(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				if got := b.closed.Load(); got != 1 {
					t.Errorf("closed %d times, want 1", got)
				}
			})
		}
	}

	t.Run("closes the request body when the context is dead", func(t *testing.T) {
		p := open(t, "", nil, pass)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := &body{Reader: strings.NewReader("hello")}
		req, _ := p.NewRequest(ctx, "POST", "/x", b)
		_, err := p.RoundTrip(req)
		kindOf(t, err, pipeline.KindCanceled)
		if b.closed.Load() != 1 {
			t.Errorf("closed %d times, want 1", b.closed.Load())
		}
	})

	t.Run("refuses a relative URL", func(t *testing.T) {
		p := open(t, "", nil, pass)
		req, _ := http.NewRequest("GET", "/posts", nil)
		_, err := p.RoundTrip(req)
		kindOf(t, err, pipeline.KindPolicy)
	})

	t.Run("gives every error a kind", func(t *testing.T) { // I11
		for _, tc := range []struct {
			err  error
			want pipeline.Kind
		}{
			{errors.New("anything"), pipeline.KindInternal},
			{fmt.Errorf("wrapped: %w", pipeline.Errorf(pipeline.KindForbidden, "no")), pipeline.KindForbidden},
			{context.DeadlineExceeded, pipeline.KindTimeout},
		} {
			p := open(t, "", nil, stageOf("s", func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, tc.err }))
			_, err := get(t, t.Context(), p, "/x")
			e := kindOf(t, err, tc.want)
			if e.Pipeline != "p" || e.Stage != "s" {
				t.Errorf("stamped %q/%q, want p/s", e.Pipeline, e.Stage)
			}
		}
	})

	t.Run("never writes to an error that is shared", func(t *testing.T) { // I11
		shared := pipeline.Errorf(pipeline.KindPolicy, "one for all")
		p := open(t, "", nil, stageOf("s", func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, shared }))
		_, err := get(t, t.Context(), p, "/x")
		e := kindOf(t, err, pipeline.KindPolicy)
		if shared.Pipeline != "" || shared.Stage != "" || e == shared {
			t.Errorf("the shared error was stamped: %+v", shared)
		}
	})

	t.Run("turns statuses into errors where asked", func(t *testing.T) {
		p := open(t, "", roundTripper(func(*http.Request) (*http.Response, error) { return answer(404, `{"a":1}`), nil }), pass)
		req, _ := p.NewRequest(t.Context(), "GET", "/x", nil)
		resp, err := p.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := pipeline.CallOf(resp).Kind(); got != pipeline.KindNotFound {
			t.Errorf("kind %q", got)
		}
		_ = resp.Body.Close()
		_, err = p.Client(pipeline.StatusErrors()).Do(req)
		e := kindOf(t, err, pipeline.KindNotFound)
		if !errors.Is(err, pipeline.KindClient) || e.Status != 404 || string(e.Body) != `{"a":1}` {
			t.Errorf("got %v, body %s", e, e.Body)
		}
	})
}

func TestDeadlines(t *testing.T) {
	hang := roundTripper(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
	for _, tc := range []struct {
		name, keys string
		opt        pipeline.CallOption
		reason     string
		after      time.Duration
	}{
		{"attempt_timeout ends a send", "attempt_timeout = \"2s\"", nil, "attempt_timeout", 2 * time.Second},
		{"timeout ends the call", "timeout = \"1s\"\nattempt_timeout = \"2s\"", nil, "timeout", time.Second},
		{"the call's option wins", "attempt_timeout = \"2s\"", pipeline.Timeout(500 * time.Millisecond), "timeout", 500 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := open(t, tc.keys, hang)
				ctx := t.Context()
				if tc.opt != nil {
					ctx = pipeline.With(ctx, tc.opt)
				}
				began := time.Now()
				_, err := get(t, ctx, p, "/x")
				e := kindOf(t, err, pipeline.KindTimeout)
				if e.Reason != tc.reason || time.Since(began) != tc.after {
					t.Errorf("reason %q after %s, want %q after %s", e.Reason, time.Since(began), tc.reason, tc.after)
				}
			})
		})
	}

	t.Run("returns at the instant the caller's context ends", func(t *testing.T) { // I10
		synctest.Test(t, func(t *testing.T) {
			p := open(t, "", hang)
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the user left")
			time.AfterFunc(3*time.Second, func() { cancel(why) })
			began := time.Now()
			_, err := get(t, ctx, p, "/x")
			kindOf(t, err, pipeline.KindCanceled)
			if !errors.Is(err, why) || time.Since(began) != 3*time.Second {
				t.Errorf("got %v after %s", err, time.Since(began))
			}
		})
	})

	drip := func(r *http.Request) (*http.Response, error) {
		pr, pw := io.Pipe()
		context.AfterFunc(r.Context(), func() { _ = pw.CloseWithError(r.Context().Err()) })
		go func() {
			for range 60 {
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
				if _, err := pw.Write([]byte("x")); err != nil {
					return
				}
			}
			_ = pw.Close()
		}()
		resp := answer(200, "")
		resp.Body, resp.ContentLength = pr, -1
		return resp, nil
	}
	for _, tc := range []struct{ name, keys, contentType, reason string }{
		{"the body is bounded by attempt_timeout", "attempt_timeout = \"5s\"", "application/json", "attempt_timeout"},
		{"the body is bounded by timeout", "attempt_timeout = \"50s\"\ntimeout = \"7s\"", "application/json", "timeout"},
		{"the body must make progress", "body_idle_timeout = \"500ms\"", "application/json", "body_idle_timeout"},
		{"a stream outlives timeout", "timeout = \"5s\"\nattempt_timeout = \"5s\"", "text/event-stream", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := open(t, tc.keys, roundTripper(func(r *http.Request) (*http.Response, error) {
					resp, err := drip(r)
					resp.Header.Set("Content-Type", tc.contentType)
					return resp, err
				}))
				resp, err := get(t, t.Context(), p, "/x")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				if tc.reason == "" {
					if err != nil {
						t.Fatalf("stream was cut: %v", err)
					}
					return
				}
				e := kindOf(t, err, pipeline.KindTimeout)
				if e.Reason != tc.reason {
					t.Errorf("reason %q, want %q: %v", e.Reason, tc.reason, e)
				}
			})
		})
	}
}

func TestReplay(t *testing.T) {
	twice := stageOf("twice", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		rew := pipeline.Replay(req)
		for {
			r, err := rew.Next()
			if err != nil {
				return nil, err
			}
			resp, err := next.RoundTrip(r)
			if err == nil && resp.StatusCode < 500 || !rew.Again() {
				return resp, err
			}
			if err == nil {
				pipeline.Drop(resp)
			}
		}
	})
	spoil := stageOf("spoil", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		req.Header.Add("X-A", "spoilt")
		req.Header.Del("X-B")
		req.URL.Path += "/spoilt"
		req.Method = "PATCH"
		return next.RoundTrip(req)
	})
	t.Run("gives every attempt the request of the first", func(t *testing.T) { // I5
		var seen []string
		p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			seen = append(seen, fmt.Sprint(r.Method, r.URL, r.Header["X-A"], r.Header["X-B"], string(b)))
			if len(seen) < 3 {
				return answer(503, "busy"), nil
			}
			return answer(200, "{}"), nil
		}), twice, spoil)
		req, _ := p.NewRequest(t.Context(), "POST", "/x", nil)
		req.Header["X-A"] = []string{"1", "2"}
		req.Header["X-B"] = []string{"b"}
		b := &body{Reader: strings.NewReader("hello")}
		req.Body, req.ContentLength = b, 5
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if len(seen) != 3 || seen[0] != seen[1] || seen[1] != seen[2] || !strings.HasSuffix(seen[0], "hello") {
			t.Errorf("attempts differ:\n%s", strings.Join(seen, "\n"))
		}
		if b.closed.Load() != 1 {
			t.Errorf("closed %d times", b.closed.Load())
		}
	})
	t.Run("streams a body of unknown length once", func(t *testing.T) {
		n := 0
		p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
			n++
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
			return answer(503, "busy"), nil
		}), twice)
		req, _ := p.NewRequest(t.Context(), "POST", "/x", nil)
		b := &body{Reader: bytes.NewReader(make([]byte, 100))}
		req.Body, req.ContentLength = b, -1
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if n != 1 || resp.StatusCode != 503 || b.closed.Load() != 1 {
			t.Errorf("sent %d times, status %d, closed %d", n, resp.StatusCode, b.closed.Load())
		}
	})
	t.Run("sends a body of unknown length again while no byte was read", func(t *testing.T) {
		n := 0
		p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
			n++
			if n == 1 {
				_ = r.Body.Close()
				return answer(503, "busy"), nil
			}
			b, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			return answer(200, string(b)), nil
		}), twice)
		req, _ := p.NewRequest(t.Context(), "POST", "/x", nil)
		b := &body{Reader: strings.NewReader("hello")}
		req.Body, req.ContentLength = b, -1
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if n != 2 || string(got) != "hello" || b.closed.Load() != 1 {
			t.Errorf("sent %d times, echoed %q, closed %d", n, got, b.closed.Load())
		}
	})
}
