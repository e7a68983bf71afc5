package served_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/plugintest"
)

func TestServedRetry(t *testing.T) {
	again := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		call, rewind := pipeline.CallFrom(req.Context()), pipeline.Replay(req)
		out, err := rewind.Next()
		for err == nil {
			call.StartAttempt()
			resp, failure := next.RoundTrip(out)
			if failure != nil || resp.StatusCode < 500 {
				return resp, failure
			}
			if !rewind.Again() {
				call.Stopped("body")
				return resp, nil
			}
			pipeline.Drop(resp)
			if err := call.Wait(req.Context(), time.Millisecond); err != nil {
				return nil, err
			}
			out, err = rewind.Next()
		}
		return nil, err
	}
	flaky := func(n int, w http.ResponseWriter) {
		if n < 3 {
			w.WriteHeader(503)
		}
		_, _ = fmt.Fprint(w, n)
	}
	for _, tc := range []struct {
		name  string
		needs pipeline.Needs
		body  io.Reader
		want  string
		sends int
	}{
		{"sends_again_what_can_be_had_again", everything, strings.NewReader("ping"), "3", 3},
		{"sends_again_without_seeing_the_body", digests, strings.NewReader("ping"), "3", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.needs.Retry = true
			up, s := upstream(t, flaky)
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, again)), "")
			resp, body, err := send(t, p, "POST", "/", tc.body)
			if err != nil || body != tc.want || s.times != tc.sends || s.body != "ping" {
				t.Fatalf("got %q after %d sends of %q, %v", body, s.times, s.body, err)
			}
			if c := pipeline.CallOf(resp); c.Attempts() != tc.sends || c.Sends() != tc.sends {
				t.Errorf("got %d attempts, %d sends", c.Attempts(), c.Sends())
			}
		})
	}
	t.Run("stops_where_the_body_is_spent", func(t *testing.T) {
		needs := digests
		needs.Request.Body, needs.Retry = pipeline.BodyNone, true
		up, s := upstream(t, flaky)
		p := open(t, up.URL, plugintest.Factory(t, stage(needs, again)), "")
		resp, body, err := send(t, p, "POST", "/", once{strings.NewReader("ping")})
		if err != nil || resp.StatusCode != 503 || body != "1" || s.times != 1 {
			t.Fatalf("got %q after %d sends, %v", body, s.times, err)
		}
		if got := pipeline.CallOf(resp).StopReason(); got != "body" {
			t.Errorf("got reason %q", got)
		}
	})
}

func TestServedSessions(t *testing.T) {
	t.Run("of_one_process_do_not_mix_their_bodies", func(t *testing.T) {
		echo := func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			data, err := io.ReadAll(req.Body)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(data))}, err
		}
		f := plugintest.Factory(t, stage(everything, echo))
		var wg sync.WaitGroup
		for i := range 4 {
			p := open(t, "http://127.0.0.1:1", f, "")
			want := strings.Repeat(strconv.Itoa(i), 256<<10)
			for range 3 {
				wg.Go(func() {
					for range 3 {
						if _, got, err := send(t, p, "POST", "/", strings.NewReader(want)); err != nil || got != want {
							t.Errorf("runner %d got %d bytes that begin with %.3q, %v", i, len(got), got, err)
						}
					}
				})
			}
		}
		wg.Wait()
	})
}

// observer hears of the end of every call.
type observer struct{ ended chan string }

func (observer) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func (o observer) CallEnded(ctx context.Context, c *pipeline.Call, req *http.Request) {
	status, err := c.Result()
	o.ended <- fmt.Sprint(req.Method, " ", status, " ", c.Sends(), " ", pipeline.CallFrom(ctx) == c, " ", err == nil)
}

func TestServedObserver(t *testing.T) {
	t.Run("hears_of_the_end_of_every_call", func(t *testing.T) {
		o := observer{make(chan string, 1)}
		needs := pipeline.DefaultNeeds()
		needs.Calls = true
		f := pipeline.Define("mine", struct{}{}, func(struct{}, pipeline.Settings) (observer, error) { return o, nil }).WithNeeds(needs)
		up, _ := upstream(t, nil)
		p := open(t, up.URL, plugintest.Factory(t, f), "")
		if _, _, err := send(t, p, "GET", "/", nil); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-o.ended:
			if want := "GET 200 1 true true"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Error("it heard nothing")
		}
	})
}
