package pipeline_test

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// countingProvider counts the spans that are begun.
type countingProvider struct {
	trace.TracerProvider
	started int
}

func (c *countingProvider) Tracer(name string, opts ...trace.TracerOption) trace.Tracer {
	return &countingTracer{c.TracerProvider.Tracer(name, opts...), c}
}

type countingTracer struct {
	trace.Tracer
	c *countingProvider
}

func (c *countingTracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	c.c.started++
	return c.Tracer.Start(ctx, name, opts...)
}
