package retry

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/leatdev/leat/pipeline"
)

// TestEvents: what the timeline shows.
func TestEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		table  string
		method string
		steps  func(*upstream) []any
		want   []string
	}{
		{"a wait that was asked for", "max_attempts = 4", "GET", afters("1"), []string{"retry 503, Retry-After 1s: waits 1.05s (2 of 4)"}},
		{"by another header", `hints = ["x-reset:ms"]`, "GET", func(u *upstream) []any {
			return []any{func(req *http.Request) (*http.Response, error) {
				return u.answer(req, 429, http.Header{"X-Reset": {"1500"}}), nil
			}, 200}
		}, []string{"retry 429, X-Reset 1.5s: waits 1.58s (2 of 3)"}},
		{"the end", `base = "10ms"`, "GET", statuses(502, errors.New("boom"), 500), []string{
			"retry 502: waits 5ms (2 of 3)", "retry network: waits 10ms (3 of 3)", "stopped 500: not sent again after attempt 3 of 3",
		}},
		{"unsafe", "", "POST", statuses(503), []string{"stopped 503: it may have been processed and is not safe to send twice without an Idempotency-Key"}},
		{"too long", "", "GET", afters("120"), []string{"stopped 503, Retry-After 2m0s: longer than max_retry_after 1m0s"}},
		{"no time", `max_elapsed = "10ms"`, "GET", afters("1"), []string{"stopped 503, Retry-After 1s: no time left for a wait of 1.05s"}},
		{"not retry's", "", "GET", statuses(404), nil},
		{"nor this", "", "GET", statuses(401), nil},
		{"success", "", "GET", statuses(200), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t)
				up.script = tt.steps(up)
				p := openHalf(t, tt.table, up)
				_, call, err := run(t, p, request(t.Context(), t, tt.method, nil))
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, e := range call.Events() {
					if e.Stage != "retry" {
						continue
					}
					got = append(got, e.Name+" "+e.Text)
					if e.Name == pipeline.EventRetry && (e.Duration <= 0 || e.Attempt == 0) || e.Name == pipeline.EventStopped && e.Reason != call.StopReason() {
						t.Errorf("%+v", e)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		})
	}
}
