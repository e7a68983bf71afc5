// Package refresh is the stage that gets a new token when the server refuses the one that was sent, once for all calls that
// wait for it, and then sends each of them again, once.
package refresh

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/redact"
)

// Config configures type "refresh". After a 401 to a send that carried a credential, the token is renewed, by one token request
// for all calls that wait, and the call is sent again with the new one: through every stage further in, at most once a call,
// whatever its method, because a server that answers 401 did not process the request.
//
// Where that can't be, the answer is returned as it came, and the call, its log record and its span say why: "not_attached"
// (it carried no credential of ours), "already_replayed", "body" (it can't be read again; the token is renewed for later calls),
// "unsafe_method" (a custom condition took a 5xx for a refusal, which a POST may have survived),
// "no_newer_token" (the source has none but the refused one), "refresh_failed", "insufficient_scope" (a 403 that RFC 6750 says
// no new token cures). A wait for the token is bounded by the call's own deadline.
type Config struct {
	// On is a condition over the answer: those for which it holds say that the token is bad. Errors are never asked about.
	// Default: response.status == 401.
	On cond.OnOutcome `toml:"on"`
}

// Defaults returns the config of a stage without a table.
func Defaults() Config { return Config{} }

// Factory makes the stages of type "refresh".
func Factory() pipeline.Factory { return pipeline.Define("refresh", Defaults(), New) }

// Stage renews the token and replays the call.
type Stage struct {
	name     string
	on       cond.OnOutcome
	redactor *redact.Redactor
}

// New makes the stage.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	stage := &Stage{name: s.Stage, on: c.On, redactor: s.Redact()}
	if stage.name == "" {
		stage.name = "refresh"
	}
	return stage, nil
}

// Do sends the request, and once more where a new token may help.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	ctx, safe := req.Context(), pipeline.IsIdempotent(req) // before stages further in change req
	replay := pipeline.Replay(req)
	attempt, err := replay.Next()
	for err == nil {
		var resp *http.Response
		if resp, err = next.RoundTrip(attempt); err != nil {
			break
		}
		due, failure := s.due(attempt, resp)
		if failure != nil {
			pipeline.Drop(resp)
			return nil, pipeline.Errorf(pipeline.KindPolicy, "on: %w", failure)
		}
		if !due {
			return resp, nil
		}
		outcome := pipeline.OutcomeOf(attempt, resp, nil)
		unsafe := !safe && outcome.Class == pipeline.ClassUnknown
		if attempt, err = s.again(ctx, resp, outcome, replay, unsafe); attempt == nil && err == nil {
			return resp, nil
		}
		pipeline.Drop(resp)
	}
	return nil, err
}

func (s *Stage) due(req *http.Request, resp *http.Response) (bool, error) {
	if s.on.IsZero() {
		return resp.StatusCode == http.StatusUnauthorized, nil
	}
	return s.on.Eval(pipeline.OutcomeEnv(req, resp, nil))
}

// again acts on an answer that refused the token. It returns the request to send next, or nil if the answer is the call's; an
// error means that the call is over, because its context is.
func (s *Stage) again(ctx context.Context, resp *http.Response, outcome pipeline.Outcome, replay *pipeline.Rewinder, unsafe bool) (*http.Request, error) {
	call := pipeline.CallFrom(ctx)
	sent := call.Attached()
	facts := Facts{
		Attached: sent.Session != nil, Sent: sent.Generation, Replayed: call.Replayed(), Replayable: replay.Again(), Unsafe: unsafe, Scope: lacksScope(resp),
	}
	if facts.Attached {
		if now := sent.Session.Peek(); now != nil {
			facts.Current = now.Generation()
		}
	}
	step, reason := Decide(facts)
	if step != StepReturn {
		sent.Session.Reject(sent.Generation)
	}
	if reason != "" {
		if step == StepBackground {
			sent.Session.Renew()
		}
		s.refuse(ctx, resp, reason, explain(reason, sent))
		return nil, nil
	}
	if err := hold(resp); err != nil && ctx.Err() != nil {
		return nil, gaveUp(ctx, err)
	}
	began := time.Now()
	fresh, err := sent.Session.Acquire(ctx)
	waited := time.Since(began)
	call.Waited(waited)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, gaveUp(ctx, err)
	case err != nil:
		s.failed(ctx, resp, outcome, err)
		return nil, nil
	case sent.Carried(fresh): // a token from a file or a variable is read again, and stays what it is until somebody changes it
		reason = "no_newer_token"
	case !call.MarkReplayed():
		reason = "already_replayed" // by a copy of the request that was sent at the same time
	}
	if reason == "" {
		if next, err := replay.Next(); err == nil {
			s.replayed(ctx, resp, sent, step, waited)
			return next, nil
		}
		reason = "body"
	}
	s.refuse(ctx, resp, reason, explain(reason, sent))
	return nil, nil
}

// replayed notes that the call is sent again.
func (s *Stage) replayed(ctx context.Context, resp *http.Response, sent pipeline.Attachment, step Step, waited time.Duration) {
	call := pipeline.CallFrom(ctx)
	text := fmt.Sprintf("%d, %s: got a new token, sending again", resp.StatusCode, sent.Session.Name())
	if step == StepReplay {
		text = fmt.Sprintf("%d, %s: a newer token was there already, sending again", resp.StatusCode, sent.Session.Name())
	}
	call.Stopped("") // whatever retry said of the answer, it was not the end
	call.Note(pipeline.Event{Stage: s.name, Name: pipeline.EventReplay, Status: resp.StatusCode, Duration: waited, Text: text})
	mark(ctx, "replayed")
}

// refuse notes why the answer is returned as it is.
func (s *Stage) refuse(ctx context.Context, resp *http.Response, reason, text string) {
	call := pipeline.CallFrom(ctx)
	call.Stopped(reason)
	call.Note(pipeline.Event{Stage: s.name, Name: pipeline.EventRefused, Status: resp.StatusCode, Reason: reason, Text: text})
	mark(ctx, reason)
}

// failed notes on the call why no new token came; the answer stays what it is, for an SDK knows what a 401 means.
func (s *Stage) failed(ctx context.Context, resp *http.Response, outcome pipeline.Outcome, cause error) {
	call := pipeline.CallFrom(ctx)
	text := s.redactor.Text("no new token: " + cause.Error())
	s.refuse(ctx, resp, "refresh_failed", text)
	kind := outcome.Kind
	if kind == "" {
		kind = pipeline.KindUnauthorized
	}
	if message := call.Message(); message != "" {
		text = message + "; " + text
	}
	call.Judge(kind, "", text, call.ProblemType())
}

func explain(reason string, sent pipeline.Attachment) string {
	name := ""
	if sent.Session != nil {
		name = sent.Session.Name()
	}
	switch reason {
	case "not_attached":
		if sent.Skipped != "" {
			return "the send carried no credential of ours (" + sent.Skipped + ")"
		}
		return "the send carried no credential of ours"
	case "already_replayed":
		return name + ": refused again after the call's one replay"
	case "unsafe_method":
		return name + ": the request may have been processed; the token is renewed for later calls"
	case "body":
		return name + ": the request body can't be read again; the token is renewed for later calls"
	case "no_newer_token":
		return name + ": its source has no other token than the refused one"
	}
	return name + ": the token lacks a scope; a new one would too"
}

// lacksScope reports whether a 403 says that the token is good, but not for this (RFC 6750 §3.1).
func lacksScope(resp *http.Response) bool {
	if resp.StatusCode != http.StatusForbidden {
		return false
	}
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if hasError(challenge, "insufficient_scope") {
			return true
		}
	}
	return false
}

// gaveUp is the end of a call whose context ended while it waited for a token.
func gaveUp(ctx context.Context, cause error) *pipeline.Error {
	e := pipeline.Ended(ctx, "the call waited for a new token")
	e.Err = cause
	return e
}

func mark(ctx context.Context, what string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(attribute.String("leat.refresh", what))
	}
}
