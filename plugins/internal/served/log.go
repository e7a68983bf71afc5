package served

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// The most that a session logs: a burst, and then so much each second, in bytes. What comes beyond is dropped and counted.
const (
	logBurst = 4 << 20
	logRate  = 1 << 20
	maxLog   = 64 << 10 // of one record
)

// logSink sends records to the host. It never waits for it.
type logSink struct {
	pipe  *wire.Pipe
	level atomic.Int64 // that the host has last asked for: of records that belong to no exchange

	mu      sync.Mutex
	room    int
	filled  time.Time
	dropped int
}

// say logs a record that belongs to no exchange.
func (s *logSink) say(level slog.Level, message string, attrs ...slog.Attr) {
	r := slog.NewRecord(time.Now(), level, message, 0)
	r.AddAttrs(attrs...)
	_ = (&logHandler{sink: s}).Handle(context.Background(), r)
}

func (s *logSink) put(f *wire.Frame, l *wire.Log) {
	size := l.SizeVT()
	if size > maxLog {
		l.Attributes = append(l.Attributes[:0:0], &wire.Attribute{Key: "truncated", Value: &wire.Attribute_Flag{Flag: true}})
		size = l.SizeVT()
	}
	s.mu.Lock()
	now := time.Now()
	if s.filled.IsZero() {
		s.room = logBurst
	} else {
		s.room = min(logBurst, s.room+int(now.Sub(s.filled).Seconds()*logRate))
	}
	s.filled = now
	fits := size <= s.room
	if !fits {
		s.dropped++
		s.mu.Unlock()
		return
	}
	s.room -= size
	lost := s.dropped
	s.dropped = 0
	s.mu.Unlock()
	if lost > 0 {
		l.Attributes = append(l.Attributes, &wire.Attribute{Key: "dropped_before", Value: &wire.Attribute_Integer{Integer: int64(lost)}})
	}
	f.Kind = &wire.Frame_Log{Log: l}
	_ = s.pipe.Send(f)
}

// logHandler is the slog.Handler of stages.
type logHandler struct {
	sink     *logSink
	pipeline string // of records that belong to no exchange
	name     string
	scopes   []logScope // of WithAttrs and WithGroup, outermost first
}

// logScope is a group, and attributes in it.
type logScope struct {
	group string
	attrs []*wire.Attribute
}

// stage returns the handler of one stage's logger.
func (h *logHandler) stage(pipeline, name string) *logHandler {
	own := *h
	own.pipeline, own.name = pipeline, name
	return &own
}

// Enabled implements slog.Handler: the host says of each exchange what it wants.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	if x := exchangeOf(ctx); x != nil {
		return level >= x.level
	}
	return int64(level) >= h.sink.level.Load()
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(logScope{attrs: logAttrs(nil, attrs)})
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(logScope{group: name})
}

func (h *logHandler) with(s logScope) *logHandler {
	own := *h
	own.scopes = append(slices.Clip(h.scopes), s)
	return &own
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	l := &wire.Log{Level: int32(r.Level), Message: text(r.Message)} //nolint:gosec // a small number
	if !r.Time.IsZero() {
		l.Time = r.Time.UnixNano()
	}
	r.Attrs(func(a slog.Attr) bool {
		l.Attributes = logAttr(l.Attributes, a)
		return true
	})
	for _, s := range slices.Backward(h.scopes) {
		l.Attributes = append(slices.Clip(s.attrs), l.Attributes...)
		if s.group != "" && len(l.Attributes) > 0 {
			l.Attributes = []*wire.Attribute{group(s.group, l.Attributes)}
		}
	}
	f := &wire.Frame{}
	if x := exchangeOf(ctx); x != nil && (x.told || x.ss.under(x)) {
		f.Exchange = x.id
	} else if h.name != "" {
		l.Attributes = append(l.Attributes, textAttr("pipeline", h.pipeline), textAttr("stage", h.name))
	}
	h.sink.put(f, l)
	return nil
}

func logAttrs(out []*wire.Attribute, attrs []slog.Attr) []*wire.Attribute {
	for _, a := range attrs {
		out = logAttr(out, a)
	}
	return out
}

// logAttr appends one attribute; those of a group without a name are the surrounding one's.
func logAttr(out []*wire.Attribute, a slog.Attr) []*wire.Attribute {
	v := a.Value.Resolve()
	if a.Key == "" && v.Equal(slog.Value{}) {
		return out
	}
	w := &wire.Attribute{Key: text(a.Key)}
	switch v.Kind() {
	case slog.KindGroup:
		inner := logAttrs(nil, v.Group())
		if a.Key == "" {
			return append(out, inner...)
		}
		if len(inner) == 0 {
			return out
		}
		return append(out, group(a.Key, inner))
	case slog.KindBool:
		w.Value = &wire.Attribute_Flag{Flag: v.Bool()}
	case slog.KindInt64:
		w.Value = &wire.Attribute_Integer{Integer: v.Int64()}
	case slog.KindFloat64:
		w.Value = &wire.Attribute_Number{Number: v.Float64()}
	case slog.KindDuration:
		w.Value = &wire.Attribute_Duration{Duration: int64(v.Duration())}
	case slog.KindTime:
		w.Value = &wire.Attribute_Time{Time: v.Time().UnixNano()}
	case slog.KindString:
		w.Value = &wire.Attribute_Text{Text: text(v.String())}
	case slog.KindUint64:
		w.Value = &wire.Attribute_Text{Text: v.String()}
		if n := v.Uint64(); n <= 1<<63-1 {
			w.Value = &wire.Attribute_Integer{Integer: int64(n)}
		}
	default:
		if list, ok := v.Any().([]string); ok {
			w.Value = &wire.Attribute_Texts{Texts: &wire.TextList{Texts: texts(list)}}
			break
		}
		w.Value = &wire.Attribute_Text{Text: text(shown(v.Any()))}
	}
	return append(out, w)
}

// shown writes a value that has no kind of its own; a panic of its methods is its text.
func shown(v any) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = fmt.Sprintf("!PANIC: %v", p)
		}
	}()
	if err, ok := v.(error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%+v", v)
}

func group(key string, inner []*wire.Attribute) *wire.Attribute {
	return &wire.Attribute{Key: text(key), Value: &wire.Attribute_Group{Group: &wire.AttributeList{Attributes: inner}}}
}

func textAttr(key, value string) *wire.Attribute {
	return &wire.Attribute{Key: key, Value: &wire.Attribute_Text{Text: text(value)}}
}
