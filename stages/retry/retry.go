package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// Factory makes stages of type "retry".
func Factory() pipeline.Factory {
	return pipeline.Define("retry", Defaults(), New).WithNeeds(mostNeeds())
}

// Stage sends a request again where that is safe. It is safe for concurrent use.
type Stage struct {
	config Config
	name   string
	random func() float64 // from [0, 1)
	hosts  *pipeline.Hosts
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
	c.NestedHeader = http.CanonicalHeaderKey(c.NestedHeader)
	stage := &Stage{config: c, name: name, random: random, hosts: s.Hosts()}
	if !c.Budget.Unlimited {
		stage.hosts.Count(c.Budget.Window)
	}
	return stage, nil
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
	target     *url.URL       // of the first attempt
	alone      *pipeline.Host // where it leads, used where there is no call
}

// Do sends req, and sends it again while that is safe and may help. Where it stops, it returns the last outcome: a response with its
// body unread, or the error.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	p := pass{ctx: req.Context(), call: pipeline.CallFrom(req.Context()), target: req.URL}
	if p.call == nil {
		p.start, p.alone = time.Now(), s.hosts.Of(req.URL)
	}
	if !p.call.ClaimRetry() {
		return s.nested(&p, req, next, "")
	}
	defer p.call.ReleaseRetry()
	if s.served(&p, req) {
		return s.nested(&p, req, next, s.config.NestedHeader)
	}
	if err := s.begin(&p, req); err != nil {
		return nil, err
	}
	if err := s.hold(&p, nil); err != nil {
		return nil, err
	}
	for out := req; ; {
		s.number(&p, out)
		resp, err := s.send(&p, out, next)
		o, ruled, broken := s.judge(out, resp, err)
		if broken != nil {
			pipeline.Drop(resp)
			return nil, broken
		}
		if o.Class == pipeline.ClassProcessed {
			return resp, err
		}
		a, by := s.attempt(&p, o, ruled)
		d := s.decide(&p, &a)
		var again *http.Request
		if d.Retry {
			again, err = s.rebuild(&p, &d, err)
		}
		if !d.Retry {
			s.stopped(&p, &a, d, by)
			return resp, annotate(p.call, err, d.Reason)
		}
		s.waits(&p, &a, d, by)
		began := time.Now()
		pipeline.Drop(resp)
		ended := p.call.Wait(p.ctx, d.Delay-time.Since(began))
		p.waited = d.Delay
		p.call.Waited(time.Since(began))
		var failure error
		if ended != nil {
			failure = s.interrupted(&p, &a, o)
		} else {
			failure = s.hold(&p, &o) // another call may have been asked to wait meanwhile
		}
		if failure != nil {
			s.returnToken(&p)
			if again.Body != nil {
				_ = again.Body.Close()
			}
			return nil, failure
		}
		out = again
	}
}

// send makes an attempt. Outside a pipeline no last link counts it.
func (s *Stage) send(p *pass, out *http.Request, next http.RoundTripper) (*http.Response, error) {
	switch {
	case p.call != nil:
	case p.attempts > 1:
		p.alone.Resent()
	default:
		p.alone.Sent()
	}
	resp, err := next.RoundTrip(out)
	p.call.ReturnResend() // where nothing was sent
	return resp, err
}

// nested sends the request once: somebody further out owns the call's retry. In this process that is a stage, which counts the attempts
// and has the last word on the error; by names what says that it is another service.
func (s *Stage) nested(p *pass, req *http.Request, next http.RoundTripper, by string) (*http.Response, error) {
	if err := s.hold(p, nil); err != nil {
		return nil, err
	}
	s.tell(req)
	resp, err := next.RoundTrip(req)
	o := pipeline.OutcomeOf(req, resp, err)
	if o.Kind != "" && o.Class != pipeline.ClassProcessed && o.Class != pipeline.ClassTerminal {
		s.heed(p, o, false, time.Now())
		a := Attempt{Status: o.Status, Class: o.Class, Kind: o.Kind, Attempts: p.call.Attempts()}
		if by == "" {
			s.stoppedBy(p, &a, ReasonNested, "an outer stage sends the call again", "")
			return resp, err
		}
		s.stoppedBy(p, &a, ReasonNested, "the service that called sends it again, "+by+" says", "")
		return resp, annotate(p.call, err, ReasonNested)
	}
	return resp, err
}

// served reports whether the service that called, or that sent the request which is being served, sends it again itself.
func (s *Stage) served(p *pass, req *http.Request) bool {
	if s.config.NestedHeader == "" {
		return false
	}
	return len(req.Header[s.config.NestedHeader]) > 0 || p.call.Serves(s.config.NestedHeader)
}

// tell has the request say that it is sent again where it fails.
func (s *Stage) tell(out *http.Request) {
	if s.config.NestedHeader == "" {
		return
	}
	if out.Header == nil {
		out.Header = make(http.Header, 1)
	}
	out.Header[s.config.NestedHeader] = []string{"1"}
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
	if p.rewind != nil || p.attempts > 1 { // else nothing is sent again
		s.tell(out)
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
	a.Elapsed = s.elapsed(p, now)
	if deadline, ok := p.ctx.Deadline(); ok {
		a.Bounded, a.Remaining = true, deadline.Sub(now)
	}
	if a.Asked, by = s.heed(p, o, ruled, now); o.Err != nil && o.Err.RetryAfter > a.Asked {
		a.Asked, by = o.Err.RetryAfter, retryAfter
	}
	if s.config.HostCooldown {
		if _, left := s.host(p).Cooling(); left > a.Asked {
			a.Asked, by = left, "host cooldown"
		}
	}
	return a, by
}

// heed returns how long the answer asks to wait, and has all calls of the pipeline heed it.
func (s *Stage) heed(p *pass, o pipeline.Outcome, ruled bool, now time.Time) (asked time.Duration, by string) {
	if !ruled && !Heeds(o.Status) {
		return 0, ""
	}
	asked, by = s.config.asked(o.Header, now, ruled || o.Status == http.StatusTooManyRequests)
	if asked > 0 && s.config.HostCooldown && (ruled || cools(o.Status)) {
		heeded := min(asked, s.config.MaxRetryAfter)
		s.host(p).Cool(pipeline.Cooldown{Until: now.Add(heeded), Asked: heeded, Status: o.Status, By: by})
	}
	return asked, by
}

// decide decides, and asks the budget last: a refusal for another reason costs no token.
func (s *Stage) decide(p *pass, a *Attempt) Decision {
	d := decide(&s.config, a)
	if d.Retry && !s.takeToken(p) {
		a.OverBudget = true
		return decide(&s.config, a)
	}
	return d
}

func (s *Stage) takeToken(p *pass) bool {
	if p.call == nil {
		return p.alone.Take(s.config.Budget)
	}
	return p.call.TakeResend(s.host(p), s.config.Budget)
}

func (s *Stage) returnToken(p *pass) {
	if p.call == nil {
		p.alone.Return()
		return
	}
	p.call.ReturnResend()
}

// rebuild makes the request of the next attempt before anything of this one is given up: where it can't be made, the last outcome
// is still there to return.
func (s *Stage) rebuild(p *pass, d *Decision, last error) (*http.Request, error) {
	again, err := p.rewind.Next()
	if err != nil {
		s.returnToken(p)
		*d = Decision{Reason: ReasonBody}
		return nil, last
	}
	return again, nil
}

func (s *Stage) elapsed(p *pass, now time.Time) time.Duration {
	if p.call != nil {
		return p.call.Elapsed()
	}
	return now.Sub(p.start)
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
