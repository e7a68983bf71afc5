package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"
)

// CallState is what a call knows at a moment, as another process is told it in which a stage of the pipeline runs.
type CallState struct {
	Pipeline       string
	Subject        string
	Operation      string
	Labels         map[string]string // shared: nobody changes it
	IdempotencyKey string
	Serving        []string // names of the headers of the request that is being served
	Idempotent     bool     // the caller or a stage said so
	NoRetry        bool
	SkipAuth       bool
	RetryOwned     bool // a stage further out sends the call again; the one who tells another process knows it
	Observed       bool
	Hop            int // redirects before this call
	Bound          time.Duration

	CallProgress
}

// CallProgress is the part of a [CallState] that changes while the call goes on.
type CallProgress struct {
	Attempts         int
	Sends            int
	TransportResends int
	Elapsed          time.Duration
	Waiting          time.Duration
	Upstream         time.Duration
	Outcome          Judgement
	Status           int // of the outcome
	StopReason       string
	BodySpent        bool   // told by a FarCall's Next alone: the request's body can't be had again
	Ended            string // told by a FarCall: the caller has left, by "canceled", "deadline" or "timeout"
}

// Judgement is what stages make of an outcome; see [Call.Judge].
type Judgement struct {
	Kind        Kind
	Class       Class
	Message     string
	ProblemType string
}

// CallChanges is what a stage did to its call in another process since it last told.
type CallChanges struct {
	Attempts          int // that it has begun
	Judged            *Judgement
	Stopped           *string
	Events            []Event
	IdempotencyKey    string
	Idempotent        bool
	Credential        string // chosen; "" is none
	CredentialSubject string
	SkipCredential    string // why none is to be attached
	Rejected          string // the name of a credential that the upstream refused
	Panicked          bool   // the stage's error was made of a panic
}

// State returns what another process is told of the call.
func (c *Call) State() CallState {
	if c == nil {
		return CallState{}
	}
	s := CallState{
		Pipeline: c.Pipeline(), Subject: c.Subject(), Operation: c.opts.operation, Labels: c.opts.labels, IdempotencyKey: c.IdempotencyKey(),
		Idempotent: c.MarkedIdempotent(), NoRetry: c.opts.noRetry, SkipAuth: c.opts.skipAuth, Observed: c.Observed(), Bound: c.bound,
		CallProgress: c.Progress(),
	}
	if len(c.opts.serving) > 0 {
		s.Serving = slices.Sorted(maps.Keys(c.opts.serving))
	}
	for p := c.prev; p != nil; p = p.prev {
		s.Hop++
	}
	return s
}

// Progress returns the part of the state that changes while the call goes on.
func (c *Call) Progress() CallProgress {
	if c == nil {
		return CallProgress{}
	}
	p := CallProgress{Attempts: c.Attempts(), Sends: c.Sends(), TransportResends: c.TransportResends(), Elapsed: c.Elapsed()}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.Waiting, p.Upstream, p.StopReason, p.Status = c.waiting, c.sending, c.stopped, c.outcome.status
	p.Outcome = Judgement{c.outcome.kind, c.outcome.class, c.outcome.message, c.outcome.problem}
	return p
}

// Apply makes the changes of a stage in another process to the call, but for the credential: who applies them knows what is granted.
// The events are the stage's of that name.
func (c *Call) Apply(ch *CallChanges, stage string) {
	if c == nil {
		return
	}
	for range ch.Attempts {
		c.StartAttempt()
	}
	if j := ch.Judged; j != nil {
		c.Judge(j.Kind, j.Class, j.Message, j.ProblemType)
	}
	if ch.Stopped != nil {
		c.Stopped(*ch.Stopped)
	}
	if ch.IdempotencyKey != "" {
		c.UseIdempotencyKey(ch.IdempotencyKey)
	} else if ch.Idempotent {
		c.MarkIdempotent()
	}
	for _, e := range ch.Events {
		e.Stage = stage
		c.Note(e)
	}
}

// Wait waits for d, or until ctx ends, and returns its error. A stage waits between sends with it, wherever it runs: a stage of another
// process waits on the clock of the pipeline's, where its own timeout does not count.
func (c *Call) Wait(ctx context.Context, d time.Duration) error {
	if c != nil && c.far != nil {
		p, err := c.far.Wait(ctx, d, c.takeChanges())
		if err != nil {
			return err
		}
		c.progress(p)
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// change notes a change for the process in which the call's pipeline runs.
func (c *Call) change(f func(*CallChanges)) {
	if c.far == nil {
		return
	}
	c.mu.Lock()
	f(&c.far.changes)
	c.mu.Unlock()
}

func (c *Call) takeChanges() CallChanges {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.far.changes
	c.far.changes = CallChanges{}
	return ch
}

// progress takes over what the other process tells, and returns how many sends are new.
func (c *Call) progress(p CallProgress) (sends int) {
	c.attempts.Store(int32(p.Attempts))                 //nolint:gosec // small counts
	sends = p.Sends - int(c.sends.Swap(int32(p.Sends))) //nolint:gosec // small counts
	c.resends.Store(int32(p.TransportResends))          //nolint:gosec // small counts
	o := p.Outcome
	c.mu.Lock()
	c.waiting, c.sending, c.stopped = p.Waiting, p.Upstream, p.StopReason
	c.outcome = verdict{kind: o.Kind, class: o.Class, message: o.Message, problem: o.ProblemType, status: p.Status}
	c.mu.Unlock()
	switch p.Ended {
	case "canceled":
		c.life.end(context.Canceled, "")
	case "deadline":
		c.life.end(context.DeadlineExceeded, "")
	case "timeout":
		c.life.end(context.DeadlineExceeded, "timeout")
	}
	return sends
}
