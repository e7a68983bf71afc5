package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// Factory makes stages of type "retry".
func Factory() pipeline.Factory { return pipeline.Define("retry", Defaults(), New) }

// Stage sends a request again where that is safe. It is safe for concurrent use.
type Stage struct {
	config Config
	name   string
	random func() float64 // from [0, 1)
}

// New makes the stage; a Go program may use it without a file. It fails where the config is wrong.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	name := s.Stage
	if name == "" {
		name = "retry"
	}
	random := s.Random
	if random == nil {
		random = rand.Float64
	}
	return &Stage{config: c, name: name, random: random}, nil
}

// pass is how one run of Do stands.
type pass struct {
	ctx        context.Context
	call       *pipeline.Call // nil outside a pipeline
	start      time.Time      // used where there is no call
	attempts   int
	idempotent bool
	waited     time.Duration // before the present attempt
	rewind     *pipeline.Rewinder
}

// Do sends req, and sends it again while that is safe and may help. Where it stops, it returns the last outcome: a response with its
// body unread, or the error.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	p := pass{ctx: req.Context(), call: pipeline.CallFrom(req.Context())}
	if !p.call.ClaimRetry() {
		return s.nested(&p, req, next)
	}
	defer p.call.ReleaseRetry()
	if err := s.begin(&p, req); err != nil {
		return nil, err
	}
	for out := req; ; {
		s.number(&p, out)
		resp, err := next.RoundTrip(out)
		o, ruled, broken := s.judge(out, resp, err)
		if broken != nil {
			pipeline.Drop(resp)
			return nil, broken
		}
		if o.Class == pipeline.ClassProcessed {
			return resp, err
		}
		a, by := s.attempt(&p, o, ruled)
		d := decide(&s.config, &a)
		var again *http.Request
		if d.Retry {
			again, err = rebuild(&p, &d, err)
		}
		if !d.Retry {
			s.stopped(&p, &a, d, by)
			return resp, annotate(p.call, err, d.Reason)
		}
		s.waits(&p, &a, d, by)
		began := time.Now()
		pipeline.Drop(resp)
		ended := wait(p.ctx, d.Delay-time.Since(began))
		p.waited = d.Delay
		p.call.Waited(time.Since(began))
		if ended != nil {
			if again.Body != nil {
				_ = again.Body.Close()
			}
			return nil, s.interrupted(&p, &a, o)
		}
		out = again
	}
}

// nested sends the request once: an outer stage owns the call's retry, and counts its attempts.
func (s *Stage) nested(p *pass, req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	o := pipeline.OutcomeOf(req, resp, err)
	if o.Kind != "" && o.Class != pipeline.ClassProcessed && o.Class != pipeline.ClassTerminal {
		a := Attempt{Status: o.Status, Class: o.Class, Kind: o.Kind, Attempts: p.call.Attempts()}
		s.stopped(p, &a, Decision{Reason: ReasonNested}, "")
	}
	return resp, err
}

// begin notes what inner stages could change later, and takes what a second attempt would need.
func (s *Stage) begin(p *pass, req *http.Request) error {
	p.idempotent = pipeline.IsIdempotent(req)
	if !p.idempotent && !s.config.Idempotent.IsZero() {
		marked, err := s.config.Idempotent.Eval(pipeline.RequestEnv(req))
		if err != nil {
			return pipeline.Errorf(pipeline.KindPolicy, "idempotent: %w", err)
		}
		p.idempotent = marked
	}
	if p.call == nil {
		p.start = time.Now()
	}
	if p.call.Attempts() > 0 {
		p.call.Stopped("") // a replay or a hop: an earlier reason says nothing of this outcome
	}
	if p.call.RetryDisabled() || p.call.Attempts()+1 >= s.config.MaxAttempts {
		return nil
	}
	p.rewind = pipeline.Replay(req)
	_, err := p.rewind.Next() // the first is req itself
	return err
}

// number counts the attempt that is about to begin.
func (s *Stage) number(p *pass, out *http.Request) {
	p.attempts++
	if n := p.call.StartAttempt(); n > 0 {
		p.attempts = n
	}
	if s.config.AttemptHeader == "" {
		return
	}
	if out.Header == nil {
		out.Header = make(http.Header, 1)
	}
	out.Header.Set(s.config.AttemptHeader, strconv.Itoa(p.attempts))
}

// judge returns the outcome with the rules applied, and whether one was.
func (s *Stage) judge(req *http.Request, resp *http.Response, err error) (o pipeline.Outcome, ruled bool, broken error) {
	o = pipeline.OutcomeOf(req, resp, err)
	if len(s.config.Rules) == 0 {
		return o, false, nil
	}
	env := pipeline.OutcomeEnv(req, resp, err)
	for i, rule := range s.config.Rules {
		match, err := rule.Match.Eval(env)
		if err != nil {
			return o, false, pipeline.Errorf(pipeline.KindPolicy, "rules[%d].match: %w", i, err)
		}
		if match {
			o.Class = rule.Class
			return o, true, nil
		}
	}
	return o, false, nil
}

// attempt puts together what the decision is made from, and names who asked to wait.
func (s *Stage) attempt(p *pass, o pipeline.Outcome, ruled bool) (a Attempt, by string) {
	a = Attempt{
		Status: o.Status, Class: o.Class, Kind: o.Kind, Ended: ended(p.ctx), Attempts: p.attempts, Idempotent: p.idempotent,
		Disabled: p.call.RetryDisabled(), Replayable: p.rewind == nil || p.rewind.Again(),
		Previous: p.waited, Jitter: s.random(), Spread: s.random(),
	}
	now := time.Now()
	if p.call != nil {
		a.Elapsed = p.call.Elapsed()
	} else {
		a.Elapsed = now.Sub(p.start)
	}
	if deadline, ok := p.ctx.Deadline(); ok {
		a.Bounded, a.Remaining = true, deadline.Sub(now)
	}
	if ruled || Heeds(o.Status) {
		a.Asked, by = s.config.asked(o.Header, now, ruled || o.Status == http.StatusTooManyRequests)
	}
	if o.Err != nil && o.Err.RetryAfter > a.Asked {
		a.Asked, by = o.Err.RetryAfter, retryAfter
	}
	return a, by
}

// rebuild makes the request of the next attempt before anything of this one is given up: where it can't be made, the last outcome
// is still there to return.
func rebuild(p *pass, d *Decision, last error) (*http.Request, error) {
	again, err := p.rewind.Next()
	if err != nil {
		*d = Decision{Reason: ReasonBody}
		return nil, last
	}
	return again, nil
}

// wait returns nil after d, or the context's error as soon as that ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// ended tells in a word how ctx ended, "" if it has not.
func ended(ctx context.Context) string {
	switch err := ctx.Err(); {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded):
		return ReasonDeadline
	}
	return ReasonCanceled
}
