package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// responseBody is an answer's body. It watches the idle limit, turns read errors into *Error, and ends the send's context, and
// with it the call's, at its end.
type responseBody struct {
	rc     io.ReadCloser
	send   *send
	chain  *chain
	idle   time.Duration
	closed atomic.Bool
	ended  atomic.Bool
	err    error  // what Read found at the end; only Read's goroutine touches it
	ahead  []byte // was read before the stages saw the answer; only Read's goroutine touches it
	quiet  bool   // buffer is reading, and tells what comes of it
}

// upgradedBody is a body that is written as well, after 101 Switching Protocols.
type upgradedBody struct {
	*responseBody
	io.Writer
}

// wrapBody puts the limits on resp's body. A stream is committed at its headers: only the idle limit holds for it from here on.
func (s *sender) wrapBody(out *send, resp *http.Response) {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	b := &out.body
	b.rc, b.send, b.chain, b.idle = resp.Body, out, s.chain, s.chain.bodyIdleTimeout
	if resp.Body == http.NoBody {
		b.end()
		return
	}
	if IsStream(resp) && resp.StatusCode < 400 { // a failure may be sent again, and that has no deadline but this
		out.life.setDeadline(time.Time{}, "")
		out.call.life.setDeadline(time.Time{}, "")
		out.call.streaming.Store(true)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		b.idle = 0
		if w, ok := resp.Body.(io.Writer); ok {
			resp.Body = upgradedBody{b, w}
			return
		}
	}
	resp.Body = b
}

// IsStream reports whether a response goes on for as long as its server likes: server-sent events, or an upgrade. Stages don't
// buffer it, and `timeout` and `attempt_timeout` end at its headers.
func IsStream(resp *http.Response) bool {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return true
	}
	if b, ok := BodyBeneath(resp.Body).(interface{ IsStream() bool }); ok && b.IsStream() { // of another process, whose headers need not be seen here
		return true
	}
	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.Trim(media, " \t"), "text/event-stream")
}

func (b *responseBody) Read(p []byte) (int, error) {
	if len(b.ahead) > 0 {
		return b.readAhead(p)
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.idle > 0 {
		b.send.life.setIdle(b.idle)
	}
	n, err := b.read(p)
	if b.idle > 0 && err == nil {
		b.send.life.setIdle(0)
	}
	if err == nil {
		return n, nil
	}
	if err == io.EOF { //nolint:errorlint // a reader ends with io.EOF itself
		b.err = io.EOF
	} else {
		e := b.failure(err)
		b.err = e
		if !b.quiet {
			b.send.call.Note(Event{Stage: stageSend, Name: EventFailed, Reason: e.Reason, Text: e.Message})
		}
	}
	b.end()
	return n, b.err
}

// read reads, and counts the time as the upstream's where somebody watches.
func (b *responseBody) read(p []byte) (int, error) {
	c := b.send.call
	if b.quiet || !c.Observed() {
		return b.rc.Read(p)
	}
	began := time.Now()
	n, err := b.rc.Read(p)
	c.mu.Lock()
	c.sending += time.Since(began)
	c.mu.Unlock()
	return n, err
}

// Close closes the answer; what was not read is lost.
func (b *responseBody) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	err := b.rc.Close()
	b.end()
	return err
}

// end says that the body is over: nothing more can be cancelled.
func (b *responseBody) end() {
	if b.ended.Swap(true) {
		return
	}
	b.send.life.release()
	b.send.call.settle()
}

func (b *responseBody) failure(err error) *Error {
	c := b.send.call
	e := &Error{
		Kind: kindOfTransport(err), Class: ClassUnknown, Stage: stageSend, Pipeline: c.Pipeline(), Attempts: c.Attempts(), Sends: c.Sends(), call: c,
		Err: &transportError{err, b.chain.redactor}, Message: "reading the body: " + b.chain.redactor.Text(describe(err)),
	}
	life := b.send.life.limitReason()
	parent := b.send.life.parent.Err()
	switch {
	case life == "body_idle_timeout":
		e.Kind, e.Reason, e.Message = KindTimeout, life, fmt.Sprintf("no byte of the body for body_idle_timeout %s", b.idle)
	case life == "attempt_timeout":
		e.Kind, e.Reason, e.Message = KindTimeout, life, fmt.Sprintf("the body was not complete within attempt_timeout %s", b.chain.attemptTimeout)
	case c.life.limitReason() == "timeout":
		e.Kind, e.Class, e.Reason, e.Message = KindTimeout, ClassTerminal, "timeout", fmt.Sprintf("the body was not complete within timeout %s", c.bound)
	case errors.Is(parent, context.DeadlineExceeded):
		e.Kind, e.Class, e.Reason, e.Message = KindTimeout, ClassTerminal, "deadline", "the caller's deadline passed while the body was read"
	case parent != nil:
		e.Kind, e.Class, e.Reason, e.Message = KindCanceled, ClassTerminal, "canceled", "the caller gave up while the body was read"
	}
	return e
}

// The bounds of Drop.
const (
	dropBytes = 64 << 10
	dropTime  = 50 * time.Millisecond
	dropKept  = 8 << 10 // of what is drained
)

// Drop drains (at most 64 KiB and 50 ms, so that the connection can be used again) and closes the body of a response that a
// stage does not return, and keeps the beginning of it, redacted, in the call's record.
func Drop(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	c := CallOf(resp)
	if c != nil && c.far != nil { // the process that has the body drops it
		_ = resp.Body.Close()
		return
	}
	buf := dropBuffers.Get().(*dropBuffer)
	defer dropBuffers.Put(buf)
	done := make(chan struct{})
	timer := time.AfterFunc(dropTime, func() { _ = resp.Body.Close(); close(done) })
	kept := buf.drain(resp.Body)
	if timer.Stop() {
		_ = resp.Body.Close()
	} else {
		<-done
	}
	if c == nil || c.chain == nil || len(kept) == 0 {
		return
	}
	text, _ := c.chain.redactor.Body(resp.Header.Get("Content-Type"), kept, len(kept))
	c.Note(Event{Stage: stageSend, Name: EventSnapshot, Status: resp.StatusCode, Text: text})
}

// dropBuffers serve many callers whose answers are dropped at once.
var dropBuffers = sync.Pool{New: func() any { return new(dropBuffer) }}

type dropBuffer struct {
	kept [dropKept]byte
	rest [4 << 10]byte
}

// drain reads r to its end, but no further than dropBytes, and returns its beginning.
func (b *dropBuffer) drain(r io.Reader) []byte {
	kept := 0
	for read := 0; read < dropBytes; {
		into := b.kept[kept:]
		if len(into) == 0 {
			into = b.rest[:min(len(b.rest), dropBytes-read)]
		}
		n, err := r.Read(into)
		read += n
		kept = min(kept+n, dropKept)
		if err != nil {
			break
		}
	}
	return b.kept[:kept]
}
