package retry

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
)

// TestWaits measures waits in virtual time.
func TestWaits(t *testing.T) {
	for _, tt := range []struct {
		name       string
		table      string
		steps      func(*upstream) []any
		least, top time.Duration
		sends      int
		reason     string
	}{
		{"exactly what none says", `jitter = "none"`, statuses(503, 503, 200), 600 * time.Millisecond, 600 * time.Millisecond, 3, ""},
		{"at most b", "", statuses(503, 503, 200), 0, 600 * time.Millisecond, 3, ""},
		{"as the server asks, and up to a tenth more", "", afters("2"), 2 * time.Second, 2200 * time.Millisecond, 2, ""},
		{"a minute at most", "", afters("61"), 0, 0, 1, ReasonTooLong},
		{"not for ever", "", afters("9223372037"), 0, 0, 1, ReasonTooLong},
		{"never into the deadline", `max_retry_after = "1h"`, afters("30"), 0, 0, 1, ReasonNoTimeLeft},
		{"nor after max_elapsed", `max_elapsed = "1s"`, afters("1"), 0, 0, 1, ReasonNoTimeLeft},
		{"junk asks for nothing", `jitter = "none"`, afters("soon"), 200 * time.Millisecond, 200 * time.Millisecond, 2, ""},
		{"500 can't ask", `jitter = "none"`, func(u *upstream) []any { return []any{u.after(500, "5"), 200} }, 200 * time.Millisecond, 200 * time.Millisecond, 2, ""},
		{"a cooling session can", `jitter = "none"`, func(*upstream) []any {
			return []any{&pipeline.Error{Kind: pipeline.KindServer, Class: pipeline.ClassNotSent, RetryAfter: 3 * time.Second}, 200}
		}, 3 * time.Second, 3300 * time.Millisecond, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t)
				up.script = tt.steps(up)
				p := openWith(t, tt.table, "", nil, inner(func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
					return up.RoundTrip(req)
				}), outer(pass1))
				start := time.Now()
				_, call, err := run(t, p, request(t.Context(), t, "GET", nil))
				took := time.Since(start)
				if err != nil || up.sends != tt.sends || call.StopReason() != tt.reason {
					t.Errorf("err %v, %d sends, reason %q, want %d and %q", err, up.sends, call.StopReason(), tt.sends, tt.reason)
				}
				if took < tt.least || took > tt.top {
					t.Errorf("took %s, want from %s to %s", took, tt.least, tt.top)
				}
				if waiting, _ := call.Times(); waiting != took {
					t.Errorf("the call says that it waited %s, not %s", waiting, took)
				}
				up.allClosed()
			})
		})
	}
}

func statuses(list ...any) func(*upstream) []any { return func(*upstream) []any { return list } }

func afters(value string) func(*upstream) []any {
	return func(u *upstream) []any { return []any{u.after(503, value), 200} }
}

// TestNeverEarly is I7 over random hints: no send before a received Retry-After, no sleep past the deadline.
func TestNeverEarly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.IntRange(0, 25), 1, 10).Draw(rt, "hints")
		limit := time.Duration(rapid.IntRange(1, 60).Draw(rt, "timeout")) * time.Second
		wrong := ""
		synctest.Test(t, func(t *testing.T) { wrong = early(t, plan, limit) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// early makes one call to a server that asks for waits, in seconds or by a date of its own, and returns what was wrong.
func early(t *testing.T, plan []int, limit time.Duration) string {
	var sent, earliest []time.Time
	p := open(t, "max_attempts = 10\nmax_retry_after = \"20s\"", roundTrip(func(req *http.Request) (*http.Response, error) {
		now := time.Now()
		ask := time.Duration(plan[len(sent)%len(plan)]) * time.Second
		header := http.Header{"Retry-After": {fmt.Sprint(ask.Seconds())}}
		if len(sent)%2 == 1 {
			skewed := now.Add(-time.Hour).UTC()
			header = http.Header{"Date": {skewed.Format(http.TimeFormat)}, "Retry-After": {skewed.Add(ask).Format(http.TimeFormat)}}
		}
		sent, earliest = append(sent, now), append(earliest, now.Add(ask))
		return &http.Response{StatusCode: 503, Header: header, Body: http.NoBody, Request: req}, nil
	}))
	start := time.Now()
	status, call, err := run(t, p, request(pipeline.With(t.Context(), pipeline.Timeout(limit)), t, "GET", nil))
	switch {
	case err != nil || status != 503 || call.StopReason() == "":
		return fmt.Sprintf("status %d, err %v, reason %q", status, err, call.StopReason())
	case time.Since(start) >= limit:
		return "slept into the deadline"
	}
	for i := 1; i < len(sent); i++ {
		if sent[i].Before(earliest[i-1]) {
			return fmt.Sprintf("send %d was %s early", i+1, earliest[i-1].Sub(sent[i]))
		}
	}
	return ""
}

// TestEarlierReason: the reason of an earlier pass through retry says nothing of a success that follows.
func TestEarlierReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := script(t, 503, 503, 503, 200)
		p := openWith(t, "", "", up, inner(pass1), outer(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			r := pipeline.Replay(req)
			first, err := r.Next()
			if err != nil {
				return nil, err
			}
			resp, err := next.RoundTrip(first)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp)
			second, err := r.Next()
			if err != nil {
				return nil, err
			}
			return next.RoundTrip(second)
		}))
		status, call, err := run(t, p, request(t.Context(), t, "GET", nil))
		if status != 200 || err != nil || call.StopReason() != "" {
			t.Errorf("status %d, err %v, reason %q", status, err, call.StopReason())
		}
	})
}

// TestSendsPerCall is I3: the count goes on when a stage around retry enters it again.
func TestSendsPerCall(t *testing.T) {
	for _, tt := range []struct {
		steps []any
		sends int
		last  int
	}{
		{[]any{401, 200}, 2, 200},
		{[]any{401, 503, 503, 503, 503}, 3, 503},
		{[]any{503, 401, 503, 503, 503}, 3, 503},
		{[]any{503, 503, 401, 503, 200}, 4, 503},
		{[]any{503, 503, 401, 200}, 4, 200},
	} {
		t.Run(fmt.Sprint(tt.steps), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t, tt.steps...)
				p := openWith(t, "", "", up, inner(pass1), outer(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
					r := pipeline.Replay(req)
					for {
						out, err := r.Next()
						if err != nil {
							return nil, err
						}
						resp, err := next.RoundTrip(out)
						if err != nil || resp.StatusCode != 401 || !pipeline.CallFrom(req.Context()).MarkReplayed() {
							return resp, err
						}
						pipeline.Drop(resp)
					}
				}))
				status, call, err := run(t, p, request(t.Context(), t, "GET", nil))
				if status != tt.last || err != nil || up.sends != tt.sends || call.Attempts() != tt.sends {
					t.Errorf("status %d, err %v, %d sends, %d attempts, want %d", status, err, up.sends, call.Attempts(), tt.sends)
				}
				if status == 200 && call.StopReason() != "" {
					t.Errorf("a success that stopped because of %q", call.StopReason())
				}
				up.allClosed()
			})
		})
	}
}

func (hidden) Deadline() (time.Time, bool) { return time.Time{}, false }

// TestFailedStream: a failure that calls itself a stream lifts no deadline.
func TestFailedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := script(t)
		up.script = []any{func(req *http.Request) (*http.Response, error) {
			return up.answer(req, 503, http.Header{"Content-Type": {"text/event-stream"}, "Retry-After": {"40"}}), nil
		}}
		p := open(t, "", up) // the pipeline's timeout is 30s
		if _, call, err := run(t, p, request(t.Context(), t, "GET", nil)); err != nil || call.StopReason() != ReasonNoTimeLeft {
			t.Errorf("reason %q, err %v", call.StopReason(), err)
		}
	})
}
