package logging

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// readable reports whether a body of these headers can be redacted by key: JSON or a form, and not compressed.
func readable(h http.Header) bool {
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return false
	}
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return media == "application/json" || media == "text/json" || media == "application/x-www-form-urlencoded" || strings.HasSuffix(media, "+json")
}

// newCapture wraps a body that may be shown, or returns nil.
func newCapture(rc io.ReadCloser, h http.Header, length int64, limit int) *capture {
	if rc == nil || rc == http.NoBody || !readable(h) {
		return nil
	}
	return &capture{rc: rc, limit: limit, length: length, contentType: h.Get("Content-Type")}
}

// capture is a body that keeps the first bytes that are read of it. It delays nothing and reads nothing by itself. The transport may
// read while the stage looks.
type capture struct {
	rc          io.ReadCloser
	limit       int
	length      int64 // that the headers announce, -1 if unknown
	contentType string

	mu    sync.Mutex
	kept  []byte
	total int64
	whole bool // its end was seen
}

// Read implements io.Reader.
func (c *capture) Read(p []byte) (int, error) {
	n, err := c.rc.Read(p)
	c.mu.Lock()
	if room := c.limit - len(c.kept); room > 0 && n > 0 {
		c.kept = append(c.kept, p[:min(n, room)]...)
	}
	c.total += int64(n)
	c.whole = c.whole || err == io.EOF
	c.mu.Unlock()
	return n, err
}

// Close closes the body itself.
func (c *capture) Close() error { return c.rc.Close() }

// Unwrap shows the framework its own body beneath.
func (c *capture) Unwrap() io.ReadCloser { return c.rc }

// appendTo adds what was kept so far under key, redacted, and whether that is not all of the body.
func (c *capture) appendTo(attrs []slog.Attr, key string, r *redact.Redactor) []slog.Attr {
	c.mu.Lock()
	kept, total, whole := string(c.kept), c.total, c.whole || c.total == c.length
	c.mu.Unlock()
	if total == 0 {
		return attrs
	}
	text, cut := r.Body(c.contentType, []byte(kept), c.limit)
	attrs = append(attrs, slog.String(key, text))
	if cut || !whole || total > int64(len(kept)) {
		attrs = append(attrs, slog.Bool("body_truncated", true))
	}
	return attrs
}

// recorded is a response's body that writes its own record at its end, or when it is closed.
type recorded struct {
	*capture
	stage   *Stage
	ctx     context.Context // of the send, which the record belongs to
	level   slog.Level
	attempt int
	status  int
	began   time.Time
	once    sync.Once
}

// Read implements io.Reader.
func (b *recorded) Read(p []byte) (int, error) {
	n, err := b.capture.Read(p)
	if err != nil {
		b.once.Do(b.record)
	}
	return n, err
}

// Close closes the body itself.
func (b *recorded) Close() error {
	err := b.capture.Close()
	b.once.Do(b.record)
	return err
}

func (b *recorded) record() {
	b.mu.Lock()
	total := b.total
	b.mu.Unlock()
	if total == 0 {
		return
	}
	attrs := []slog.Attr{
		slog.Int("attempt", b.attempt), slog.Int("status", b.status), milliseconds("duration_ms", time.Since(b.began)), slog.Int64("body_bytes", total),
	}
	attrs = b.appendTo(attrs, "response_body", b.stage.redactor)
	b.stage.write(b.ctx, time.Now(), b.level, "response body", appendTrace(b.ctx, attrs))
}
