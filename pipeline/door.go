package pipeline

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline/credential"
)

// maxErrorBody bounds the body that an *Error keeps of a response.
const maxErrorBody = 64 << 10

// door is where a call enters and leaves: it clones the request once, and makes sure that nothing is left behind.
type door struct {
	pipeline     *Pipeline
	statusErrors bool
}

// RoundTrip implements http.RoundTripper.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	ch := d.pipeline.chain.Load()
	if refusal := ch.admit(req); refusal != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		ch.refused(req, refusal)
		return nil, refusal
	}
	defer ch.leave()
	c := ch.enter(req)
	ctx, span := ch.telemetry.startCall(&c.life, c)
	in := &c.in.req
	if ctx != context.Context(&c.life) {
		in = in.WithContext(ctx)
	}
	resp, err := ch.first.RoundTrip(in)
	if e, ok := err.(*Error); ok && e.call == nil { //nolint:errorlint // the last link's own: this pipeline has no stage that would have stamped it
		err = c.adopt(stageSend, e)
	}
	if err == nil && d.statusErrors {
		resp, err = c.statusError(resp)
	}
	c.finish(in, req, resp, err, span)
	return resp, err
}

// admit refuses what cannot enter; nil lets it in.
func (ch *chain) admit(req *http.Request) *Error {
	refuse := func(reason, message string) *Error {
		return &Error{Kind: KindPolicy, Class: ClassTerminal, Pipeline: ch.name, Reason: reason, Message: message}
	}
	if req.URL == nil {
		return refuse("", "the request has no URL")
	}
	if err := req.Context().Err(); err != nil {
		e := refuse("", "the context had ended before the call began")
		e.Kind, e.Class, e.Reason = classifyError(err, req.Context(), traceFacts{})
		e.Err = err
		return e
	}
	if err := checkURL(req.URL); err != nil {
		return refuse("", err.Error())
	}
	if !ch.begin() {
		return refuse("closed", "the runner is closed")
	}
	return nil
}

// refused makes the call of a request that was not let in, for the stages that hear of every call. Once the runner is closed there
// are none any more.
func (ch *chain) refused(req *http.Request, e *Error) {
	if e.Reason == "closed" || len(ch.observers) == 0 {
		return
	}
	c := &Call{chain: ch, start: time.Now(), opts: optionsOf(req.Context()), result: e}
	c.outcome = verdict{kind: e.Kind, class: e.Class, message: e.Message}
	e.call = c
	ch.ended(req, c, req)
}

// enter makes the call and the door's clone of the request.
func (ch *chain) enter(req *http.Request) *Call {
	ctx := req.Context()
	made := &struct { // in one piece: it is made for every request
		Call
		in entered
	}{}
	c := &made.Call
	c.chain, c.start, c.opts, c.outer, c.in = ch, time.Now(), optionsOf(ctx), CallFrom(ctx), &made.in
	limit := ch.timeout
	if c.opts.timeout > 0 {
		limit = c.opts.timeout
	}
	c.bound = limit
	c.life.parent, c.life.values, c.life.call = ctx, ctx, c
	c.life.deadline, c.life.limit = c.start.Add(limit), "timeout"
	if req.Response != nil {
		c.follow(CallOf(req.Response))
	}
	in := &made.in.req
	*in, made.in.url = *req.WithContext(&c.life), *req.URL
	in.URL, in.Response = &made.in.url, nil
	if in.Header = req.Header.Clone(); in.Header == nil {
		in.Header = make(http.Header)
	}
	if c.prev != nil {
		c.shedCredentials()
	}
	if key := c.opts.idempotencyKey; key != "" && c.in.req.Header.Get("Idempotency-Key") == "" {
		c.in.req.Header.Set("Idempotency-Key", key)
	}
	c.takeBody(req)
	return c
}

// follow goes on where the hop before this one ended: its sends, its start and its deadline. Attempts are counted anew, for a
// redirect is no failure.
func (c *Call) follow(prev *Call) {
	if prev == nil {
		return
	}
	c.prev, c.start = prev, prev.start
	c.life.deadline = prev.start.Add(c.bound)
	c.sends.Store(prev.sends.Load())
	c.resends.Store(prev.resends.Load())
	c.waiting, c.sending = prev.Times()
}

// shedCredentials takes the credentials that the caller itself set off a hop to another origin than the first. http.Client does
// so for Authorization where the domain changes; another port, a subdomain or an X-Api-Key it lets pass.
func (c *Call) shedCredentials() {
	c.trimReferer()
	first := c
	for first.prev != nil {
		first = first.prev
	}
	if first.in != nil && sameOrigin(&first.in.url, &c.in.url) {
		return
	}
	for name := range c.in.req.Header {
		if name != "Cookie" && c.chain.redactor.Hides(name) { // cookies are the jar's, which knows where they may go
			delete(c.in.req.Header, name)
			c.Note(Event{Stage: stageSend, Name: EventSkipped, Reason: "foreign_origin", Text: "the caller's " + name + " does not go to another origin"})
		}
	}
}

// trimReferer leaves of a Referer that leads to another origin only where it came from, as browsers do: http.Client writes the
// whole URL of the hop before, secret parameters too.
func (c *Call) trimReferer() {
	text := c.in.req.Header.Get("Referer")
	if text == "" {
		return
	}
	from, err := url.Parse(text)
	switch {
	case err != nil:
		c.in.req.Header.Del("Referer")
	case !sameOrigin(from, &c.in.url):
		c.in.req.Header.Set("Referer", (&url.URL{Scheme: from.Scheme, Host: from.Host, Path: "/"}).String())
	}
}

// takeBody makes the request's body safe to close twice and, where its length is known and small, to read again.
func (c *Call) takeBody(req *http.Request) {
	if req.Body == nil || req.Body == http.NoBody {
		return
	}
	rc := req.Body
	if req.GetBody == nil {
		s := &bodySource{src: req.Body, keep: req.ContentLength > 0 && req.ContentLength <= c.chain.maxReplayBuffer}
		c.source = s
		reader, _ := s.open()
		rc = reader
		if s.keep {
			c.in.req.GetBody = s.open
		}
	}
	c.body = &requestBody{rc: rc}
	c.in.req.Body = c.body
}

// finish closes what is left over, tells observers, and ends the call's context unless the answer's body still needs it.
func (c *Call) finish(in, req *http.Request, resp *http.Response, err error, span trace.Span) {
	c.mu.Lock()
	observers, body, last := c.onEnd, c.body, c.last
	c.onEnd = nil
	if err != nil {
		c.result = errorOf(err)
		c.outcome = verdict{kind: c.result.Kind, class: c.result.Class, message: c.result.Message, status: c.result.Status}
	} else {
		c.status = resp.StatusCode
		if resp.Request == nil { // a stage made the response up; CallOf and redirects need it
			resp.Request = in
		}
		if c.outcome.status != c.status { // a stage made the response up
			c.outcome = verdict{kind: KindOfStatus(c.status), class: ClassOfStatus(c.status), status: c.status}
		}
	}
	c.mu.Unlock()
	for _, observe := range slices.Backward(observers) {
		observe(c)
	}
	c.chain.ended(in, c, req)
	if body != nil && !body.handed.Load() {
		_ = body.Close()
	}
	if c.source != nil {
		_ = c.source.finish()
	}
	if span != nil {
		c.endSpan(span, err)
	}
	c.dropRewinds()
	c.over.Store(true)
	if err != nil {
		for s := last; s != nil; s = s.prev {
			if s.body.rc != nil {
				_ = s.body.Close()
			}
		}
	}
	if err == nil && last == nil && resp.Body != http.NoBody {
		return // a stage got it elsewhere, and may still read it under the call's context
	}
	c.settle()
}

// settle ends the call's context once RoundTrip has returned and no answer is being read any more.
func (c *Call) settle() {
	if !c.over.Load() {
		return
	}
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	for s := last; s != nil; s = s.prev {
		if s.body.rc != nil && !s.body.ended.Load() {
			return // that body's end settles it
		}
	}
	c.life.release()
}

// statusError turns a response of a 4xx or 5xx kind into an *Error that holds all there is to know of it.
func (c *Call) statusError(resp *http.Response) (*http.Response, error) {
	c.mu.Lock()
	v := c.outcome
	c.mu.Unlock()
	if v.status != resp.StatusCode {
		v = verdict{kind: KindOfStatus(resp.StatusCode), class: ClassOfStatus(resp.StatusCode)}
	}
	if v.kind == "" || resp.StatusCode < 400 {
		return resp, nil
	}
	e := &Error{
		Kind: v.kind, Class: v.class, Message: v.message, Status: resp.StatusCode, Header: resp.Header, ProblemType: v.problem,
		Reason: c.StopReason(), RetryAfter: credential.RetryAfter(resp.Header, time.Now()),
	}
	if e.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody+1))
	_ = resp.Body.Close()
	if err != nil {
		e.Truncated = true
		e.Message += fmt.Sprintf(" (%v)", errorOf(err).Message)
	}
	if len(body) > maxErrorBody {
		body, e.Truncated = body[:maxErrorBody], true
	}
	e.Body = body
	return nil, c.adopt("", e)
}
