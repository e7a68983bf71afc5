package refresh_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages/auth"
	"github.com/leatdev/leat/stages/refresh"
)

func TestRefresh_one_token_request_serves_all_who_were_refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 200
		s := &server{}
		p := open(t, s, "")
		warm(t, s, p)
		s.latency, s.took = 10*time.Millisecond, 100*time.Millisecond
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				time.Sleep(time.Duration(i%7) * time.Millisecond)
				resp, _, err := do(t.Context(), t, p, p, "POST", strings.NewReader("x"))
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("got %v, %v", resp, err)
				}
			})
		}
		wg.Wait()
		if s.issued != 2 || len(s.sends) != 2*callers || s.open.Load() != 0 {
			t.Errorf("got %d tokens, %d sends, %d open bodies; want 2, %d, 0", s.issued, len(s.sends), s.open.Load(), 2*callers)
		}
	})
}

func TestRefresh_late_refusal_of_an_old_token_costs_no_renewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		p := open(t, s, "")
		warm(t, s, p)
		s.answer = func(n int, _ *http.Request) (int, bool) {
			if n == 1 {
				time.Sleep(time.Second) // its refusal comes when the others have a newer token already
			}
			return 401, n == 1
		}
		done := make(chan *http.Response)
		go func() {
			resp, _, _ := do(t.Context(), t, p, p, "GET", nil)
			done <- resp
		}()
		synctest.Wait()
		if resp, _, err := do(t.Context(), t, p, p, "GET", nil); err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %v, %v", resp, err)
		}
		resp := <-done
		events := named(pipeline.CallOf(resp), pipeline.EventReplay)
		if resp.StatusCode != 200 || s.issued != 2 || len(events) != 1 || events[0].Text != "401, demo: a newer token was there already, sending again" {
			t.Errorf("got %d, %d tokens, events %+v", resp.StatusCode, s.issued, events)
		}
	})
}

func TestRefresh_late_refusal_of_a_token_that_came_again_is_not_replayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{issue: func(int) (string, error) { return "canary", nil }}
		p := open(t, s, "")
		warm(t, s, p)
		s.answer = func(n int, _ *http.Request) (int, bool) {
			time.Sleep(time.Duration(n) * 100 * time.Millisecond)
			return 401, true
		}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				resp, _, err := do(t.Context(), t, p, p, "GET", nil)
				if err != nil || resp.StatusCode != 401 || pipeline.CallOf(resp).StopReason() != "no_newer_token" {
					t.Errorf("got %v, %v, reason %q, want no_newer_token", resp, err, pipeline.CallOf(resp).StopReason())
				}
			})
		}
		wg.Wait()
		if len(s.sends) != 5 || s.issued != 2 {
			t.Errorf("got %d sends, %d tokens, want 5 and 2: the source has no other token", len(s.sends), s.issued)
		}
	})
}

func TestRefresh_copies_sent_at_the_same_time_share_one_replay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		twice := pipeline.Define("twice", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
			return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				if s.issued == 0 {
					return next.RoundTrip(req)
				}
				first := make(chan *http.Response)
				go func() {
					resp, _ := next.RoundTrip(req.Clone(req.Context()))
					first <- resp
				}()
				second, err := next.RoundTrip(req)
				pipeline.Drop(<-first)
				return second, err
			}, nil
		})
		p := open(t, s, "", pipeline.WithStages(twice), pipeline.WithSet(`pipelines.p.stages=["twice", "auth", "refresh"]`))
		warm(t, s, p)
		s.latency, s.took = time.Millisecond, time.Second
		if _, _, err := do(t.Context(), t, p, p, "GET", nil); err != nil {
			t.Fatal(err)
		}
		if s.issued != 2 || len(s.sends) != 3 || s.open.Load() != 0 {
			t.Errorf("got %d tokens, %d sends, %d open bodies; want 2, 3, 0", s.issued, len(s.sends), s.open.Load())
		}
	})
}

// TestRefresh_invariants runs random schedules of callers, revocations, slow and failing token requests, and callers who leave.
func TestRefresh_invariants(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type caller struct {
			start, patience time.Duration
			method          string
		}
		millis := func(most int) *rapid.Generator[time.Duration] {
			return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
		}
		callers := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) caller {
			return caller{
				millis(3000).Draw(r, "start"), millis(2000).Draw(r, "patience"),
				rapid.SampledFrom([]string{"GET", "POST"}).Draw(r, "method"),
			}
		}), 1, 20).Draw(r, "callers")
		revocations := rapid.SliceOfN(millis(3000), 0, 5).Draw(r, "revocations")
		failing := rapid.SliceOfN(rapid.IntRange(2, 6), 0, 2).Draw(r, "failing token requests")
		latency, took := millis(200).Draw(r, "latency"), millis(400).Draw(r, "took")

		synctest.Test(t, func(t *testing.T) {
			s := &server{latency: latency, took: took}
			failed := 0
			s.issue = func(n int) (string, error) {
				if slices.Contains(failing, n) {
					failed++
					return "", &credential.Failure{Op: "refresh", Status: 503}
				}
				return after(n, nil)(n)
			}
			p := open(t, s, "")
			for _, at := range revocations {
				time.AfterFunc(at, s.revoke)
			}
			var wg sync.WaitGroup
			for _, c := range callers {
				wg.Go(func() {
					time.Sleep(c.start)
					ctx, cancel := context.WithTimeout(t.Context(), c.patience)
					defer cancel()
					began := time.Now()
					resp, _, err := do(ctx, t, p, p, c.method, body(c.method))
					if got := time.Since(began); got > c.patience {
						t.Errorf("I10: returned after %s, the caller's patience was %s", got, c.patience)
					}
					var call *pipeline.Call
					if err == nil {
						call = pipeline.CallOf(resp)
					} else if e, ok := err.(*pipeline.Error); !ok || e.Kind == "" {
						t.Errorf("I11: %T %v", err, err)
					} else {
						call = e.Call()
					}
					if call != nil && call.Sends() > 2 {
						t.Errorf("I3: %d sends", call.Sends())
					}
				})
			}
			wg.Wait()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if n := s.open.Load(); n != 0 {
				t.Errorf("I4: %d response bodies are open", n)
			}
			for _, one := range s.sends {
				if one.extra != seen || one.body != "" && one.body != "a write" {
					t.Errorf("I5: a send was %+v", one)
				}
			}
			if limit := 1 + len(s.rejected) + failed; s.issued > limit {
				t.Errorf("I2: %d token requests for %d refused tokens and %d failures", s.issued, len(s.rejected), failed)
			}
			if t.Failed() {
				r.FailNow()
			}
		})
	})
}

func body(method string) io.Reader {
	if method == "POST" {
		return strings.NewReader("a write")
	}
	return nil
}

// remote is a source whose token requests share the connections of the calls that need the token.
type remote struct {
	url string
	rt  http.RoundTripper
}

func (s remote) Obtain(ctx context.Context) (credential.Token, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", s.url+"/token", nil)
	if err != nil {
		return credential.Token{}, err
	}
	resp, err := s.rt.RoundTrip(req)
	if err != nil {
		return credential.Token{}, err
	}
	defer resp.Body.Close()
	token, err := io.ReadAll(resp.Body)
	return credential.Token{Access: redact.NewSecret(string(token))}, err
}

func (s remote) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return s.Obtain(ctx)
}

func TestRefresh_callers_who_wait_leave_the_connection_to_the_token_request(t *testing.T) {
	var mu sync.Mutex
	issued, valid := 0, ""
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.URL.Path == "/token":
			issued++
			valid = "canary-" + strings.Repeat("i", issued)
			_, _ = io.WriteString(w, valid)
			if issued == 1 {
				valid = "" // revoked at once
			}
		case r.Header.Get("Authorization") != "Bearer "+valid:
			http.Error(w, strings.Repeat("no ", 1000), http.StatusUnauthorized)
		}
	}))
	defer upstream.Close()
	fake := credential.Define("fake", struct{}{}, func(_ struct{}, s credential.Settings) (credential.Source, credential.Placement, error) {
		return remote{upstream.URL, s.Transport}, credential.Placement{Header: "Authorization", Prefix: "Bearer "}, nil
	})
	src := strings.ReplaceAll(file, "https://api.example.com", upstream.URL) + "timeout = \"5s\"\n[transports.default]\nmax_conns_per_host = 1\n"
	r, err := pipeline.OpenBytes(t.Context(), "test.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
		pipeline.WithCredentials(fake), pipeline.WithStages(auth.Factory(), refresh.Factory(), inner()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	resp, _, err := do(t.Context(), t, p, rig{Pipeline: p}, "GET", nil)
	if err != nil || resp.StatusCode != 200 || issued != 2 {
		t.Errorf("got %v, %v, %d tokens", resp, err, issued)
	}
}
