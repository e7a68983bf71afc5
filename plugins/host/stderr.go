package host

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

const (
	longestLine = 16 << 10 // bytes; what is beyond is counted, not kept
	lineRate    = 100      // lines a second that are logged, on average
	lineBurst   = 1000     // at once
)

// logs turns what a plugin's processes write into records. Lines that come too fast are dropped and counted: a plugin must fill neither disk
// nor memory of its host.
type logs struct {
	*shared

	pid     atomic.Int64
	mu      sync.Mutex
	streams []*lines
}

// shared is what the lives of a process have in common.
type shared struct {
	name     string
	logger   *slog.Logger
	redactor *redact.Redactor

	mu      sync.Mutex
	users   map[*redact.Redactor]int // of those who share the process: each knows secrets of its own
	tokens  float64
	at      time.Time
	dropped int
}

func newLogs(name string, logger *slog.Logger, redactor *redact.Redactor) *logs {
	if redactor == nil {
		redactor = redact.New(redact.Rules{})
	}
	return &logs{shared: &shared{name: name, logger: logger, redactor: redactor, users: map[*redact.Redactor]int{}, tokens: lineBurst}}
}

// fresh returns the logs of a new life.
func (l *logs) fresh() *logs { return &logs{shared: l.shared} }

// join has the secrets of one more runner hidden, until part.
func (s *shared) join(r *redact.Redactor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r != nil && r != s.redactor {
		s.users[r]++
	}
}

func (s *shared) part(r *redact.Redactor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[r]--; s.users[r] <= 0 {
		delete(s.users, r)
	}
}

func (s *shared) redact(text string) string { return s.redactor.Text(s.known(text)) }

// known masks the secrets that are known, and nothing else: for what the host writes and quotes the plugin.
func (s *shared) known(text string) string {
	s.mu.Lock()
	users := slices.Collect(maps.Keys(s.users))
	s.mu.Unlock()
	for _, r := range users {
		text = r.Known(text)
	}
	return s.redactor.Known(text)
}

func (s *shared) info(msg string, args ...any) { s.log(slog.LevelInfo, msg, args) }
func (s *shared) warn(msg string, args ...any) { s.log(slog.LevelWarn, msg, args) }

// log tells something of the host's own.
func (s *shared) log(level slog.Level, msg string, args []any) {
	ctx := context.Background()
	if !s.logger.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(time.Now(), level, msg, 0)
	r.AddAttrs(slog.String("plugin", s.name))
	r.Add(args...)
	_ = s.logger.Handler().Handle(ctx, r) // a log that can't be written has nobody to be told to
}

// stream returns a writer for one output of the process; it is named in the records of what is no standard error.
func (l *logs) stream(name string) *lines {
	w := &lines{logs: l, name: name}
	l.mu.Lock()
	l.streams = append(l.streams, w)
	l.mu.Unlock()
	return w
}

// flush logs the last lines, which have no end, and how many were dropped.
func (l *logs) flush() {
	l.mu.Lock()
	streams := l.streams
	l.mu.Unlock()
	for _, w := range streams {
		w.flush()
	}
	l.shared.mu.Lock()
	dropped := l.takeDropped()
	l.shared.mu.Unlock()
	l.tellDropped(dropped)
}

// allow takes a token; dropped is how many lines had none since the last that had one.
func (s *shared) allow(now time.Time) (ok bool, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() {
		s.tokens = min(lineBurst, s.tokens+max(now.Sub(s.at).Seconds(), 0)*lineRate)
	}
	s.at = now
	if s.tokens < 1 {
		s.dropped++
		return false, 0
	}
	s.tokens--
	return true, s.takeDropped()
}

func (s *shared) takeDropped() int {
	n := s.dropped
	s.dropped = 0
	return n
}

func (s *shared) tellDropped(n int) {
	if n > 0 {
		s.warn("plugin wrote too many lines", "dropped", n)
	}
}

// emit logs one line.
func (l *logs) emit(stream string, text []byte, cut int) {
	text = bytes.TrimRight(text, "\r")
	if len(bytes.TrimSpace(text)) == 0 {
		return
	}
	now := time.Now()
	ok, dropped := l.allow(now)
	if !ok {
		return
	}
	l.tellDropped(dropped)
	e := parseLine(text, now)
	ctx := context.Background()
	if !l.logger.Enabled(ctx, e.level) {
		return
	}
	r := slog.NewRecord(e.time, e.level, l.redact(e.message), 0)
	r.AddAttrs(slog.String("plugin", l.name), slog.Int64("pid", l.pid.Load()))
	if stream != "stderr" {
		r.AddAttrs(slog.String("stream", stream))
	}
	if cut > 0 {
		r.AddAttrs(slog.Int("cut", cut))
	}
	for _, a := range e.attrs {
		r.AddAttrs(l.clean(a))
	}
	_ = l.logger.Handler().Handle(ctx, r) // a log that can't be written has nobody to be told to
}

// clean takes the secrets out of an attribute.
func (l *logs) clean(a field) slog.Attr {
	switch {
	case l.redactor.Hides(a.key):
		return slog.String(a.key, redact.Mask)
	case a.value != nil:
		return slog.Any(a.key, a.value)
	}
	return slog.String(a.key, l.redact(a.text))
}

// lines cuts a stream into lines.
type lines struct {
	logs *logs
	name string

	mu  sync.Mutex
	buf []byte
	cut int // bytes of the line that were not kept
}

// Write implements io.Writer. It never fails: a plugin must not stand still because nobody wants to hear it.
func (w *lines) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			w.keep(b)
			return n, nil
		}
		w.keep(b[:i])
		w.end()
		b = b[i+1:]
	}
}

func (w *lines) keep(b []byte) {
	n := min(len(b), longestLine-len(w.buf))
	w.buf = append(w.buf, b[:n]...)
	w.cut += len(b) - n
}

func (w *lines) end() {
	w.logs.emit(w.name, w.buf, w.cut)
	w.buf, w.cut = w.buf[:0], 0
}

func (w *lines) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) > 0 {
		w.end()
	}
}

// tail keeps the end of a stream.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const longestTail = 2 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	if len(b) > longestTail {
		b = b[len(b)-longestTail:]
	}
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - longestTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return n, nil
}

// text returns the last lines, whole ones where there are several.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buf
	if i := bytes.IndexByte(b, '\n'); len(b) == longestTail && i >= 0 && i < len(b)-1 {
		b = b[i+1:]
	}
	return string(bytes.TrimSpace(bytes.ToValidUTF8(b, []byte("?"))))
}
