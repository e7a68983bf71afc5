package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
)

// factoryOf makes stages with what make gives, a fresh one each time.
func factoryOf(newStage func(pipeline.Settings) pipeline.Stage) pipeline.Factory {
	return pipeline.Define("bad", struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.Stage, error) { return newStage(s), nil })
}

// do makes stages of a function that keeps nothing.
func do(f pipeline.StageFunc) func(pipeline.Settings) pipeline.Stage {
	return func(pipeline.Settings) pipeline.Stage { return f }
}

// observed is a stage that only passes on, and hears of the end of calls.
type observed struct{ ended func(*http.Request) }

func (o observed) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}
func (o observed) CallEnded(_ context.Context, _ *pipeline.Call, req *http.Request) { o.ended(req) }

// body is what a stage puts around another body, with Unwrap or without.
type body struct {
	io.ReadCloser
	onRead func()
}

func (b *body) Read(p []byte) (int, error) {
	b.onRead()
	return b.ReadCloser.Read(p)
}

type unwrapped struct{ body }

func (u *unwrapped) Unwrap() io.ReadCloser { return u.ReadCloser }

func failed(resp *http.Response, err error) bool { return err != nil || resp.StatusCode >= 500 }

// badStages break one rule each, in the ways that people break it.
var badStages = map[string][]struct {
	name  string
	stage func(pipeline.Settings) pipeline.Stage
	seen  string // part of what the finding says
	opts  []StageOption
}{
	"owns-request": {
		{name: "an observer hides a header before it logs", seen: "header X-Kit-Keep", stage: func(pipeline.Settings) pipeline.Stage {
			return observed{func(req *http.Request) { req.Header.Del("X-Kit-Keep") }}
		}},
		{name: "writes into the caller's trailer", seen: "trailer X-Kit-Trailer", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Trailer != nil {
				req.Trailer.Set("X-Kit-Trailer", "changed")
			}
			return next.RoundTrip(req)
		})},
	},
	"fresh-attempts": {
		{name: "sends the same request again", seen: "the URL", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if !failed(resp, err) || req.Context().Err() != nil {
				return resp, err
			}
			pipeline.Drop(resp)
			return next.RoundTrip(req)
		})},
		{name: "clones too late", seen: "the method", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if !failed(resp, err) || req.Context().Err() != nil {
				return resp, err
			}
			pipeline.Drop(resp)
			again := req.Clone(req.Context())
			if req.GetBody != nil {
				again.Body, _ = req.GetBody()
			}
			return next.RoundTrip(again)
		})},
		{name: "copies the struct alone", seen: "header X-Kit-Keep", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			again, u := *req, *req.URL
			again.URL = &u
			resp, err := next.RoundTrip(req)
			if !failed(resp, err) || req.Context().Err() != nil || again.Body != nil && again.GetBody == nil {
				return resp, err
			}
			pipeline.Drop(resp)
			if again.GetBody != nil {
				again.Body, _ = again.GetBody()
			}
			return next.RoundTrip(&again)
		})},
		{name: "forgets the body", seen: "the body", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			again := req.Clone(req.Context())
			resp, err := next.RoundTrip(req)
			if !failed(resp, err) || req.Context().Err() != nil {
				return resp, err
			}
			pipeline.Drop(resp)
			return next.RoundTrip(again)
		})},
	},
	"one-result": {
		{name: "returns both", seen: "a response and an error", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == 404 {
				err = pipeline.Errorf(pipeline.KindNotFound, "not there")
			}
			return resp, err
		})},
		{name: "returns neither", seen: "neither a response nor an error", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == 404 {
				pipeline.Drop(resp)
				return nil, nil
			}
			return resp, err
		})},
		{name: "returns a nil pointer as error", seen: "a nil *pipeline.Error", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			var none *pipeline.Error
			return resp, none
		})},
	},
	"closes-dropped": {
		{name: "fails without closing", seen: "still open", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode >= 500 {
				return nil, pipeline.Errorf(pipeline.KindServer, "the server is not well")
			}
			return resp, err
		})},
		{name: "closes without draining", seen: "before it was drained", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode >= 500 {
				resp.Body.Close()
				return nil, pipeline.Errorf(pipeline.KindServer, "the server is not well")
			}
			return resp, err
		})},
		{name: "puts a buffer in place of the body", seen: "the upstream's is still open", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode != 200 || pipeline.IsStream(resp) {
				return resp, err
			}
			all, err := io.ReadAll(resp.Body)
			if err != nil {
				pipeline.Drop(resp)
				return nil, err
			}
			resp.Body = io.NopCloser(bytes.NewReader(all))
			return resp, nil
		})},
	},
	"no-touch-after": {
		{name: "takes its header off again", seen: "after next had returned: header X-Signature", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Signature", "signed")
			defer req.Header.Del("X-Signature")
			return next.RoundTrip(req)
		})},
		{name: "counts in a header while the body is sent", seen: "while next had it: header X-Progress", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				req.Body = &unwrapped{body{req.Body, func() { req.Header.Set("X-Progress", "on") }}}
			}
			return next.RoundTrip(req)
		})},
	},
	"honours-context": {
		{name: "sleeps", seen: "Do did not return", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if failed(resp, err) {
				time.Sleep(100 * time.Millisecond)
			}
			return resp, err
		})},
		{name: "queues at a channel alone", seen: "kept waiting behind others", stage: func(pipeline.Settings) pipeline.Stage {
			places := make(chan struct{}, 4)
			return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				places <- struct{}{}
				defer func() { <-places }()
				return next.RoundTrip(req)
			})
		}},
		{name: "holds a lock while next runs", seen: "kept waiting behind others", stage: func(pipeline.Settings) pipeline.Stage {
			var mu sync.Mutex
			return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				return next.RoundTrip(req)
			})
		}},
		{name: "cuts the context", seen: "goes on after the caller's has ended", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
		})},
		{name: "says otherwise why it ended", seen: "kind internal", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, errors.New("the call did not work")
			}
			return resp, nil
		})},
		{name: "waits for nobody after the body", seen: "reading the answer's body went on", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == 200 && !pipeline.IsStream(resp) {
				resp.Body = &body{resp.Body, func() { time.Sleep(2 * time.Second) }}
			}
			return resp, err
		})},
	},
	"body-intact": {
		{name: "reads the request's body for itself", seen: "the upstream got 0 bytes", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				_, _ = io.Copy(io.Discard, req.Body)
				req.GetBody = nil
				req.ContentLength = 0
			}
			return next.RoundTrip(req)
		})},
		{name: "wraps without Unwrap", seen: "no Unwrap", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				req.Body = &body{req.Body, func() {}}
			}
			return next.RoundTrip(req)
		})},
		{name: "loses GetBody", seen: "GetBody was lost", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				all, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				req.Body, req.GetBody = io.NopCloser(bytes.NewReader(all)), nil
			}
			return next.RoundTrip(req)
		})},
		{name: "leaves the old GetBody", seen: "GetBody gives other bytes", opts: []StageOption{ChangesRequestBody()}, stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				all, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				req.Body = io.NopCloser(bytes.NewReader(bytes.ToUpper(all)))
				if again := req.GetBody; again == nil {
					req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(bytes.ToUpper(all))), nil }
				}
			}
			return next.RoundTrip(req)
		})},
		{name: "leaves the old ContentLength", seen: "announced", opts: []StageOption{ChangesRequestBody()}, stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.Body != nil {
				all, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				all = append(all, '\n')
				req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(all)), nil }
				req.Body, _ = req.GetBody()
			}
			return next.RoundTrip(req)
		})},
		{name: "sniffs at the answer", seen: "bytes of a response body", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode >= 400 {
				_, _ = io.ReadFull(resp.Body, make([]byte, 4))
			}
			return resp, err
		})},
		{name: "takes a broken body for whole", seen: "took what it got for the whole", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || pipeline.IsStream(resp) || resp.StatusCode < 500 {
				return resp, err
			}
			all, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(all)), int64(len(all))
			return resp, nil
		})},
		{name: "buffers a stream", seen: "with the last one", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode != 200 {
				return resp, err
			}
			all, err := io.ReadAll(resp.Body)
			pipeline.Drop(resp)
			if err != nil {
				return nil, err
			}
			resp.Body = io.NopCloser(bytes.NewReader(all))
			return resp, nil
		})},
		{name: "hides the writer of an upgrade", seen: "can't be written any more", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				resp.Body = &body{resp.Body, func() {}}
			}
			return resp, err
		})},
	},
	"concurrent": {
		{name: "keeps the URL in a field", seen: "the request of another call", stage: func(pipeline.Settings) pipeline.Stage {
			var to atomic.Value
			return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				to.Store(*req.URL)
				for range 100 { // something that takes a while
					runtime.Gosched()
				}
				u := to.Load().(url.URL)
				req.URL = &u
				return next.RoundTrip(req)
			})
		}},
		{name: "keeps the answer's headers in a field", seen: "the answer to another's call", stage: func(pipeline.Settings) pipeline.Stage {
			var last atomic.Value
			return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err != nil {
					return nil, err
				}
				last.Store(resp.Header)
				for range 100 {
					runtime.Gosched()
				}
				resp.Header = last.Load().(http.Header).Clone()
				return resp, nil
			})
		}},
	},
	"no-panic": {
		{name: "takes a header for granted", seen: "index out of range", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				_ = resp.Header["Content-Type"][0]
			}
			return resp, err
		})},
		{name: "looks at the response first", seen: "nil pointer", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if resp.StatusCode == 0 {
				return nil, err
			}
			return resp, err
		})},
		{name: "an observer panics", seen: "CallEnded panicked", stage: func(pipeline.Settings) pipeline.Stage {
			return observed{func(*http.Request) { panic("no") }}
		}},
		{name: "a body panics", seen: "the answer's body panicked", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.StatusCode == 404 {
				resp.Body = &body{resp.Body, func() { panic("no") }}
			}
			return resp, err
		})},
	},
	"quiet": {
		{name: "prints", seen: "standard output", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			fmt.Println(req.Method)
			return next.RoundTrip(req)
		})},
		{name: "logs to the default logger of log", seen: "the default logger", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			log.Print(req.Method)
			return next.RoundTrip(req)
		})},
		{name: "logs to the default logger of slog", seen: "the default logger", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			slog.Info(req.Method)
			return next.RoundTrip(req)
		})},
		{name: "logs a header", seen: "a log record shows the request's Authorization", stage: func(s pipeline.Settings) pipeline.Stage {
			return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				s.Log().Debug("request", "authorization", req.Header.Get("Authorization"))
				return next.RoundTrip(req)
			})
		}},
		{name: "quotes the server", seen: "the error that it returned shows the token in the text of an error's body", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode != 404 {
				return resp, err
			}
			text, _ := io.ReadAll(resp.Body)
			pipeline.Drop(resp)
			return nil, pipeline.Errorf(pipeline.KindNotFound, "the server says %s", text)
		})},
		{name: "notes the URL", seen: "an event of the call shows the query parameter", stage: do(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			pipeline.CallFrom(req.Context()).Note(pipeline.Event{Stage: "bad", Name: "asked", Text: req.URL.String()})
			return next.RoundTrip(req)
		})},
	},
}

// TestStage_catches_each_bad_stage_under_its_rule, and under no other.
func TestStage_catches_each_bad_stage_under_its_rule(t *testing.T) {
	for _, r := range Rules() {
		if len(badStages[r.ID]) == 0 {
			t.Errorf("no bad stage breaks %s", r.ID)
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(badStages)) {
		for _, bad := range badStages[rule] {
			t.Run(rule+"/"+bad.name, func(t *testing.T) {
				k := &stageKit{factory: factoryOf(bad.stage), patience: time.Minute}
				for _, opt := range bad.opts {
					opt(k)
				}
				streams, err := capture() // of what it prints while other rules are tested
				if err != nil {
					t.Fatal(err)
				}
				defer streams.restore()
				if err := k.prepare(t); err != nil {
					t.Fatal(err)
				}
				var caught, texts []string
				for _, r := range stageRules() {
					if found := report(r.Rule, k.judge(t, r).findings); len(found) > 0 {
						caught, texts = append(caught, r.ID), append(texts, found...)
					}
				}
				if diff := cmp.Diff([]string{rule}, caught); diff != "" {
					t.Errorf("caught (-want +got):\n%s\n%s", diff, strings.Join(texts, "\n"))
				}
				if all := strings.Join(texts, "\n"); !strings.Contains(all, bad.seen) {
					t.Errorf("no finding says %q:\n%s", bad.seen, all)
				}
			})
		}
	}
}
