package scenario_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
)

const ownFile = `version = 1
[credentials.shop]
type    = "login"
origins = ["https://api.example.com"]
login   = { path = "/login", send = { user = "ada", password = { env = "SHOP_PASSWORD" } } }
[credentials.other]
type    = "bearer"
origins = ["https://other.example.com"]
token   = { env = "OTHER_TOKEN" }
[pipelines.api]
base_url   = "https://api.example.com"
credential = "shop"
stages     = ["own", "auth", "refresh"]
[[test]]
name  = "a"
files = { "note.txt" = "from-a-file" }
`

// Here are the goroutines at their ends that nothing will ever wake: their bubble is over.
func stuck(wait chan struct{}) { <-wait }

func dozing() { time.Sleep(time.Hour) }

func restless() {
	for range time.Tick(time.Hour) {
	}
}

// A stage of the test's own breaks its contract; whatever is expected, the test says so.
func TestRun_notices(t *testing.T) {
	const token = "shop-access-1"
	hidden := func() string { return strings.Join([]string{"shop", "access", "1"}, "-") }
	send := func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }
	type do = func(s pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error)
	for name, tc := range map[string]struct {
		call string // further keys
		do   do
		want string // among what is told
	}{
		"nothing": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return send(req, next)
		}, ""},
		"a_goroutine_that_never_ends": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			go stuck(make(chan struct{}))
			return send(req, next)
		}, "goroutines at the end | none | github.com/leatdev/leat/conformance/scenario_test.stuck ← began in github.com/leatdev/leat/conformance/scenario_test.TestRun_notices"},
		"a_goroutine_that_outlives_the_call": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			go dozing()
			return send(req, next)
		}, "goroutines at the end | none | time.Sleep ← github.com/leatdev/leat/conformance/scenario_test.dozing"},
		"a_call_that_never_ends": {"", func(_ pipeline.Settings, _ *http.Request, _ http.RoundTripper) (*http.Response, error) {
			stuck(make(chan struct{}))
			return nil, nil //nolint:nilnil // not reached
		}, "the end of call 1 | an answer or an error | neither, for 1000h0m0s"},
		"a_call_that_never_ends_and_never_rests": {"", func(_ pipeline.Settings, _ *http.Request, _ http.RoundTripper) (*http.Response, error) {
			restless()
			return nil, nil //nolint:nilnil // not reached
		}, "the end of call 1 | an answer or an error | neither, for 1000h0m0s"},
		"an_answer_that_nobody_closes": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if _, err := send(req.Clone(req.Context()), next); err != nil {
				return nil, err
			}
			return send(req, next)
		}, "connections that an unclosed answer keeps busy (call.nothing_left) | none | 1"},
		"a_caller_who_is_kept": {`cancel_after = "1s"`, func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			time.Sleep(time.Minute)
			return send(req, next)
		}, "the caller left after 1s and was kept until 1m0s (call.prompt)"},
		"a_caller_whose_time_is_over": {`deadline = "2s"`, func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			time.Sleep(time.Minute)
			return send(req, next)
		}, "the caller left after 2s and was kept until 1m0s (call.prompt)"},
		// The pipeline masks secrets that it has read itself.
		"a_token_in_the_error": {"", func(pipeline.Settings, *http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, errors.New("not with " + hidden())
		}, ""},
		"a_secret_in_the_error": {"", func(pipeline.Settings, *http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, errors.New("not with what was read " + "from-a-file")
		}, "secrets in the error of call 1 (send.quiet) | none | from-a-file"},
		"a_secret_in_the_log": {"", func(s pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			s.Log().WithGroup("g").Info("sending", slog.Group("inner", "what", "with "+hidden()))
			return send(req, next)
		}, "secrets in the log (send.quiet) | none | " + token},
		"a_secret_in_a_span": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			trace.SpanFromContext(req.Context()).AddEvent("sending", trace.WithAttributes(attribute.String("what", hidden())))
			return send(req, next)
		}, "secrets in a span (send.quiet) | none | " + token},
		"a_secret_in_the_record": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			pipeline.CallFrom(req.Context()).Note(pipeline.Event{Stage: "own", Name: "sending", Text: "with what was read " + "from-a-file"})
			return send(req, next)
		}, "secrets in the record of call 1 (send.quiet) | none | from-a-file"},
		"a_secret_at_an_origin_that_is_nobodys": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return elsewhere(req, next, "https://foreign.example.com/?q="+hidden())
		}, "secrets in requests to https://foreign.example.com (send.origin) | none | " + token},
		"a_secret_at_an_origin_of_another_credential": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return elsewhere(req, next, "https://other.example.com/?q="+hidden())
		}, "secrets in requests to https://other.example.com (send.origin) | none | " + token},
		"a_password_at_an_origin_of_another_credential": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return elsewhere(req, next, "https://other.example.com/?q=fake-"+"SHOP_PASSWORD")
		}, "secrets in requests to https://other.example.com (send.origin) | none | fake-SHOP_PASSWORD"},
		"an_origin_that_the_test_does_not_know": {"", func(_ pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return elsewhere(req, next, "https://stranger.example.com/")
		}, "something was sent to stranger.example.com:443"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, ownFile+`
[[test.call]]
request = "GET /"
`+tc.call+`
[test.expect]
elapsed = { max = "100000h" }
[[test.upstream]]
origin = "https://foreign.example.com"
[[test.upstream]]
origin = "https://other.example.com"
`, stage(warm(tc.do)))
			got := brief(r)
			if tc.want == "" && r.Status != scenario.Passed || !strings.Contains(got, tc.want) {
				t.Errorf("%s, and nothing of %q:\n%s", r.Status, tc.want, got)
			}
			if tc.want != "" && r.Status != scenario.Failed {
				t.Errorf("%s", r.Status)
			}
		})
	}
}

// warm has a token there before the stage of a test does what it does.
func warm[F func(s pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error)](do F) F {
	return func(s pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req.Clone(req.Context()))
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		return do(s, req, next)
	}
}

// elsewhere sends a request of the stage's own to another origin first.
func elsewhere(req *http.Request, next http.RoundTripper, url string) (*http.Response, error) {
	other, err := http.NewRequestWithContext(req.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := next.RoundTrip(other)
	if err != nil {
		return nil, fmt.Errorf("elsewhere: %w", err)
	}
	resp.Body.Close()
	return next.RoundTrip(req)
}
