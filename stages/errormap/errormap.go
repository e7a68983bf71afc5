// Package errormap is the stage "error-map": it says of what kind a failed outcome is and, in a line for people, what the server
// said about it. Responses stay responses; the pipeline's door delivers the kind.
//
// Without a rule the default table holds: 401 unauthorized, 403 forbidden, 404 and 410 not_found, 409 and 412 conflict, 408 and
// 504 timeout, 429 rate_limited, other 4xx client, other 5xx server.
package errormap

import (
	"errors"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/redact"
)

// Config is what a table of use "error-map" holds.
type Config struct {
	// Rules give outcomes another kind, message or retryability than the default table. They are asked in order; the first that
	// matches holds. Default: none.
	Rules []Rule `toml:"rules"`
}

// Rule is one entry of rules. It must say what to match, and at least one thing about it.
type Rule struct {
	// Match is the condition on the outcome, a response of any status or an error, as in 'response.status == 402' or
	// 'error.kind == "timeout"'.
	Match cond.OnOutcome `toml:"match"`
	// Kind is what the outcome is called, as in "rate_limited". Default: the kind that it has by the default table, or that the
	// error has. A kind on a response below 400 shows in the log and to those who ask the call; the response is delivered all the
	// same.
	Kind pipeline.Kind `toml:"kind"`
	// Message takes the place of what the server said, literally. Default: what the answer's body says.
	Message string `toml:"message"`
	// Retryable says whether sending again may help. true: a request that may be sent twice (idempotent by method, key or option)
	// is sent again, any other only where it is known that nothing was done. false: nothing is sent again. Default: as the status
	// or the error has it.
	Retryable *bool `toml:"retryable"`
}

// Validate refuses a rule without a condition, and one that says nothing.
func (c Config) Validate() error {
	var errs []error
	for i, r := range c.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		switch {
		case r.Match.IsZero():
			errs = append(errs, &pipeline.ConfigError{Path: at, Message: "the rule has no match", Advice: `match = 'response.status == 402'`})
		case r.Kind == "" && r.Message == "" && r.Retryable == nil:
			errs = append(errs, &pipeline.ConfigError{Path: at, Message: "the rule says nothing of what it matches", Advice: "give it kind, message or retryable"})
		}
	}
	return errors.Join(errs...)
}

// Defaults returns the config of a table without keys: the default table alone.
func Defaults() Config { return Config{} }

// Factory makes stages of type "error-map".
func Factory() pipeline.Factory {
	return pipeline.Define("error-map", Defaults(), New).WithNeeds(mostNeeds())
}

// Stage names outcomes. Make it with [New].
type Stage struct {
	name     string
	rules    []Rule
	redactor *redact.Redactor
}

// New makes the stage. It fails if the config is not valid.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Stage{name: s.Stage, rules: c.Rules, redactor: s.Redact()}, nil
}

// Do passes the request on and judges what comes back. The body of a response that is read for its message can be read again, from
// its first byte to its end.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	if err == nil && resp.StatusCode < 400 && len(s.rules) == 0 {
		return resp, nil
	}
	rule, condErr := s.rule(req, resp, err)
	if condErr != nil {
		if err != nil {
			return nil, err // the failure itself says more than the rule that could not judge it
		}
		pipeline.Drop(resp)
		return nil, pipeline.Errorf(pipeline.KindPolicy, "%w", condErr)
	}
	if err != nil {
		return nil, s.mapError(req, err, rule)
	}
	s.mapResponse(req, resp, rule)
	return resp, nil
}

// rule returns the first rule that matches, or nil.
func (s *Stage) rule(req *http.Request, resp *http.Response, err error) (*Rule, error) {
	if len(s.rules) == 0 {
		return nil, nil
	}
	env := pipeline.OutcomeEnv(req, resp, err)
	for i := range s.rules {
		on, err := s.rules[i].Match.Eval(env)
		if err != nil {
			return nil, fmt.Errorf("rules[%d].match: %w", i, err)
		}
		if on {
			return &s.rules[i], nil
		}
	}
	return nil, nil
}

// mapResponse notes on the call what the response is; the response is passed on as it is.
func (s *Stage) mapResponse(req *http.Request, resp *http.Response, rule *Rule) {
	call := pipeline.CallFrom(req.Context())
	o := pipeline.OutcomeOf(req, resp, nil)
	message, problem := call.Message(), call.ProblemType()
	if resp.StatusCode >= 400 && (message == "" || problem == "") {
		said, typ := s.said(req, resp)
		if message == "" { // else a stage further in has spoken: refresh, or another one of this type
			message = said
		}
		if problem == "" {
			problem = typ
		}
	}
	if rule != nil {
		o.Kind, o.Class, message = rule.apply(o.Kind, o.Class, message, pipeline.ClassProcessed)
	}
	if rule == nil && message == "" && problem == "" {
		return
	}
	call.Judge(o.Kind, o.Class, message, problem)
	s.note(req, call, pipeline.Event{Status: resp.StatusCode, Reason: string(o.Kind), Text: message})
}

// mapError returns err with what the rule says of it.
func (s *Stage) mapError(req *http.Request, err error, rule *Rule) error {
	if rule == nil {
		return err
	}
	call := pipeline.CallFrom(req.Context())
	e, own := annotatable(req, err, call)
	e.Kind, e.Class, e.Message = rule.apply(e.Kind, e.Class, e.Message, pipeline.ClassTerminal)
	call.Judge(e.Kind, e.Class, e.Message, e.ProblemType)
	s.note(req, call, pipeline.Event{Status: e.Status, Reason: string(e.Kind), Text: e.Message})
	if own {
		return err
	}
	return e
}

// annotatable returns the *Error of err. own says that it is this call's already and stands within err: it may be written to. An
// error that many callers may share is copied.
func annotatable(req *http.Request, err error, call *pipeline.Call) (e *pipeline.Error, own bool) {
	found, ok := errors.AsType[*pipeline.Error](err)
	if ok && call != nil && found.Call() == call {
		return found, true
	}
	e = pipeline.OutcomeOf(req, nil, err).Err
	if ok {
		fresh := *e
		e = &fresh
	}
	if error(found) != err { //nolint:errorlint // is it itself the error, or within it?
		e.Err = err
	}
	return e, false
}

// apply returns what holds of an outcome once the rule has spoken. never is the class of what must not be sent again.
func (r *Rule) apply(kind pipeline.Kind, class pipeline.Class, message string, never pipeline.Class) (pipeline.Kind, pipeline.Class, string) {
	if r.Kind != "" {
		kind = r.Kind
	}
	if r.Message != "" {
		message = r.Message
	}
	switch {
	case r.Retryable == nil:
	case !*r.Retryable:
		class = never
	case class != pipeline.ClassNotSent && class != pipeline.ClassRefused: // those allow more than "unknown" does
		class = pipeline.ClassUnknown
	}
	return kind, class, message
}

func (s *Stage) note(req *http.Request, call *pipeline.Call, e pipeline.Event) {
	e.Stage, e.Name = s.name, pipeline.EventMapped
	call.Note(e)
	if span := trace.SpanFromContext(req.Context()); span.IsRecording() {
		span.SetAttributes(attribute.String("leat.error.kind", e.Reason))
	}
}
