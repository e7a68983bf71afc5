package host

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// scope is the instrumentation scope of the spans of this package.
const scope = "github.com/leatdev/leat/plugins/host"

// The bounds of what one exchange brings.
const (
	maxSpans      = 128
	maxSpanEvents = 128
)

// startHop starts the span of the way to the plugin and back, where the stage's span is recorded. It is no parent of what next does.
func (x *exchange) startHop() {
	span := trace.SpanFromContext(x.ctx)
	if !span.IsRecording() {
		return
	}
	_, x.hop = span.TracerProvider().Tracer(scope).Start(x.ctx, x.st.spanName, trace.WithAttributes( //nolint:spancheck // endHop ends it
		attribute.String("leat.plugin", x.st.opts.name), attribute.String("leat.plugin.type", x.st.opts.typ)))
}

func (x *exchange) endHop() {
	if x.hop != nil {
		x.hop.End()
		x.hop = nil
	}
}

func (x *exchange) failHop(err error) {
	if x.hop == nil {
		return
	}
	if e := inner(err); e != nil && e.Reason != "" {
		x.hop.SetAttributes(attribute.String("error.type", e.Reason))
		x.hop.SetStatus(codes.Error, e.Message)
	}
	x.endHop()
}

// traceparent tells the plugin what its own spans belong to (W3C Trace Context).
func (x *exchange) traceparent() (text string, recording bool) {
	if x.hop == nil {
		return "", false
	}
	return traceparent(x.hop.SpanContext()), true
}

func traceparent(c trace.SpanContext) string {
	if !c.IsValid() {
		return ""
	}
	id, span := c.TraceID(), c.SpanID()
	return "00-" + id.String() + "-" + span.String() + "-" + c.TraceFlags().String()
}

// spans makes the plugin's spans anew, below the hop's, and puts what it said of its stage's onto that.
func (x *exchange) spans(list []*wire.Span, own *wire.SpanData) {
	if x.hop == nil {
		return
	}
	now, r := time.Now(), x.inst.grants.redactor
	if own != nil {
		fill(trace.SpanFromContext(x.ctx), own, r, now)
	}
	tracer := x.hop.TracerProvider().Tracer(scope)
	made := make([]trace.Span, 0, min(len(list), maxSpans))
	for i, s := range list[:min(len(list), maxSpans)] {
		parent := x.hop
		if p := int(s.GetParent()); p > 0 && p <= i { // only one that was made before
			parent = made[p-1]
		}
		start, end := momentOf(s.GetStart(), now), momentOf(s.GetEnd(), now)
		if end.Before(start) {
			end = start
		}
		_, span := tracer.Start(trace.ContextWithSpan(x.ctx, parent), r.Text(s.GetName()), trace.WithTimestamp(start), trace.WithSpanKind(kindOf(s.GetKind())))
		fill(span, s.GetData(), r, now)
		span.End(trace.WithTimestamp(end))
		made = append(made, span)
	}
}

func kindOf(word string) trace.SpanKind {
	switch word {
	case "client":
		return trace.SpanKindClient
	case "server":
		return trace.SpanKindServer
	case "producer":
		return trace.SpanKindProducer
	case "consumer":
		return trace.SpanKindConsumer
	}
	return trace.SpanKindInternal
}

// fill puts what a plugin said of a span onto it.
func fill(span trace.Span, d *wire.SpanData, r *redact.Redactor, now time.Time) {
	if d == nil {
		return
	}
	span.SetAttributes(keyValues(d.GetAttributes(), r)...)
	for _, e := range d.GetEvents()[:min(len(d.GetEvents()), maxSpanEvents)] {
		span.AddEvent(r.Text(e.GetName()), trace.WithTimestamp(momentOf(e.GetTime(), now)), trace.WithAttributes(keyValues(e.GetAttributes(), r)...))
	}
	if d.GetFailed() {
		span.SetStatus(codes.Error, r.Text(d.GetStatus()))
	}
}

func keyValues(list []*wire.Attribute, r *redact.Redactor) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, min(len(list), maxAttributes))
	for _, a := range list[:min(len(list), maxAttributes)] {
		key := r.Known(a.GetKey())
		switch v := a.GetValue().(type) {
		case *wire.Attribute_Text:
			out = append(out, attribute.String(key, shown(a.GetKey(), v.Text, r)))
		case *wire.Attribute_Integer:
			out = append(out, attribute.Int64(key, v.Integer))
		case *wire.Attribute_Number:
			out = append(out, attribute.Float64(key, v.Number))
		case *wire.Attribute_Flag:
			out = append(out, attribute.Bool(key, v.Flag))
		case *wire.Attribute_Duration:
			out = append(out, attribute.Int64(key, v.Duration))
		case *wire.Attribute_Time:
			out = append(out, attribute.Int64(key, v.Time))
		case *wire.Attribute_Texts:
			texts := make([]string, 0, min(len(v.Texts.GetTexts()), maxAttributes))
			for _, t := range v.Texts.GetTexts()[:min(len(v.Texts.GetTexts()), maxAttributes)] {
				texts = append(texts, shown(a.GetKey(), t, r))
			}
			out = append(out, attribute.StringSlice(key, texts))
		}
	}
	return out
}
