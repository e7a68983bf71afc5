package served

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// The most that one exchange tells of its spans; what comes after is dropped.
const (
	maxSpans      = 64
	maxAttributes = 64
	maxSpanEvents = 64
)

// tracing is what an exchange records for the host, which makes the spans; nil where it is in no trace.
type tracing struct {
	parent    trace.SpanContext
	recording bool

	mu    sync.Mutex
	own   *span // where it records
	spans []*span
	taken bool
}

// tracingOf reads where an exchange stands in its trace.
func tracingOf(traceparent string, recording bool) *tracing {
	if traceparent == "" {
		return nil
	}
	t := &tracing{}
	carrier := propagation.MapCarrier{"traceparent": traceparent}
	t.parent = trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
	t.recording = recording && t.parent.IsValid()
	t.own = &span{tracing: t}
	return t
}

// context returns ctx with the span that stands for the stage's own.
func (t *tracing) context(ctx context.Context) context.Context {
	switch {
	case t == nil:
	case t.recording:
		return trace.ContextWithSpan(ctx, t.own)
	case t.parent.IsValid():
		return trace.ContextWithSpanContext(ctx, t.parent)
	}
	return ctx
}

// take returns what was recorded; spans that have not ended end now. What is recorded later is lost.
func (t *tracing) take() (*wire.SpanData, []*wire.Span) {
	if t == nil {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.recording || t.taken {
		return nil, nil
	}
	t.taken = true
	var own *wire.SpanData
	if t.own.data.SizeVT() > 0 {
		own = &t.own.data
	}
	var list []*wire.Span
	now := time.Now().UnixNano()
	for _, s := range t.spans {
		if s.end == 0 {
			s.end = now
		}
		list = append(list, &wire.Span{Name: s.name, Parent: s.parent, Start: s.start, End: s.end, Data: &s.data, Kind: s.kind})
	}
	return own, list
}

// span is one that the host makes. All spans of an exchange have the context of the host's span: that one exists wherever the
// trace is looked at, and so is a good parent for what the stage itself calls.
type span struct {
	embedded.Span
	tracing *tracing
	index   uint32 // in the list, from 1; 0 is the stage's own
	parent  uint32
	name    string
	kind    string
	start   int64
	end     int64
	data    wire.SpanData
}

// change runs f unless it is too late.
func (s *span) change(f func()) {
	s.tracing.mu.Lock()
	defer s.tracing.mu.Unlock()
	if !s.tracing.taken && s.end == 0 {
		f()
	}
}

// End implements trace.Span; the stage's own span goes on.
func (s *span) End(options ...trace.SpanEndOption) {
	if s.index == 0 {
		return
	}
	c := trace.NewSpanEndConfig(options...)
	s.change(func() { s.end = stamp(c.Timestamp()) })
}

// AddEvent implements trace.Span.
func (s *span) AddEvent(name string, options ...trace.EventOption) {
	c := trace.NewEventConfig(options...)
	s.change(func() {
		if len(s.data.Events) < maxSpanEvents {
			s.data.Events = append(s.data.Events, &wire.SpanEvent{Name: name, Time: stamp(c.Timestamp()), Attributes: attributes(c.Attributes())})
		}
	})
}

// AddLink implements trace.Span; links do not travel.
func (s *span) AddLink(trace.Link) {}

// IsRecording implements trace.Span.
func (s *span) IsRecording() bool {
	s.tracing.mu.Lock()
	defer s.tracing.mu.Unlock()
	return !s.tracing.taken && s.end == 0
}

// RecordError implements trace.Span, as the SDK does.
func (s *span) RecordError(err error, options ...trace.EventOption) {
	if err == nil {
		return
	}
	s.AddEvent("exception", append(slices.Clone(options), trace.WithAttributes(attribute.String("exception.message", err.Error())))...)
}

// SpanContext implements trace.Span.
func (s *span) SpanContext() trace.SpanContext { return s.tracing.parent.WithRemote(false) }

// SetStatus implements trace.Span. As OpenTelemetry has it, ok is final and unset is nothing.
func (s *span) SetStatus(code codes.Code, description string) {
	s.change(func() {
		switch code {
		case codes.Error:
			s.data.Failed, s.data.Status = true, description
		case codes.Ok:
			s.data.Failed, s.data.Status = false, ""
		case codes.Unset:
		}
	})
}

// SetName implements trace.Span; the stage's own span keeps its name.
func (s *span) SetName(name string) { s.change(func() { s.name = name }) }

// SetAttributes implements trace.Span.
func (s *span) SetAttributes(list ...attribute.KeyValue) {
	s.change(func() {
		for _, a := range attributes(list) {
			i := slices.IndexFunc(s.data.Attributes, func(b *wire.Attribute) bool { return a.Key == b.Key })
			switch {
			case i >= 0:
				s.data.Attributes[i] = a
			case len(s.data.Attributes) < maxAttributes:
				s.data.Attributes = append(s.data.Attributes, a)
			}
		}
	})
}

// TracerProvider implements trace.Span.
func (s *span) TracerProvider() trace.TracerProvider { return TracerProvider{} }

func stamp(t time.Time) int64 {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UnixNano()
}

// TracerProvider gives tracers whose spans the host makes: below the stage's span, and only within an exchange that is recorded.
type TracerProvider struct{ embedded.TracerProvider }

// Tracer implements trace.TracerProvider.
func (TracerProvider) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{} }

type tracer struct{ embedded.Tracer }

// Start implements trace.Tracer.
func (tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent, ok := trace.SpanFromContext(ctx).(*span)
	if !ok {
		return noop.NewTracerProvider().Tracer("").Start(ctx, name, options...) //nolint:spancheck // the caller's
	}
	c := trace.NewSpanStartConfig(options...)
	t := parent.tracing
	s := &span{tracing: t, parent: parent.index, name: name, kind: c.SpanKind().String(), start: stamp(c.Timestamp())}
	t.mu.Lock()
	full := t.taken || len(t.spans) >= maxSpans
	if !full {
		t.spans = append(t.spans, s)
		s.index = uint32(len(t.spans)) //nolint:gosec // a small count
	}
	t.mu.Unlock()
	if full {
		return trace.ContextWithSpanContext(ctx, t.parent), noop.Span{}
	}
	s.SetAttributes(c.Attributes()...)
	return trace.ContextWithSpan(ctx, s), s
}

// attributes writes OpenTelemetry's attributes for the wire.
func attributes(list []attribute.KeyValue) []*wire.Attribute {
	var out []*wire.Attribute
	for _, kv := range list {
		if !kv.Valid() || len(out) == maxAttributes {
			continue
		}
		a := &wire.Attribute{Key: string(kv.Key)}
		switch kv.Value.Type() {
		case attribute.BOOL:
			a.Value = &wire.Attribute_Flag{Flag: kv.Value.AsBool()}
		case attribute.INT64:
			a.Value = &wire.Attribute_Integer{Integer: kv.Value.AsInt64()}
		case attribute.FLOAT64:
			a.Value = &wire.Attribute_Number{Number: kv.Value.AsFloat64()}
		case attribute.STRINGSLICE:
			a.Value = &wire.Attribute_Texts{Texts: &wire.TextList{Texts: texts(kv.Value.AsStringSlice())}}
		case attribute.STRING:
			a.Value = &wire.Attribute_Text{Text: text(kv.Value.AsString())}
		default:
			a.Value = &wire.Attribute_Text{Text: text(kv.Value.String())}
		}
		out = append(out, a)
	}
	return out
}

// maxText bounds one text of a record or span, in bytes.
const maxText = 8 << 10

// text makes s one that protobuf carries.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

func texts(list []string) []string {
	out := make([]string, 0, min(len(list), maxAttributes))
	for _, s := range list[:min(len(list), maxAttributes)] {
		out = append(out, text(s))
	}
	return out
}
