package host

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// logQueue writes what has to be logged outside every exchange: a handler may take its time, and the reader of the session has none.
type logQueue struct {
	in      chan logged
	ended   chan struct{}
	dropped atomic.Int64
	tell    func(dropped int64)
	told    time.Time // of dropped ones; run's

	flushing sync.Mutex
	flushes  int
	flushed  chan int // the number of the last; made here, for who flushes may live in virtual time
}

// logged is one thing to log, or the number of a flush.
type logged struct {
	run   func()
	flush int
}

// maxQueuedLogs bounds the records that wait; more are counted only.
const maxQueuedLogs = 1024

func newLogQueue(tell func(dropped int64)) *logQueue {
	return &logQueue{tell: tell, in: make(chan logged, maxQueuedLogs), ended: make(chan struct{}), flushed: make(chan int, 1)}
}

const recordsDropped = "log records of a plugin were dropped"

// put queues a record, or drops it where too many wait.
func (q *logQueue) put(l logged) bool {
	select {
	case q.in <- l:
		return true
	default:
		q.dropped.Add(1)
		return false
	}
}

// run is the goroutine that writes, until the queue is closed and empty.
func (q *logQueue) run() {
	for {
		select {
		case l := <-q.in:
			q.write(l)
		case <-q.ended:
			for {
				select {
				case l := <-q.in:
					q.write(l)
				default:
					q.tellDropped(0)
					return
				}
			}
		}
	}
}

// tellEvery bounds how often dropped records are told of: a plugin that floods its host decides how often there are some.
const tellEvery = time.Second

func (q *logQueue) tellDropped(every time.Duration) {
	if q.dropped.Load() == 0 || time.Since(q.told) < every {
		return
	}
	q.told = time.Now()
	q.tell(q.dropped.Swap(0))
}

func (q *logQueue) write(l logged) {
	if l.run != nil {
		l.run()
	}
	q.tellDropped(tellEvery)
	if l.flush == 0 {
		return
	}
	select {
	case <-q.flushed: // of one who left
	default:
	}
	q.flushed <- l.flush
}

func (q *logQueue) close() { close(q.ended) }

// flush waits until what is queued now is written.
func (q *logQueue) flush(ctx context.Context) {
	q.flushing.Lock()
	defer q.flushing.Unlock()
	q.flushes++
	select {
	case q.in <- logged{flush: q.flushes}:
	case <-q.ended:
		return
	case <-ctx.Done():
		return
	}
	for {
		select {
		case n := <-q.flushed:
			if n == q.flushes {
				return
			}
		case <-q.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// receiveLog takes a record of the plugin: to the exchange that it belongs to, if that is under way, else to the queue.
func (s *session) receiveLog(raw wire.Raw) {
	if !s.gate.admit(len(raw.Data), time.Now()) {
		s.logs.dropped.Add(1)
		return
	}
	data := bytes.Clone(raw.Data)
	var st *stage
	switch index := raw.Exchange & indexMask; {
	case raw.Exchange == 0:
	case index == instanceIndex:
		if v, ok := s.stages.Load(uint32(raw.Exchange >> indexBits)); ok { //nolint:gosec // cut where a plugin lies
			st, _ = v.(*stage)
		}
	default:
		if sl := s.room.slot(index); sl != nil {
			if sl.log(raw.Exchange, data) {
				return
			}
			if sl.number.Load() == raw.Exchange {
				st = sl.owner.Load()
			}
		}
	}
	if !s.logs.put(logged{run: func() { s.writeLog(context.Background(), st, data) }}) {
		s.gate.release(data)
	}
}

// writeLogs writes the records that came for the exchange.
func (x *exchange) writeLogs() {
	logs, dropped := x.slot.takeLogs()
	for _, data := range logs {
		x.slot.session.writeLog(x.ctx, x.st, data)
	}
	if dropped > 0 {
		x.st.opts.settings.Log().LogAttrs(x.ctx, slog.LevelWarn, recordsDropped, append(x.st.logAttrs(), slog.Int("dropped", dropped))...)
	}
}

func (st *stage) logAttrs() []slog.Attr {
	set := &st.opts.settings
	return []slog.Attr{slog.String("pipeline", set.Pipeline), slog.String("stage", set.Stage), slog.String("plugin", st.opts.name)}
}

// placed reports whether a record says by itself where it belongs, as those of the stage log do: there "stage" is the one that failed.
func placed(l *wire.Log) bool {
	return slices.ContainsFunc(l.GetAttributes(), func(a *wire.Attribute) bool { return a.GetKey() == "pipeline" })
}

// writeLog writes one record, as it came in its frame, to the runner's logger, free of secrets.
func (s *session) writeLog(ctx context.Context, st *stage, data []byte) {
	defer s.gate.release(data)
	f := &wire.Frame{}
	if err := f.UnmarshalVT(data); err != nil || f.GetLog() == nil {
		s.logs.dropped.Add(1) // it can't be read
		return
	}
	l := f.GetLog()
	logger, redactor := s.opts.logger, s.opts.redactor
	if st != nil {
		logger, redactor = st.opts.settings.Log(), st.opts.settings.Redact()
	}
	level := slog.Level(l.GetLevel())
	handler := logger.Handler()
	if !handler.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(momentOf(l.GetTime(), time.Now()), level, redactor.Text(l.GetMessage()), 0)
	if st != nil && !placed(l) {
		r.AddAttrs(st.logAttrs()...)
	} else {
		r.AddAttrs(slog.String("plugin", s.opts.plugin))
	}
	budget := maxAttributes
	r.AddAttrs(attrs(l.GetAttributes(), redactor, &budget, 0)...)
	_ = handler.Handle(ctx, r) // nobody is left to tell
}

// The bounds of what a record or a span holds.
const (
	maxAttributes = 128
	maxDepth      = 8
)

// attrs makes slog's attributes; budget is how many more there may be.
func attrs(list []*wire.Attribute, r *redact.Redactor, budget *int, depth int) []slog.Attr {
	out := make([]slog.Attr, 0, min(len(list), maxAttributes))
	for _, a := range list {
		if *budget == 0 || depth > maxDepth {
			break
		}
		*budget--
		out = append(out, slog.Attr{Key: r.Known(a.GetKey()), Value: valueOf(a, r, budget, depth)})
	}
	return out
}

func valueOf(a *wire.Attribute, r *redact.Redactor, budget *int, depth int) slog.Value {
	switch v := a.GetValue().(type) {
	case *wire.Attribute_Text:
		return slog.StringValue(shown(a.GetKey(), v.Text, r))
	case *wire.Attribute_Integer:
		return slog.Int64Value(v.Integer)
	case *wire.Attribute_Number:
		return slog.Float64Value(v.Number)
	case *wire.Attribute_Flag:
		return slog.BoolValue(v.Flag)
	case *wire.Attribute_Duration:
		return slog.DurationValue(time.Duration(v.Duration))
	case *wire.Attribute_Time:
		return slog.TimeValue(time.Unix(0, v.Time))
	case *wire.Attribute_Group:
		return slog.GroupValue(attrs(v.Group.GetAttributes(), r, budget, depth+1)...)
	case *wire.Attribute_Texts:
		texts := make([]string, 0, min(len(v.Texts.GetTexts()), maxAttributes))
		for _, t := range v.Texts.GetTexts()[:min(len(v.Texts.GetTexts()), maxAttributes)] {
			texts = append(texts, shown(a.GetKey(), t, r))
		}
		return slog.AnyValue(texts)
	}
	return slog.Value{}
}

// shown is a text as it may be shown under its key.
func shown(key, text string, r *redact.Redactor) string {
	if text != "" && r.Hides(key) {
		return redact.Mask
	}
	return r.Text(text)
}

// lowest returns the lowest level that somebody wants to read, of those that have names; above all of them where nobody does.
func (st *stage) lowest(ctx context.Context) slog.Level {
	h := st.opts.settings.Log().Handler()
	for level := slog.LevelDebug - 4; level <= slog.LevelError; level += 4 {
		if h.Enabled(ctx, level) {
			return level
		}
	}
	return slog.LevelError + 4
}
