package pipeline

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the instrumentation scope of every span.
const scope = "github.com/leatdev/leat/pipeline"

// telemetry starts spans. With no SDK installed it costs one atomic load a call.
type telemetry struct {
	provider  trace.TracerProvider // nil: the global one, as it is when a call begins
	tracers   atomic.Pointer[tracerOf]
	forwards  bool // inject W3C trace context into requests
	pipeline  attribute.KeyValue
	chainName string
}

type tracerOf struct {
	provider trace.TracerProvider
	tracer   trace.Tracer // nil: off
}

// tracer returns the tracer of this moment's provider, nil if it makes no spans.
func (t *telemetry) tracer() trace.Tracer {
	provider := t.provider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	if cached := t.tracers.Load(); cached != nil && cached.provider == provider {
		return cached.tracer
	}
	fresh := &tracerOf{provider: provider}
	if !isNoop(provider) {
		fresh.tracer = provider.Tracer(scope)
	}
	if reflect.TypeOf(provider).Comparable() {
		t.tracers.Store(fresh)
	}
	return fresh.tracer
}

// isNoop recognises the providers that never record: the no-op one, and the global default that nothing was installed behind.
// A span through the latter costs 400 ns and four allocations for nothing.
func isNoop(provider trace.TracerProvider) bool {
	if _, ok := provider.(noop.TracerProvider); ok {
		return true
	}
	return reflect.TypeOf(provider).String() == "*global.tracerProvider"
}

// startCall starts the span of a call; it returns ctx itself and nil while tracing is off or not sampled. A span that is sampled out
// goes to the upstream all the same where trace context does: the upstream is to know that nobody records this trace.
func (t *telemetry) startCall(ctx context.Context, c *Call) (context.Context, trace.Span) {
	tracer := t.tracer()
	if tracer == nil {
		return ctx, nil
	}
	inner, span := tracer.Start(ctx, t.chainName, trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(t.pipeline))
	if !span.IsRecording() {
		span.End()
		if !t.forwards {
			return ctx, nil
		}
		return inner, nil
	}
	c.traced = true
	if c.opts.operation != "" {
		span.SetAttributes(attribute.String("leat.operation", c.opts.operation))
	}
	return inner, span
}

// recording returns the tracer if the call is being recorded, and so is the span of ctx.
func (t *telemetry) recording(ctx context.Context, c *Call) trace.Tracer {
	if !c.traced {
		return nil
	}
	tracer := t.tracer()
	if tracer == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return nil
	}
	return tracer
}

func (t *telemetry) startStage(ctx context.Context, c *Call, l *link) (context.Context, trace.Span) {
	tracer := t.recording(ctx, c)
	if tracer == nil {
		return ctx, nil
	}
	return tracer.Start(ctx, l.span, trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(t.pipeline, attribute.String("leat.stage", l.name))) //nolint:spancheck // the link ends it
}

// skipped leaves an instant span for a stage whose `when` said no.
func (t *telemetry) skipped(ctx context.Context, c *Call, l *link) {
	if tracer := t.recording(ctx, c); tracer != nil {
		_, span := tracer.Start(ctx, l.span, trace.WithAttributes(t.pipeline, attribute.String("leat.stage", l.name), attribute.Bool("leat.stage.skipped", true)))
		span.End()
	}
}

// propagate writes the trace context of ctx into the headers of a request, if the file asks for it.
func (t *telemetry) propagate(ctx context.Context, h http.Header) {
	if t.forwards {
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
	}
}

// startSpan starts the one CLIENT span of a physical send, after the HTTP semantic conventions. The context it returns carries the
// span where there is one.
func (s *sender) startSpan(c *Call, out *send, att Attachment) (context.Context, trace.Span) {
	t := s.chain.telemetry
	ctx := out.out.Context()
	tracer := t.recording(ctx, c)
	if tracer == nil {
		return ctx, nil
	}
	req := &out.out
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	attrs := []attribute.KeyValue{
		attribute.String("http.request.method", method),
		attribute.String("url.full", s.chain.redactor.URL(req.URL, false)),
		attribute.String("server.address", req.URL.Hostname()),
		attribute.Int("server.port", portNumber(req.URL.Port(), req.URL.Scheme)),
		t.pipeline,
	}
	if n := c.Sends(); n > 0 {
		attrs = append(attrs, attribute.Int("http.request.resend_count", n))
	}
	if att.Session != nil {
		attrs = append(attrs, attribute.String("leat.credential", att.Session.Name()))
	}
	if att.Skipped != "" {
		attrs = append(attrs, attribute.String("auth.skipped", att.Skipped))
	}
	return tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...)) //nolint:spancheck // endSend ends it
}

func portNumber(port, scheme string) int {
	if n, err := strconv.Atoi(port); err == nil {
		return n
	}
	if scheme == "https" {
		return 443
	}
	return 80
}

// endSend ends a send's span when its headers were read or it failed.
func endSend(span trace.Span, resp *http.Response, e *Error, resent bool) {
	if span == nil {
		return
	}
	if resent {
		span.AddEvent("resent by transport")
	}
	if e != nil {
		fail(span, e)
	} else {
		span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode), attribute.String("network.protocol.version", protocol(resp)))
		if resp.StatusCode >= 400 {
			span.SetAttributes(attribute.String("error.type", strconv.Itoa(resp.StatusCode)))
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

func protocol(resp *http.Response) string {
	if resp.ProtoMajor >= 2 {
		return strconv.Itoa(resp.ProtoMajor)
	}
	return strconv.Itoa(resp.ProtoMajor) + "." + strconv.Itoa(resp.ProtoMinor)
}

// fail marks a span by the kind of its error.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	span.SetAttributes(attribute.String("error.type", string(KindOf(err))))
	span.SetStatus(codes.Error, err.Error())
}

// endSpan ends the call's span with what came of it.
func (c *Call) endSpan(span trace.Span, err error) {
	span.SetAttributes(attribute.Int("leat.attempts", c.Attempts()), attribute.Int("leat.sends", c.Sends()))
	if reason := c.StopReason(); reason != "" {
		span.SetAttributes(attribute.String("leat.retry.reason", reason))
	}
	status, _ := c.Result()
	switch {
	case err != nil:
		fail(span, err)
	case c.Kind() != "" && status >= 400:
		span.SetAttributes(attribute.String("error.type", string(c.Kind())))
		span.SetStatus(codes.Error, c.Message())
	}
	span.End()
}
