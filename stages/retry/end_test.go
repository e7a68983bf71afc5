package retry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leatdev/leat/pipeline"
)

// TestExhausted: the last outcome comes back as it was.
func TestExhausted(t *testing.T) {
	t.Run("on a response, with its body unread", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			up := script(t, 503)
			p := open(t, "", up)
			resp, err := p.RoundTrip(request(t.Context(), t, "GET", nil))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if string(text) != "body of an answer" || err != nil {
				t.Errorf("body = %q, %v", text, err)
			}
			_ = resp.Body.Close()
			up.allClosed()
		})
	})
	t.Run("on an error, with count and reason", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			boom := errors.New("boom")
			p := open(t, "", script(t, boom))
			_, _, err := run(t, p, request(t.Context(), t, "GET", nil))
			var e *pipeline.Error
			if !errors.As(err, &e) || !errors.Is(err, boom) || e.Reason != ReasonMaxAttempts || e.Attempts != 3 || e.Sends != 3 || e.Stage != "send" {
				t.Errorf("%#v", e)
			}
			if want := "t/send: network: boom (after 3 attempts) [max_attempts]"; err.Error() != want {
				t.Errorf("text = %q, want %q", err, want)
			}
		})
	})
	t.Run("an error that others share is not written to", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			shared := &pipeline.Error{Kind: pipeline.KindServer, Class: pipeline.ClassNotSent, Message: "shared"}
			before := *shared
			s, err := New(Defaults(), pipeline.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_, err := s.Do(request(t.Context(), t, "GET", nil), roundTrip(func(*http.Request) (*http.Response, error) { return nil, shared }))
				var e *pipeline.Error
				if !errors.As(err, &e) || e.Reason != ReasonMaxAttempts || e == shared {
					t.Errorf("%v", err)
				}
			}
			if diff := cmp.Diff(before, *shared, cmpopts.IgnoreUnexported(pipeline.Error{})); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// TestEndsWithItsContext is I10: RoundTrip returns at the same virtual instant, with the cause and what was last known.
func TestEndsWithItsContext(t *testing.T) {
	cause := errors.New("the user closed the window")
	for _, tt := range []struct {
		name   string
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		step   func(*upstream) any
		kind   pipeline.Kind
		reason string
		is     error
		text   string
	}{
		{"canceled with a cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		}, func(u *upstream) any { return u.after(503, "5") }, pipeline.KindCanceled, ReasonCanceled, cause, "the last outcome was 503 Service Unavailable"},
		{"canceled without", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, func(*upstream) any {
			return &pipeline.Error{Kind: pipeline.KindNetwork, Class: pipeline.ClassNotSent, Message: "connection refused", RetryAfter: 5 * time.Second}
		}, pipeline.KindCanceled, ReasonCanceled, context.Canceled, "the last outcome was network: connection refused"},
		{"a deadline that nobody could foresee", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			return hidden{ctx}, cancel
		}, func(u *upstream) any { return u.after(429, "5") }, pipeline.KindTimeout, ReasonDeadline, context.DeadlineExceeded, "the last outcome was 429 Too Many Requests"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t)
				up.script = []any{tt.step(up)}
				p := openWith(t, "", "", nil, inner(func(req *http.Request, _ http.RoundTripper) (*http.Response, error) { return up.RoundTrip(req) }), outer(pass1))
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				body := callers("text")
				req := request(ctx, t, "PUT", body)
				req.ContentLength = 4
				start := time.Now()
				_, call, err := run(t, p, req)
				if took := time.Since(start); took != time.Second {
					t.Errorf("returned after %s, want 1s", took)
				}
				var e *pipeline.Error
				if !errors.As(err, &e) {
					t.Fatalf("err = %v", err)
				}
				if e.Kind != tt.kind || e.Reason != tt.reason || e.Class != pipeline.ClassTerminal || !errors.Is(err, tt.is) || e.RetryAfter != 5*time.Second || e.Stage != "retry" {
					t.Errorf("%s (kind %s, reason %s, class %s, retry after %s, stage %s)", err, e.Kind, e.Reason, e.Class, e.RetryAfter, e.Stage)
				}
				if !strings.Contains(e.Message, tt.text) {
					t.Errorf("message %q, want %q in it", e.Message, tt.text)
				}
				if up.sends != 1 || call.StopReason() != tt.reason || body.count() != 1 {
					t.Errorf("%d sends, reason %q, body closed %d times", up.sends, call.StopReason(), body.count())
				}
				up.allClosed()
			})
		})
	}
}

// hidden is a context that does not tell its deadline.
type hidden struct{ context.Context }
