package stages_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// world is the project's own pipelines.toml in front of the misbehaving API, in memory and, in a synctest bubble, in no time.
type world struct {
	api  *demo.API
	demo *pipeline.Pipeline
	r    *pipeline.Runner
}

func newWorld(t *testing.T, o demo.Options, opts ...pipeline.Option) *world {
	t.Helper()
	w := &world{api: demo.New(o)}
	r, err := pipeline.Open(t.Context(), "../pipelines.toml", append([]pipeline.Option{
		pipeline.WithStages(stages.All()...), pipeline.WithUpstream("demo", w.api), pipeline.WithEnviron(nil),
		pipeline.WithSecrets(map[string]string{"DEMO_PASSWORD": demo.DefaultPassword}), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		t.Fatalf("open:\n%v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	w.r = r
	if w.demo, err = r.Pipeline("demo"); err != nil {
		t.Fatal(err)
	}
	return w
}

// call sends a request and reads the answer.
func (w *world) call(ctx context.Context, method, ref, body string, header ...string) (*http.Response, string, error) {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	req, err := w.demo.NewRequest(ctx, method, ref, rd)
	if err != nil {
		return nil, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.demo.Client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func TestDemo(t *testing.T) {
	bubble := func(name string, f func(t *testing.T, w *world)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, demo.Options{Seed: 7})) })
		})
	}
	bubble("posts pass all six stages", func(t *testing.T, w *world) {
		resp, body, err := w.call(t.Context(), "GET", "/posts", "")
		if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(body, `[{"id":1`) {
			t.Fatalf("got %v, %v, %.40s", resp, err, body)
		}
		for _, s := range []string{"auth", "refresh", "retry", "log", "error-map", "validate"} {
			if !pipeline.CallOf(resp).Ran(s) {
				t.Errorf("stage %s did not run", s)
			}
		}
	})
	bubble("flaky waits as told", func(t *testing.T, w *world) {
		began := time.Now()
		resp, _, err := w.call(t.Context(), "GET", "/flaky", "")
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		took := time.Since(began)
		if took < time.Second || took > 1200*time.Millisecond || w.api.Stats().EarlyRetries != 0 {
			t.Errorf("waited %s, early retries %d", took, w.api.Stats().EarlyRetries)
		}
	})
	bubble("an unsafe write is sent once", func(t *testing.T, w *world) {
		resp, _, err := w.call(t.Context(), "POST", "/flaky-write", `{"title":"a"}`)
		if err != nil || resp.StatusCode != 503 {
			t.Fatal(resp, err)
		}
		c := pipeline.CallOf(resp)
		if c.Kind() != pipeline.KindServer || c.Sends() != 1 || c.StopReason() != "unsafe_method" || w.api.Stats().Requests["/flaky-write"] != 1 {
			t.Errorf("kind %s, sends %d, reason %s, seen %d", c.Kind(), c.Sends(), c.StopReason(), w.api.Stats().Requests["/flaky-write"])
		}
	})
	bubble("a keyed write succeeds on the third send", func(t *testing.T, w *world) {
		resp, _, err := w.call(t.Context(), "POST", "/flaky-write", `{"title":"a"}`, "Idempotency-Key", "k1")
		if err != nil || resp.StatusCode != 201 {
			t.Fatal(resp, err)
		}
		stats := w.api.Stats()
		if sends := pipeline.CallOf(resp).Sends(); sends != 3 || stats.DuplicateWrites != 0 || stats.Writes["/flaky-write"] != 1 {
			t.Errorf("sends %d, writes %d, duplicates %d", sends, stats.Writes["/flaky-write"], stats.DuplicateWrites)
		}
	})
	for ref, want := range map[string]pipeline.Kind{
		"/broken": pipeline.KindParse, "/shape": pipeline.KindValidation, "/slow": pipeline.KindTimeout, "/drip": pipeline.KindTimeout, "/reset": pipeline.KindNetwork,
	} {
		bubble(fmt.Sprintf("%s is %s", strings.Trim(ref, "/"), want), func(t *testing.T, w *world) {
			_, _, err := w.call(t.Context(), "GET", ref, "")
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || e.Kind != want {
				t.Fatalf("got %v, want kind %s", err, want)
			}
		})
	}
	bubble("problem details give title and type", func(t *testing.T, w *world) {
		req, _ := w.demo.NewRequest(t.Context(), "GET", "/problem", nil)
		_, err := w.demo.Client(pipeline.StatusErrors()).Do(req)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindConflict || !strings.Contains(e.Message, "somebody else changed the post") || !strings.HasSuffix(e.ProblemType, "/problems/edit-conflict") {
			t.Fatalf("got %v, type %q", err, e.ProblemType)
		}
	})
	bubble("html is retried although validate stands inside", func(t *testing.T, w *world) {
		resp, _, err := w.call(t.Context(), "GET", "/html", "")
		if err != nil || resp.StatusCode != 200 || pipeline.CallOf(resp).Attempts() != 2 {
			t.Fatal(resp, err)
		}
	})
	bubble("the origin of a redirect sees no credential", func(t *testing.T, w *world) {
		_, body, err := w.call(t.Context(), "GET", "/redirect", "")
		stats := w.api.Stats()
		if err != nil || !strings.Contains(body, `"credential_seen":false`) || stats.ForeignRequests != 1 || stats.ForeignCredentials != 0 {
			t.Fatalf("%v %s, foreign requests %d, credentials %d", err, body, stats.ForeignRequests, stats.ForeignCredentials)
		}
	})
}

// TestCrowd is 200 calls, 50 at a time: one refresh an expiry or revocation, none reused, no failed call.
func TestCrowd(t *testing.T) {
	crowd := func(t *testing.T, w *world, between func(i int)) {
		var wg sync.WaitGroup
		next := make(chan int)
		for range 50 {
			wg.Go(func() {
				for range next {
					if resp, _, err := w.call(t.Context(), "GET", "/posts/1", ""); err != nil || resp.StatusCode != 200 {
						t.Errorf("call failed: %v %v", resp, err)
					}
				}
			})
		}
		for i := range 200 {
			between(i)
			next <- i
		}
		close(next)
		wg.Wait()
	}
	t.Run("across expiries", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// Every answer takes a quarter of a second, every 5 ms another caller asks: 50 are under way at any time.
			var flying, peak atomic.Int32
			api := demo.New(demo.Options{TokenLifetime: 300 * time.Millisecond})
			slow := http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
				if !strings.HasPrefix(req.URL.Path, "/posts") {
					api.ServeHTTP(rw, req)
					return
				}
				now := flying.Add(1)
				defer flying.Add(-1)
				for top := peak.Load(); now > top && !peak.CompareAndSwap(top, now); top = peak.Load() {
				}
				api.ServeHTTP(rw, req)
				<-time.After(250 * time.Millisecond)
			})
			w := newWorld(t, demo.Options{}, pipeline.WithUpstream("demo", slow))
			began := time.Now()
			crowd(t, w, func(int) { <-time.After(5 * time.Millisecond) })
			stats := api.Stats()
			// A token of 300 ms is renewed between its advisory moment, 20 % earlier, and its end.
			fewest, most := int(time.Since(began)/(300*time.Millisecond))-1, int(time.Since(began)/(240*time.Millisecond))+1
			if stats.Logins != 1 || stats.Refreshes < fewest || stats.Refreshes > most || stats.RefreshReuses != 0 {
				t.Errorf("logins %d, refreshes %d in %s, reused %d", stats.Logins, stats.Refreshes, time.Since(began), stats.RefreshReuses)
			}
			if peak.Load() < 45 {
				t.Errorf("at most %d calls were under way: this is no crowd", peak.Load())
			}
		})
	})
	t.Run("after an early revocation", func(t *testing.T) {
		w := newWorld(t, demo.Options{TokenLifetime: time.Hour})
		if _, _, err := w.call(t.Context(), "GET", "/posts/1", ""); err != nil {
			t.Fatal(err)
		}
		crowd(t, w, func(i int) {
			if i == 100 {
				w.api.Revoke()
			}
		})
		stats := w.api.Stats()
		if stats.Refreshes != 1 || stats.RefreshReuses != 0 || stats.Logins != 1 || stats.Unauthorized == 0 {
			t.Errorf("logins %d, refreshes %d for one revocation, reused %d, answers 401 %d", stats.Logins, stats.Refreshes, stats.RefreshReuses, stats.Unauthorized)
		}
	})
}
