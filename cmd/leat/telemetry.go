package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
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

	mu     sync.Mutex
	failed error // the first that exporting came to
}

// startTelemetry makes no connection unless an OTEL_ variable asks for it: see exporterFromEnv.
func startTelemetry(ctx context.Context, show bool) (*telemetry, error) {
	t := &telemetry{provider: noop.NewTracerProvider()}
	exporter, err := exporterFromEnv(ctx)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if exporter == nil && !show {
		return t, nil
	}
	res, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "leat")), resource.WithFromEnv())
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)}
	}
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	if show {
		t.memory = tracetest.NewInMemoryExporter()
		opts = append(opts, sdktrace.WithSyncer(t.memory))
	}
	if exporter != nil {
		opts = append(opts, sdktrace.WithBatcher(exporter))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(t.fail)) // else the SDK writes lines of its own
	t.sdk = sdktrace.NewTracerProvider(opts...)
	t.provider = t.sdk
	return t, nil
}

// fail keeps the first error; the SDK calls it from goroutines of its own.
func (t *telemetry) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = err
	}
}

// patience is how long the command waits at its end for whoever takes the spans.
const patience = 5 * time.Second

func (t *telemetry) flush() {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := t.sdk.ForceFlush(ctx); err != nil {
		t.fail(err)
	}
}

// stop exports what is left, and returns why spans were lost, if any were.
func (t *telemetry) stop() error {
	if t.sdk == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := t.sdk.Shutdown(ctx); err != nil {
		t.fail(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
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
