package scenario

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// TraceParent is a span of the caller's own, as W3C Trace Context writes it: "00-TRACE-SPAN-01".
type TraceParent string

// UnmarshalText refuses what names no span.
func (p *TraceParent) UnmarshalText(text []byte) error {
	*p = TraceParent(text)
	if !trace.SpanContextFromContext(p.within(context.Background())).IsValid() {
		return mistake("", `write "00-", 32 hex digits, "-", 16 hex digits, "-01"`, "%q is no traceparent", text)
	}
	return nil
}

// within returns ctx with the span in it; with none, ctx itself.
func (p TraceParent) within(ctx context.Context) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": string(p)})
}

// spanNumbers gives spans and traces their numbers for ids, in the order in which they begin: a test can tell one from the other.
type spanNumbers struct{ traces, spans atomic.Uint64 }

// NewIDs implements sdktrace.IDGenerator.
func (n *spanNumbers) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	binary.BigEndian.PutUint64(id[8:], n.traces.Add(1))
	return id, n.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (n *spanNumbers) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], n.spans.Add(1))
	return id
}

// SpanEvent is an event of a span: its name, or a table that says more.
type SpanEvent struct {
	// Name is its name.
	Name *Text `toml:"name"`
	// Attributes are its attributes as text.
	Attributes map[string]Text `toml:"attributes"`
}

// UnmarshalConfig reads a string, or a table with name, attributes or both.
func (e *SpanEvent) UnmarshalConfig(value any) error {
	m, ok := value.(map[string]any)
	if !ok {
		e.Name = &Text{}
		return e.Name.UnmarshalConfig(value)
	}
	for _, k := range keys(m) {
		switch k {
		case "name":
			e.Name = &Text{}
			if err := e.Name.UnmarshalConfig(m[k]); err != nil {
				return fmt.Errorf("name: %w", err)
			}
		case "attributes":
			attributes, ok := m[k].(map[string]any)
			if !ok {
				return mistake(k, "", "expected a table, found %s", noun(m[k]))
			}
			e.Attributes = map[string]Text{}
			for name, v := range attributes {
				var t Text
				if err := t.UnmarshalConfig(v); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				e.Attributes[name] = t
			}
		default:
			return unknownKey(k, "name", "attributes")
		}
	}
	if e.Name == nil && len(e.Attributes) == 0 {
		return mistake("", "say its name or attributes", "every event is like this")
	}
	return nil
}

func (e SpanEvent) like(got sdktrace.Event) bool {
	if e.Name != nil {
		if _, ok := e.Name.check(got.Name, true); !ok {
			return false
		}
	}
	return hold(e.Attributes, got.Attributes)
}

// hold reports whether attributes are as wanted.
func hold(wanted map[string]Text, got []attribute.KeyValue) bool {
	for name, want := range wanted {
		text, present := "", false
		for _, a := range got {
			if string(a.Key) == name {
				text, present = a.Value.String(), true
			}
		}
		if _, ok := want.check(text, present); !ok {
			return false
		}
	}
	return true
}

func (e SpanEvent) among(got []sdktrace.Event) bool { return slices.ContainsFunc(got, e.like) }
