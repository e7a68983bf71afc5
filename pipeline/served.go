package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// ServedStages holds the stages that this process runs for pipelines of another one: the package plugins serves them. One belongs to one
// connection: its stages share state as those of one [Runner] do. Its fields are not changed once Open was called.
type ServedStages struct {
	Logger    *slog.Logger      // of stages whose Settings have none
	Redactor  *redact.Redactor  // nil: a strict one
	Transport http.RoundTripper // for requests of a stage's own; nil: http.DefaultTransport
	Random    func() float64    // draws jitter; nil: math/rand/v2

	state stateStore
}

// ServedStage is one of them. It is safe for concurrent use.
type ServedStage struct {
	chain   *chain
	link    *link
	stage   Stage
	retries bool // it may: so it counts what is sent
}

// FarCall is the call of a served stage as the pipeline's own process has it.
type FarCall interface {
	// Request makes the request that the stage gets, with the context that it has there.
	Request(ctx context.Context) (*http.Request, error)

	// Next hands a request on and returns what came of it, and how the call stands then; ch is what the stage did to the call before. It
	// reads and closes the request's body, unless [BodyBeneath] says that it is the one that Request gave. An error is an *Error that
	// nobody else holds.
	Next(req *http.Request, ch CallChanges) (*http.Response, CallProgress, error)

	// Wait waits there.
	Wait(ctx context.Context, d time.Duration, ch CallChanges) (CallProgress, error)
}

// Open makes the stage that s names, of a config that f.Config has returned.
func (v *ServedStages) Open(f Factory, config any, s Settings) (*ServedStage, error) {
	redactor := v.Redactor
	if redactor == nil {
		redactor = redact.New(redact.Rules{})
	}
	if s.Logger == nil {
		s.Logger = v.Logger
	}
	s.Redactor, s.Random, s.state, s.hosts = redactor, v.Random, &v.state, v.state.hostsOf(s.Pipeline)
	if s.Transport = v.Transport; s.Transport == nil {
		s.Transport = http.DefaultTransport //nolint:forbidigo // as documented
	}
	needs := f.NeedsOf(config)
	stage, err := f.Build(config, s)
	if err != nil {
		return nil, err
	}
	ch := &chain{name: s.Pipeline, redactor: redactor, logger: s.Log(), hosts: s.hosts, telemetry: &telemetry{}, flow: &flow{}, stages: []StageInfo{{s.Stage, f.Type()}}}
	return &ServedStage{chain: ch, stage: stage, retries: needs.Retry, link: &link{chain: ch, stage: stage, name: s.Stage, next: farLink{}}}, nil
}

// Do runs the stage; ctx ends with the call. What the stage did to the call after its last Next or Wait is in the changes. An error is an *Error
// of this stage or of far's, or what Request gave.
func (v *ServedStage) Do(ctx context.Context, state CallState, far FarCall) (*http.Response, CallChanges, error) {
	c := v.call(ctx, state, far)
	req, err := far.Request(&c.life)
	if err != nil {
		c.life.release()
		return nil, CallChanges{}, err
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil { // as at the door: good for another attempt while nothing of it was read
		source := &bodySource{src: req.Body}
		reader, _ := source.open()
		req.Body = c.own(reader)
	}
	resp, err := v.link.RoundTrip(req)
	ch := c.takeChanges()
	c.dropRewinds()
	c.over.Store(true)
	c.life.release()
	return resp, ch, err
}

// CallEnded tells the stage of the end of a call, if it is a [CallObserver]: the status of the call's response or its error.
func (v *ServedStage) CallEnded(ctx context.Context, state CallState, req *http.Request, status int, failure *Error) {
	o, ok := v.stage.(CallObserver)
	if !ok {
		return
	}
	c := v.call(ctx, state, nil)
	c.status, c.result = status, failure
	defer c.life.release()
	o.CallEnded(&c.life, c, req)
}

// Observes reports whether the stage is to be told of the end of every call.
func (v *ServedStage) Observes() bool { _, ok := v.stage.(CallObserver); return ok }

// Close closes the stage, if it can be closed.
func (v *ServedStage) Close() error {
	if c, ok := v.stage.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// call makes the call of a state.
func (v *ServedStage) call(ctx context.Context, s CallState, far FarCall) *Call {
	made := &struct { // in one piece: it is made for every request
		Call
		opts callOptions
		far  farCall
	}{opts: callOptions{
		subject: s.Subject, operation: s.Operation, idempotencyKey: s.IdempotencyKey, idempotent: s.Idempotent, noRetry: s.NoRetry, skipAuth: s.SkipAuth,
		labels: s.Labels,
	}}
	c := &made.Call
	c.chain, c.start, c.bound, c.opts = v.chain, time.Now().Add(-s.Elapsed), s.Bound, &made.opts
	if far != nil {
		c.far = &made.far
		c.far.FarCall, c.far.watched = far, s.Observed
		c.far.counts = v.retries && !s.RetryOwned // one stage of a pipeline: the others see the same sends go by
		c.far.counted.Store(s.Sends > 0)          // before this stage, or by an earlier run of it
	}
	if len(s.Serving) > 0 {
		c.opts.serving = make(map[string]struct{}, len(s.Serving))
		for _, name := range s.Serving {
			c.opts.serving[name] = struct{}{}
		}
	}
	c.life.parent, c.life.values, c.life.call = ctx, ctx, c
	if s.Bound > 0 {
		c.life.deadline, c.life.limit = c.start.Add(s.Bound), "timeout"
	}
	if s.RetryOwned {
		c.outer = &Call{}
		c.outer.retrying.Store(true)
	}
	for at, hop := c, min(s.Hop, 32); hop > 0; hop-- {
		at.prev = &Call{opts: noOptions}
		at = at.prev
	}
	c.progress(s.CallProgress)
	return c
}

// farCall is what a call has whose pipeline runs in another process.
type farCall struct {
	FarCall
	changes CallChanges // since it was told last
	counts  bool        // what is sent there is to be counted for budgets
	counted atomic.Bool // it has sent, there
	watched bool        // in the other process somebody watches the events
}

// farLink is the last link of a served stage: it goes on in the other process.
type farLink struct{}

// RoundTrip hands the request on there.
func (farLink) RoundTrip(req *http.Request) (*http.Response, error) {
	c := CallFrom(req.Context())
	if c == nil || c.far == nil {
		return nil, errLostCall()
	}
	if ctx := req.Context(); ctx != context.Context(&c.life) && ctx.Err() != nil { // of its own end the call hears there
		return nil, Ended(ctx, "the stage worked")
	}
	to := req.URL
	resp, p, err := c.far.Next(req, c.takeChanges())
	c.countFar(to, c.progress(p))
	if p.BodySpent {
		spend(req.Body)
	}
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.call = c
		}
		return nil, err
	}
	resp.Request = req
	return resp, nil
}

// countFar counts for budgets what another process has sent to where the URL leads; see countSend.
func (c *Call) countFar(to *url.URL, sends int) {
	if !c.far.counts || sends <= 0 {
		return
	}
	host, at := c.chain.hosts.Of(to), time.Now()
	for range sends {
		granted, again := c.useGrant(), c.far.counted.Swap(true)
		if granted != nil && granted != host {
			granted.count(at, true, true)
		}
		host.count(at, again || granted != nil, granted == host)
	}
}

// BodyBeneath returns the body beneath those that the framework and, by their method Unwrap, stages have put around it.
func BodyBeneath(rc io.ReadCloser) io.ReadCloser {
	for {
		switch b := rc.(type) {
		case *requestBody:
			rc = b.rc
		case *sourceReader:
			rc = b.s.src
		case interface{ Unwrap() io.ReadCloser }:
			rc = b.Unwrap()
		default:
			return rc
		}
	}
}

// spend notes that the body was read in the other process, so that Again is right.
func spend(rc io.ReadCloser) {
	for {
		switch b := rc.(type) {
		case *requestBody:
			rc = b.rc
		case *sourceReader:
			b.s.mu.Lock()
			b.s.read = true
			b.s.mu.Unlock()
			return
		case interface{ Unwrap() io.ReadCloser }:
			rc = b.Unwrap()
		default:
			return
		}
	}
}
