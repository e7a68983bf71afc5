package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

const spanFile = `version = 1
[credentials.c]
type = "bearer"
origins = ["https://api.example.com"]
token = { env = "TOKEN" }
[stages.retry]
base = "1ms"
max_attempts = 3
[stages.posts-only]
use = "headers"
when = 'request.method == "POST"'
set = { X-Posted = "yes" }
[pipelines.p]
base_url = "https://api.example.com"
credential = "c"
stages = ["auth", "refresh", "retry", "log", "error-map", "validate", "posts-only"]
`

func traced(t *testing.T, provider trace.TracerProvider, rt http.RoundTripper, set ...string) *pipeline.Pipeline {
	t.Helper()
	opts := []pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithStages(stages.All()...), pipeline.WithTransport("default", rt),
		pipeline.WithSecrets(map[string]string{"TOKEN": "the-token"}), pipeline.WithSet(set...),
		pipeline.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if provider != nil {
		opts = append(opts, pipeline.WithTracerProvider(provider))
	}
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(spanFile), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, _ := r.Pipeline("p")
	return p
}

// tree writes the spans below parent, each with its children in brackets, in the order of their beginning.
func tree(spans []sdktrace.ReadOnlySpan, parent trace.SpanID) string {
	var parts []string
	for _, s := range spans {
		if s.Parent().SpanID() != parent {
			continue
		}
		name := s.Name()
		if n, ok := attr(s, "http.request.resend_count"); ok {
			name += "#" + n
		}
		if _, ok := attr(s, "leat.stage.skipped"); ok {
			name += " skipped"
		}
		if inner := tree(spans, s.SpanContext().SpanID()); inner != "" {
			name += "(" + inner + ")"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, " ")
}

func attr(s sdktrace.ReadOnlySpan, key string) (string, bool) {
	for _, kv := range s.Attributes() {
		if string(kv.Key) == key {
			return kv.Value.String(), true
		}
	}
	return "", false
}

func begun(spans []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	return spans
}

func TestSpans(t *testing.T) {
	busy := func(n int) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) {
			if n--; n >= 0 {
				return answer(503, `{"title":"busy"}`), nil
			}
			return answer(200, "{}"), nil
		})
	}
	t.Run("nest_from_the_call_to_each_send", func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		p := traced(t, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)), busy(2))
		resp, err := get(t, t.Context(), p, "/x?page=2&secret=s")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		one := func(send string) string {
			return "stage log(stage error-map(stage validate(stage posts-only skipped " + send + ")))"
		}
		want := "pipeline p(stage auth(stage refresh(stage retry(" + one("GET") + " " + one("GET#1") + " " + one("GET#2") + "))))"
		spans := begun(recorder.Ended())
		if got := tree(spans, trace.SpanID{}); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		for _, s := range spans {
			client := s.SpanKind() == trace.SpanKindClient
			if client != (s.Name() == "GET") {
				t.Errorf("%s is of kind %s", s.Name(), s.SpanKind())
			}
			for _, kv := range s.Attributes() {
				if strings.HasPrefix(string(kv.Key), "http.") && !client {
					t.Errorf("%s has %s", s.Name(), kv.Key)
				}
			}
			if url, _ := attr(s, "url.full"); client && url != "https://api.example.com/x?page=2&secret=***" {
				t.Errorf("url.full %q", url)
			}
			status, _ := attr(s, "http.response.status_code")
			if client && (status == "503") != (s.Status().Code == codes.Error) {
				t.Errorf("status %s, %v", status, s.Status())
			}
		}
	})

	for name, tc := range map[string]struct {
		rt    http.RoundTripper
		names []string
		typ   string
	}{
		"a_network_error": {roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("gone") }), []string{"pipeline p", "stage auth", "POST"}, "network"},
		"a_status":        {roundTripper(func(*http.Request) (*http.Response, error) { return answer(404, "{}"), nil }), []string{"pipeline p"}, "not_found"},
		"the_status_of_a_send": {
			roundTripper(func(*http.Request) (*http.Response, error) { return answer(404, "{}"), nil }), []string{"POST"}, "404",
		},
	} {
		t.Run("tell_of_"+name, func(t *testing.T) {
			recorder := tracetest.NewSpanRecorder()
			p := traced(t, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)), tc.rt)
			req, _ := p.NewRequest(t.Context(), "POST", "/x", strings.NewReader("{}"))
			if resp, err := p.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
			for _, want := range tc.names {
				i := slices.IndexFunc(recorder.Ended(), func(s sdktrace.ReadOnlySpan) bool { return s.Name() == want })
				if i < 0 {
					t.Fatalf("no span %q", want)
				}
				s := recorder.Ended()[i]
				if typ, _ := attr(s, "error.type"); typ != tc.typ || s.Status().Code != codes.Error {
					t.Errorf("%s: error.type %q, want %q; status %v", want, typ, tc.typ, s.Status())
				}
			}
		})
	}

	t.Run("go_to_a_provider_that_came_after_Open", func(t *testing.T) {
		before := otel.GetTracerProvider()
		defer otel.SetTracerProvider(before)
		p := traced(t, nil, busy(0))
		call := func() {
			resp, err := get(t, t.Context(), p, "/x")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		call()
		for range 2 {
			recorder := tracetest.NewSpanRecorder()
			otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
			call()
			if n := len(recorder.Ended()); n != 9 {
				t.Errorf("%d spans, want 9", n)
			}
		}
	})

	t.Run("cost_nothing_where_they_are_sampled_out", func(t *testing.T) {
		never := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
		// A caller's own recorded span must not make stages record what the call does not.
		ours := &countingProvider{TracerProvider: never}
		ctx, span := sdktrace.NewTracerProvider().Tracer("caller").Start(t.Context(), "caller")
		defer span.End()
		for _, ctx := range []context.Context{t.Context(), ctx} {
			ours.started = 0
			p := traced(t, ours, busy(0))
			resp, err := get(t, ctx, p, "/x")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if ours.started != 1 {
				t.Errorf("%d spans were begun, want the call's alone", ours.started)
			}
		}
	})

	for _, tc := range []struct {
		set     []string
		sampler sdktrace.Sampler
		want    string // flags
	}{
		{nil, sdktrace.AlwaysSample(), ""},
		{[]string{"pipelines.p.propagate=true"}, sdktrace.AlwaysSample(), "01"},
		{[]string{"pipelines.p.propagate=true"}, sdktrace.NeverSample(), "00"},
	} {
		t.Run(fmt.Sprintf("propagate %v as %q", tc.set, tc.want), func(t *testing.T) {
			var sent []http.Header
			recorder := tracetest.NewSpanRecorder()
			p := traced(t, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithSampler(tc.sampler)), roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = append(sent, r.Header)
				return busy(len(sent) % 2).RoundTrip(r)
			}), tc.set...)
			req, _ := p.NewRequest(t.Context(), "GET", "/x", nil)
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			for i, h := range sent {
				parent := h.Get("Traceparent")
				if tc.want == "" && parent != "" || !strings.HasSuffix(parent, tc.want) || tc.want != "" && parent == "" {
					t.Errorf("send %d: traceparent %q", i+1, parent)
				}
				if tc.want != "01" {
					continue
				}
				id := strings.Split(parent, "-")[2]
				if !slices.ContainsFunc(recorder.Ended(), func(s sdktrace.ReadOnlySpan) bool {
					return s.SpanKind() == trace.SpanKindClient && s.SpanContext().SpanID().String() == id
				}) {
					t.Errorf("send %d: the parent %s is not its CLIENT span", i+1, id)
				}
			}
			if req.Header.Get("Traceparent") != "" || resp.Request.Header.Get("Traceparent") != "" {
				t.Error("the caller's request was changed")
			}
		})
	}

	t.Run("say_what_net_http_sent_again", func(t *testing.T) {
		url, ca := peer(t, func(n int, stream uint32) []byte {
			if n == 1 {
				return frame(frameRST, 0, stream, code(7))
			}
			return frame(frameHeaders, 0x5, stream, []byte{0x88})
		})
		recorder := tracetest.NewSpanRecorder()
		src := fmt.Sprintf("version = 1\n[transports.default]\nca = %q\n[pipelines.p]\nbase_url = %q\n", ca, url)
		r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), pipeline.WithEnviron(nil), pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		p, _ := r.Pipeline("p")
		resp, err := get(t, t.Context(), p, "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		s := recorder.Ended()[0]
		if len(s.Events()) != 1 || s.Events()[0].Name != "resent by transport" || s.SpanKind() != trace.SpanKindClient {
			t.Errorf("%s: events %v", s.Name(), s.Events())
		}
		if v, _ := attr(s, "network.protocol.version"); v != "2" {
			t.Errorf("protocol %q", v)
		}
	})
}
