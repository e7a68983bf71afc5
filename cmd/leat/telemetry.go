package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// telemetry is where the command's spans go: to memory if they are to be shown, and to an exporter if an OTEL_ variable asks.
type telemetry struct {
	provider trace.TracerProvider
	sdk      *sdktrace.TracerProvider
	memory   *tracetest.InMemoryExporter
}

// startTelemetry makes no connection unless OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or
// OTEL_TRACES_EXPORTER is set.
func startTelemetry(ctx context.Context, show bool) (*telemetry, error) {
	exporter, err := exporterFromEnv(ctx)
	if err != nil {
		return nil, err
	}
	if exporter == nil && !show {
		return &telemetry{provider: noop.NewTracerProvider()}, nil
	}
	res, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "leat")), resource.WithFromEnv())
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)}
	}
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	t := &telemetry{}
	if show {
		t.memory = tracetest.NewInMemoryExporter()
		opts = append(opts, sdktrace.WithSyncer(t.memory))
	}
	if exporter != nil {
		opts = append(opts, sdktrace.WithBatcher(exporter))
	}
	t.sdk = sdktrace.NewTracerProvider(opts...)
	t.provider = t.sdk
	return t, nil
}

func exporterFromEnv(ctx context.Context) (sdktrace.SpanExporter, error) {
	switch kind := os.Getenv("OTEL_TRACES_EXPORTER"); kind {
	case "none":
		return nil, nil
	case "console":
		return stdouttrace.New(stdouttrace.WithWriter(os.Stderr), stdouttrace.WithPrettyPrint())
	case "":
		if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return nil, nil
		}
	case "otlp":
	default:
		return nil, &exitError{exitUsage, fmt.Errorf("OTEL_TRACES_EXPORTER=%s: must be otlp, console or none", kind)}
	}
	return otlptracehttp.New(ctx)
}

func (t *telemetry) flush() {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = t.sdk.ForceFlush(ctx)
}

func (t *telemetry) stop() {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = t.sdk.Shutdown(ctx)
}

// spanReport is a span as `-o json` prints it.
type spanReport struct {
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	ID         string         `json:"id"`
	Parent     string         `json:"parent"` // the parent's id, "" for the root
	StartMS    float64        `json:"start_ms"`
	DurationMS float64        `json:"duration_ms"`
	Attributes map[string]any `json:"attributes"`
	Events     []string       `json:"events,omitempty"`
	Error      string         `json:"error,omitempty"`
}

// spans returns the finished spans, in the order in which they began.
func (t *telemetry) spans() []spanReport {
	if t.memory == nil {
		return []spanReport{}
	}
	stubs := t.memory.GetSpans()
	slices.SortStableFunc(stubs, func(a, b tracetest.SpanStub) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), b.EndTime.Compare(a.EndTime))
	})
	out := make([]spanReport, 0, len(stubs))
	for _, s := range stubs {
		r := spanReport{
			Name: s.Name, Kind: strings.ToUpper(s.SpanKind.String()), ID: s.SpanContext.SpanID().String(), Attributes: map[string]any{},
			StartMS: millis(s.StartTime.Sub(stubs[0].StartTime)), DurationMS: millis(s.EndTime.Sub(s.StartTime)), Error: s.Status.Description,
		}
		if s.Parent.SpanID().IsValid() {
			r.Parent = s.Parent.SpanID().String()
		}
		for _, kv := range s.Attributes {
			r.Attributes[string(kv.Key)] = kv.Value.AsInterface()
		}
		for _, e := range s.Events {
			r.Events = append(r.Events, e.Name)
		}
		out = append(out, r)
	}
	return out
}

func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// drawTrace draws spans as a waterfall.
func drawTrace(w io.Writer, spans []spanReport) {
	const width = 40
	end, depth := 0.0, map[string]int{}
	for _, s := range spans {
		end = max(end, s.StartMS+s.DurationMS)
		if d, ok := depth[s.Parent]; ok {
			depth[s.ID] = d + 1
		} else {
			depth[s.ID] = 0
		}
	}
	if end == 0 {
		return
	}
	fmt.Fprintln(w, "trace:")
	for _, s := range spans {
		from := int(s.StartMS / end * width)
		size := max(int(s.DurationMS/end*width+0.5), 1)
		from = min(from, width-1)
		size = min(size, width-from)
		name := strings.Repeat("  ", depth[s.ID]) + s.Name
		if status, ok := s.Attributes["http.response.status_code"]; ok {
			name += fmt.Sprintf(" → %v", status)
		} else if kind, ok := s.Attributes["error.type"]; ok && s.Kind == "CLIENT" {
			name += fmt.Sprintf(" → %v", kind)
		}
		if s.Attributes["leat.stage.skipped"] == true {
			name += " (skipped)"
		}
		bar := strings.Repeat(" ", from) + strings.Repeat("█", size) + strings.Repeat(" ", width-from-size)
		fmt.Fprintf(w, "  %-34s │%s│ %9.1f ms\n", name, bar, s.DurationMS)
	}
}
