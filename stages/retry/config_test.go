package retry

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// TestAttemptHeader: opt-in, and right on each attempt.
func TestAttemptHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		rt := roundTrip(func(req *http.Request) (*http.Response, error) {
			got = append(got, strings.Join(req.Header.Values("X-Retry-Attempt"), ","))
			return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
		})
		for table, want := range map[string][]string{"": {"", "", ""}, `attempt_header = "x-retry-attempt"`: {"1", "2", "3"}} {
			got = nil
			if _, _, err := run(t, open(t, table, rt), request(t.Context(), t, "GET", nil)); err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, want %q (%v)", got, want, err)
			}
		}
	})
}

// TestWithoutCall: the stage by itself, in a plain chain of round-trippers.
func TestWithoutCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Defaults()
		c.AttemptHeader = "X-Attempt"
		s, err := New(c, pipeline.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		up := script(t, 503, errors.New("boom"), 200)
		req := request(t.Context(), t, "PUT", strings.NewReader("text"))
		req.Header = nil
		resp, err := s.Do(req, up)
		if err != nil || resp.StatusCode != 200 || up.sends != 3 || resp.Request.Header.Get("X-Attempt") != "3" {
			t.Fatalf("%v, %v after %d sends", resp, err, up.sends)
		}
		_ = resp.Body.Close()
		up.allClosed()
	})
}

// TestWithoutCallEnds: without a pipeline's door, nobody else closes the body of an attempt that never was.
func TestWithoutCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Defaults(), pipeline.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		up := script(t)
		up.script = []any{up.after(503, "5")}
		fresh := callers("text")
		req := request(ctx, t, "PUT", callers("text"))
		req.GetBody = func() (io.ReadCloser, error) { return fresh, nil }
		if _, err := s.Do(req, up); !errors.Is(err, context.Canceled) || fresh.count() != 1 {
			t.Errorf("%v; the fresh body was closed %d times", err, fresh.count())
		}
		up.allClosed()
	})
}

// TestBrokenCondition: a condition that fails while it runs is the stage's error, before anything else is sent.
func TestBrokenCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for table, sends := range map[string]int{
			`rules = [{ match = 'int(response.header("x")) > 1', class = "refused" }]`: 1,
			`idempotent = 'int(request.header("x")) > 1'`:                              0,
		} {
			up := script(t, 503)
			body := callers("text")
			_, _, err := run(t, open(t, table, up), request(t.Context(), t, "POST", body))
			if !errors.Is(err, pipeline.KindPolicy) || up.sends != sends || body.count() != 1 {
				t.Errorf("%s: %v after %d sends, body closed %d times", table, err, up.sends, body.count())
			}
			up.allClosed()
		}
	})
}

func TestValidate(t *testing.T) {
	rule := Rule{Class: pipeline.ClassRefused}
	for name, edit := range map[string]func(*Config){
		"max_attempts": func(c *Config) { c.MaxAttempts = 0 }, "max_attempts ": func(c *Config) { c.MaxAttempts = 101 },
		"base": func(c *Config) { c.Base = 0 }, "max_delay": func(c *Config) { c.MaxDelay = time.Millisecond },
		"multiplier": func(c *Config) { c.Multiplier = 0.5 }, "multiplier ": func(c *Config) { c.Multiplier = math.NaN() }, "multiplier  ": func(c *Config) { c.Multiplier = math.Inf(1) },
		"max_retry_after": func(c *Config) { c.MaxRetryAfter = 0 }, "max_elapsed": func(c *Config) { c.MaxElapsed = -1 },
		"rules[0]":       func(c *Config) { c.Rules = []Rule{rule} },
		"attempt_header": func(c *Config) { c.AttemptHeader = "X Attempt" }, "attempt_header ": func(c *Config) { c.AttemptHeader = "authorization" },
		"attempt_header  ": func(c *Config) { c.AttemptHeader = "content-length" }, "attempt_header   ": func(c *Config) { c.AttemptHeader = "host" },
	} {
		c := Defaults()
		edit(&c)
		var e *pipeline.ConfigError
		if err := c.Validate(); !errors.As(err, &e) || e.Path != strings.TrimSpace(name) {
			t.Errorf("%s: %v at %q", name, err, e.Path)
		}
		if _, err := New(c, pipeline.Settings{}); err == nil {
			t.Errorf("%s: New took it", name)
		}
	}
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
}
