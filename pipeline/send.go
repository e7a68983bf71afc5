package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline/credential"
)

// sender is the innermost link of every pipeline: the only place where a request meets the wire, a credential meets a request,
// and an outcome gets its class.
type sender struct {
	chain *chain
	base  http.RoundTripper
}

// send is one physical request. It is one allocation: context, trace state, outgoing request and body wrapper together.
type send struct {
	call  *Call
	life  lifetime
	out   http.Request
	trace *sendTrace
	body  responseBody
	start time.Time
	snap  *credential.Snapshot // nil: no credential was attached
	prev  *send

	back     atomic.Bool                 // the transport has returned, though it may read on
	reopened atomic.Pointer[requestBody] // the body that the transport opened last, to send again by itself
}

// RoundTrip attaches the credential, sends, and judges what came of it. Its errors are *Error.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	c := CallFrom(req.Context())
	if c == nil {
		return nil, errLostCall()
	}
	if err := checkURL(req.URL); err != nil {
		return nil, &Error{Kind: KindPolicy, Class: ClassTerminal, Stage: stageSend, Message: err.Error()}
	}
	snap, attached, err := s.credential(c, req)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, s.failure(req.Context(), c, nil, err)
	}
	out := s.prepare(c, req, snap, attached)
	ctx, span := s.startSpan(c, out, attached)
	s.chain.telemetry.propagate(ctx, out.out.Header)
	return s.exchange(c, req, out, span)
}

// credential gets what auth chose for this very URL: nil where nothing is to be attached. It waits for a refresh that is known
// to be needed.
func (s *sender) credential(c *Call, req *http.Request) (*credential.Snapshot, Attachment, error) {
	c.mu.Lock()
	chosen := c.choice
	c.mu.Unlock()
	att := Attachment{Skipped: chosen.skipped}
	if chosen.name == "" {
		return nil, att, nil
	}
	cred := s.chain.credentials[chosen.name]
	if cred == nil {
		return nil, att, &Error{Kind: KindInternal, Class: ClassTerminal, Stage: stageSend, Message: fmt.Sprintf("auth chose credential %q, which this pipeline does not have", chosen.name)}
	}
	if att.Skipped = cred.refuses(req.URL); att.Skipped != "" {
		c.Note(Event{Stage: stageSend, Name: EventSkipped, Reason: att.Skipped, Text: fmt.Sprintf("%s not attached: %s", chosen.name, att.Skipped)})
		return nil, att, nil
	}
	session, err := cred.pool.Session(chosen.subject)
	if err != nil {
		return nil, att, s.chain.sessionError(err)
	}
	snap, err := s.acquire(req.Context(), c, session)
	if err != nil {
		return nil, att, err
	}
	att.Session, att.Generation, att.token = session, snap.Generation(), snap
	return snap, att, nil
}

func (s *sender) acquire(ctx context.Context, c *Call, session *credential.Session) (*credential.Snapshot, error) {
	if snap := session.Fresh(); snap != nil {
		return snap, nil
	}
	before, began := session.Peek(), time.Now()
	snap, err := session.Acquire(ctx)
	if err == nil && snap == before {
		return snap, nil
	}
	waited := time.Since(began)
	c.Waited(waited)
	if err == nil {
		if c.Observed() || waited > 0 {
			c.Note(Event{Stage: stageSend, Name: EventWaited, Duration: waited, Text: fmt.Sprintf("%s: got a token", session.Name())})
		}
		return snap, nil
	}
	e := s.chain.sessionError(err)
	if ctx.Err() != nil {
		e = s.failure(ctx, c, nil, err)
	}
	c.Note(Event{Stage: stageSend, Name: EventFailed, Duration: waited, Reason: e.Reason, Text: e.Message})
	return nil, e
}

// prepare makes the outgoing request: its own header map, its own context, and the credential.
func (s *sender) prepare(c *Call, req *http.Request, snap *credential.Snapshot, att Attachment) *send {
	if c.streaming.Swap(false) { // a stage gave the stream up
		c.life.setDeadline(c.start.Add(c.bound), "timeout")
	}
	out := &send{call: c, start: c.start.Add(time.Since(c.start))} // half the cost of time.Now
	ctx := req.Context()
	out.life.call, out.life.parent = c, ctx
	out.trace, out.life.values = newSendTrace(ctx)
	if limit := s.chain.attemptTimeout; limit > 0 {
		out.life.deadline, out.life.limit = out.start.Add(limit), "attempt_timeout"
	}
	out.out = *req.WithContext(&out.life)
	header := make(http.Header, len(req.Header)+2)
	for name, values := range req.Header {
		header[name] = slices.Clip(values)
	}
	out.out.Header = header
	if snap != nil {
		snap.Attach(&out.out)
		out.snap = snap
	}
	if get := req.GetBody; get != nil {
		out.out.GetBody = func() (io.ReadCloser, error) { return out.reopen(get) }
	}
	if b := bodyOf(req.Body); b != nil {
		b.handed.Store(true)
		if r, ok := b.rc.(*sourceReader); ok {
			out.life.AfterFunc(func() { r.s.abort(c.life.Err() != nil) })
		} else { // net/http does not return before a Read does, and this body can be had again
			out.life.AfterFunc(func() {
				if !out.back.Load() {
					_ = b.Close()
				}
			})
		}
	}
	c.mu.Lock()
	out.prev, c.last, c.sent = c.last, out, att
	c.mu.Unlock()
	return out
}

// reopen opens the body once more for the transport and closes the one that it opened before: net/http's HTTP/2 forgets such a body
// when it finds no connection for it.
func (out *send) reopen(get func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	rc, err := get()
	if err != nil {
		return nil, err
	}
	b := &requestBody{rc: rc}
	out.closeReopened(b)
	return b, nil
}

func (out *send) closeReopened(by *requestBody) {
	if before := out.reopened.Swap(by); before != nil {
		_ = before.Close()
	}
}

// exchange makes the physical request.
func (s *sender) exchange(c *Call, req *http.Request, out *send, span trace.Span) (*http.Response, error) {
	c.attempts.CompareAndSwap(0, 1)
	c.sends.Add(1)
	c.countSend(out)
	resp, err := s.base.RoundTrip(&out.out)
	out.back.Store(true)
	took := time.Since(out.start)
	_, conns := out.trace.facts()
	if conns > 1 {
		c.resends.Add(conns - 1)
		c.Note(Event{Stage: stageSend, Name: EventResent, Text: "net/http sent again on a new connection"})
	}
	if err == nil && resp == nil {
		err = errors.New("transport returned neither a response nor an error")
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		out.closeReopened(nil)
		e := s.failure(req.Context(), c, out, err)
		out.life.release()
		s.note(out, req, verdict{kind: e.Kind, class: e.Class, message: e.Message}, took, e.Reason, nil)
		endSend(span, nil, e, conns > 1)
		return nil, e
	}
	if out.trace.idle() {
		out.trace.reuse()
	}
	if out.snap != nil && resp.StatusCode != http.StatusUnauthorized {
		out.snap.Worked()
	}
	resp.Request = req
	s.wrapBody(out, resp)
	if s.buffers(out, resp) {
		e := out.body.buffer(s.chain.bufferResponse, resp.ContentLength)
		took = time.Since(out.start)
		if e != nil {
			s.note(out, req, verdict{kind: e.Kind, class: e.Class, message: e.Message}, took, e.Reason, nil)
			endSend(span, nil, e, conns > 1)
			return nil, e
		}
	}
	v := verdict{kind: KindOfStatus(resp.StatusCode), class: ClassOfStatus(resp.StatusCode), status: resp.StatusCode}
	s.note(out, req, v, took, "", resp)
	endSend(span, resp, nil, conns > 1)
	return resp, nil
}

func (s *sender) note(out *send, req *http.Request, v verdict, took time.Duration, reason string, resp *http.Response) {
	c := out.call
	c.mu.Lock()
	c.outcome = v
	c.sending += took
	c.mu.Unlock()
	e := Event{Stage: stageSend, Name: EventSent, At: out.start.Sub(c.start) + took, Status: v.status, Duration: took, Reason: reason}
	if c.Observed() {
		e.Text = s.chain.redactor.Text(sentText(req, resp, v))
	}
	c.Note(e)
}

// sentText is a send for people: "GET /posts → 200 application/json 1.3 kB".
func sentText(req *http.Request, resp *http.Response, v verdict) string {
	text := req.Method + " " + req.URL.EscapedPath() + " → "
	if resp == nil {
		return text + string(v.kind) + ": " + v.message
	}
	text += strconv.Itoa(v.status)
	if media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); media != "" {
		text += " " + media
	}
	switch n := resp.ContentLength; {
	case n >= 1000:
		text += fmt.Sprintf(" %.1f kB", float64(n)/1000)
	case n > 0:
		text += fmt.Sprintf(" %d B", n)
	}
	return text
}

// failure makes the *Error of a send that got no answer; out is nil if it never began.
func (s *sender) failure(ctx context.Context, c *Call, out *send, err error) *Error {
	facts := traceFacts{}
	if out != nil {
		facts, _ = out.trace.facts()
		if reason := out.life.limitReason(); reason != "" && ctx.Err() == nil {
			return s.limitError(reason, facts, err)
		}
	}
	kind, class, reason := classifyError(err, ctx, facts)
	var message string
	switch reason {
	case "deadline":
		message = "the caller's deadline passed"
		if c.life.limitReason() == "timeout" {
			reason, message = "timeout", fmt.Sprintf("no answer within timeout %s", c.bound)
		}
	case "canceled":
		message = "the caller gave up"
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = cause
		}
	default:
		message = s.chain.redactor.Text(describe(err))
		if s.chain.headerTimeout > 0 && awaitedHeaders(err) {
			reason = "response_header_timeout"
			message = fmt.Sprintf("no answer within response_header_timeout %s of [transports.%s]", s.chain.headerTimeout, s.chain.transport)
		}
	}
	return &Error{Kind: kind, Class: class, Reason: reason, Stage: stageSend, Message: message, Err: &transportError{err, s.chain.redactor}}
}

// limitError is the failure of a send that one of its own limits ended.
func (s *sender) limitError(reason string, facts traceFacts, err error) *Error {
	e := &Error{Kind: KindTimeout, Class: ClassUnknown, Reason: reason, Stage: stageSend, Err: &transportError{err, s.chain.redactor}}
	if facts.seen && !facts.wroteHeaders {
		e.Class = ClassNotSent
	}
	limit := s.chain.attemptTimeout
	if reason == "body_idle_timeout" {
		limit = s.chain.bodyIdleTimeout
		e.Message = fmt.Sprintf("no byte of the body for body_idle_timeout %s", limit)
		return e
	}
	e.Message = fmt.Sprintf("no answer within attempt_timeout %s", limit)
	return e
}

// checkURL refuses what no transport should see.
func checkURL(u *url.URL) error {
	switch {
	case u.Host == "":
		return errors.New("the request's URL is relative: build it with Pipeline.NewRequest, or give it scheme and host")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("unsupported URL scheme %q: only http and https", u.Scheme)
	}
	return nil
}

// transportError keeps a transport's error for errors.Is and As, and its text free of secrets: a *url.Error of a custom
// transport prints the whole URL.
type transportError struct {
	err      error
	redactor interface{ Text(string) string }
}

func (e *transportError) Error() string { return e.redactor.Text(e.err.Error()) }
func (e *transportError) Unwrap() error { return e.err }

// Format writes what Error returns, whatever the verb.
func (e *transportError) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(e.Error())) }

// sameOrigin reports whether a and b have the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portNumber(a.Port(), a.Scheme) == portNumber(b.Port(), b.Scheme)
}
