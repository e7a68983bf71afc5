package served_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTelemetry(t *testing.T) {
	traced := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		ctx := req.Context()
		own := trace.SpanFromContext(ctx)
		own.SetAttributes(attribute.Int("n", 1), attribute.Int("n", 2), attribute.StringSlice("list", []string{"a"}))
		own.AddEvent("seen")
		own.SetStatus(codes.Error, "bad")
		inner, child := own.TracerProvider().Tracer("x").Start(ctx, "outer", trace.WithSpanKind(trace.SpanKindClient))
		_, grandchild := own.TracerProvider().Tracer("x").Start(inner, "inner")
		grandchild.RecordError(errors.New("oh"))
		grandchild.End()
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(inner, carrier)
		child.SetAttributes(attribute.String("carried", carrier["traceparent"]))
		child.End()
		child.SetAttributes(attribute.Bool("late", true))
		return next.RoundTrip(req)
	}
	t.Run("spans_come_back_with_the_return", func(t *testing.T) {
		h := newHost(t, only(stage(everything, traced)))
		h.open()
		h.send(do(7, func(d *wire.Do) { d.Traceparent, d.Recording = traceparent, true }))
		h.next()
		h.send(result(7, 200))
		r := h.next().GetReturn()
		if s := r.GetSpan(); len(s.GetAttributes()) != 2 || s.GetAttributes()[0].GetInteger() != 2 || len(s.GetEvents()) != 1 || !s.GetFailed() || s.GetStatus() != "bad" {
			t.Errorf("got %v", s)
		}
		spans := r.GetSpans()
		if len(spans) != 2 || spans[0].GetName() != "outer" || spans[0].GetKind() != "client" || spans[0].GetParent() != 0 || spans[1].GetParent() != 1 || spans[1].GetEnd() == 0 {
			t.Fatalf("got %v", spans)
		}
		if a := spans[0].GetData().GetAttributes(); len(a) != 1 || a[0].GetText() != traceparent {
			t.Errorf("got %v, want the host's span as parent of what the stage calls", a)
		}
	})
	t.Run("spans_come_back_with_a_last_next", func(t *testing.T) {
		h := newHost(t, only(stage(pipeline.DefaultNeeds(), traced)))
		h.open()
		h.send(do(7, func(d *wire.Do) { d.Traceparent, d.Recording = traceparent, true }))
		if n := h.next().GetNext(); !n.GetLast() || len(n.GetSpans()) != 2 {
			t.Errorf("got %v", n)
		}
	})
	t.Run("nothing_is_recorded_where_nobody_asks", func(t *testing.T) {
		h := newHost(t, only(stage(pipeline.DefaultNeeds(), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			span := trace.SpanFromContext(req.Context())
			if span.IsRecording() || !span.SpanContext().IsValid() {
				return nil, errors.New("it records")
			}
			_, child := served.TracerProvider{}.Tracer("x").Start(req.Context(), "child")
			child.End()
			return next.RoundTrip(req)
		})))
		h.open()
		h.send(do(7, func(d *wire.Do) { d.Traceparent = traceparent }))
		if n := h.next().GetNext(); !n.GetLast() || len(n.GetSpans()) != 0 || n.GetSpan() != nil {
			t.Errorf("got %v", n)
		}
	})
	t.Run("log_records_come_with_their_attributes", func(t *testing.T) {
		f := pipeline.Define("mine", struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.StageFunc, error) {
			log := s.Log().With("who", "me").WithGroup("g")
			return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				log.DebugContext(req.Context(), "hidden")
				log.WarnContext(req.Context(), "told", "n", 3, "d", time.Second, "err", errors.New("oh"), slog.Group("in", "ok", true), "list", []string{"a", "b"})
				log.InfoContext(t.Context(), "of nothing")
				return next.RoundTrip(req)
			}, nil
		})
		h := newHost(t, only(f))
		h.open()
		h.send(do(7, nil))
		told := h.any()
		l := told.GetLog()
		if told.GetExchange() != 7 || l.GetMessage() != "told" || l.GetLevel() != 4 || l.GetAttributes()[0].GetText() != "me" {
			t.Fatalf("got %v", told)
		}
		g := l.GetAttributes()[1].GetGroup().GetAttributes()
		if g[0].GetInteger() != 3 || g[1].GetDuration() != int64(time.Second) || g[2].GetText() != "oh" || !g[3].GetGroup().GetAttributes()[0].GetFlag() || len(g[4].GetTexts().GetTexts()) != 2 {
			t.Errorf("got %v", g)
		}
		none := h.any()
		last := none.GetLog().GetAttributes()
		if none.GetExchange() != 0 || last[len(last)-1].GetText() != "one" {
			t.Errorf("got %v", none)
		}
	})
	t.Run("a_flood_of_records_does_not_end_the_session", func(t *testing.T) {
		f := pipeline.Define("mine", struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.StageFunc, error) {
			text := strings.Repeat("x", 8<<10)
			return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				for range 10000 { // 80 MiB
					s.Log().InfoContext(req.Context(), text)
				}
				return next.RoundTrip(req)
			}, nil
		})
		h := newHost(t, only(f))
		h.open()
		h.send(do(7, nil))
		if h.next().GetNext() == nil {
			t.Error("no Next")
		}
	})
}
