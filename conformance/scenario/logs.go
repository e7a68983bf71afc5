package scenario

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
)

// logs is a slog.Handler that keeps every record.
type logs struct {
	mu      sync.Mutex
	records []logRecord
}

type logRecord struct {
	level   string
	message string
	attrs   map[string]string
}

// Enabled implements slog.Handler.
func (l *logs) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *logs) Handle(_ context.Context, r slog.Record) error {
	l.add(r, nil)
	return nil
}

func (l *logs) add(r slog.Record, before map[string]string) {
	rec := logRecord{level: strings.ToLower(r.Level.String()), message: r.Message, attrs: maps.Clone(before)}
	if rec.attrs == nil {
		rec.attrs = map[string]string{}
	}
	r.Attrs(func(a slog.Attr) bool {
		flatten(rec.attrs, "", a)
		return true
	})
	l.mu.Lock()
	l.records = append(l.records, rec)
	l.mu.Unlock()
}

func flatten(into map[string]string, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		into[prefix+a.Key] = v.String()
		return
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, inner := range v.Group() {
		flatten(into, prefix, inner)
	}
}

// WithAttrs implements slog.Handler.
func (l *logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return (&scoped{logs: l}).WithAttrs(attrs)
}

// WithGroup implements slog.Handler.
func (l *logs) WithGroup(name string) slog.Handler { return (&scoped{logs: l}).WithGroup(name) }

// scoped is the handler of a logger that has attributes or groups of its own.
type scoped struct {
	logs   *logs
	attrs  map[string]string
	prefix string
}

// Enabled implements slog.Handler.
func (s *scoped) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (s *scoped) Handle(_ context.Context, r slog.Record) error {
	grouped := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		a.Key = s.prefix + a.Key
		grouped.AddAttrs(a)
		return true
	})
	s.logs.add(grouped, s.attrs)
	return nil
}

// WithAttrs implements slog.Handler.
func (s *scoped) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := maps.Clone(s.attrs)
	if more == nil {
		more = map[string]string{}
	}
	for _, a := range attrs {
		flatten(more, s.prefix, a)
	}
	return &scoped{s.logs, more, s.prefix}
}

// WithGroup implements slog.Handler.
func (s *scoped) WithGroup(name string) slog.Handler {
	return &scoped{s.logs, s.attrs, s.prefix + name + "."}
}

func (l *logs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.records)
}

func (l *logs) judge(j *judge, at place, want []LogExpect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range want {
		n := 0
		for _, r := range l.records {
			if w.like(r) {
				n++
			}
		}
		j.times(at.at("logs", index(i)), "records like this", w.Count, n)
	}
}

func (w LogExpect) like(r logRecord) bool {
	fits := func(want *Text, got string, present bool) bool {
		if want == nil {
			return true
		}
		_, ok := want.check(got, present)
		return ok
	}
	ok := fits(w.Level, r.level, true) && fits(w.Message, r.message, true)
	for name, want := range w.Attrs {
		got, present := r.attrs[name]
		ok = ok && fits(&want, got, present)
	}
	return ok
}
