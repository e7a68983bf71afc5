package logging

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
)

// quiet drops records, and is enabled from a level on: what remains is the stage's own cost.
type quiet struct{ level slog.Level }

func (q quiet) Enabled(_ context.Context, l slog.Level) bool { return l >= q.level }
func (q quiet) Handle(context.Context, slog.Record) error    { return nil }
func (q quiet) WithAttrs([]slog.Attr) slog.Handler           { return q }
func (q quiet) WithGroup(string) slog.Handler                { return q }

func TestLog_costs_little(t *testing.T) {
	resp := answer(200, "application/json", strings.NewReader(""))
	next := roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://api.example.com/posts?page=2", nil)
	for name, tt := range map[string]struct {
		level slog.Level
		run   func(*Stage)
		want  float64
	}{
		"a_send_that_is_not_shown": {slog.LevelInfo, func(s *Stage) { _, _ = s.Do(req, next) }, 0},
		"a_call_that_is_not_shown": {slog.LevelError, func(s *Stage) { s.CallEnded(t.Context(), nil, req) }, 0},
		"the_record_of_a_call":     {slog.LevelInfo, func(s *Stage) { s.CallEnded(t.Context(), nil, req) }, 2}, // the URL's text, slog's own list
	} {
		t.Run(name, func(t *testing.T) {
			stage, err := New(Defaults(), pipeline.Settings{Pipeline: "p", Logger: slog.New(quiet{tt.level})})
			if err != nil {
				t.Fatal(err)
			}
			if got := testing.AllocsPerRun(200, func() { tt.run(stage) }); got > tt.want {
				t.Errorf("got %v allocations, want at most %v", got, tt.want)
			}
		})
	}
}

func TestLog_names_the_trace(t *testing.T) {
	var out output
	stage, err := New(Defaults(), pipeline.Settings{Logger: out.logger(slog.LevelInfo)})
	if err != nil {
		t.Fatal(err)
	}
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://api.example.com/", nil)
	stage.CallEnded(trace.ContextWithSpanContext(t.Context(), span), nil, req)
	if got, want := out.take(), `"trace_id":"01000000000000000000000000000000","span_id":"0200000000000000"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
}

func TestLog_serves_many_at_once(t *testing.T) {
	var out output
	p, _ := open(t, `"twice", "log"`, bodies+"\nprofile = \"development\"", roundTripper(func(req *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, req.Body)
		return answer(500, "application/json", strings.NewReader(`{"token":"x"}`)), nil
	}), pipeline.WithLogger(out.logger(slog.LevelDebug)))
	const callers = 20
	var group sync.WaitGroup
	for range callers {
		group.Go(func() { _, _ = do(t, p, "PUT", "/", "application/json", strings.NewReader(`{"password":"x"}`)) })
	}
	group.Wait()
	lines := out.take()
	if got := len(records(t, lines)); got != 4*callers {
		t.Errorf("got %d records, want %d", got, 4*callers)
	}
}

func BenchmarkCall(b *testing.B) {
	stage, err := New(Defaults(), pipeline.Settings{Pipeline: "p", Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	resp := answer(200, "application/json", strings.NewReader(""))
	next := roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })
	req, _ := http.NewRequestWithContext(b.Context(), "GET", "https://api.example.com/posts?page=2", nil)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = stage.Do(req, next)
		stage.CallEnded(b.Context(), nil, req)
	}
}
