package retry

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
)

// waits tells that the call waits now and is then sent again.
func (s *Stage) waits(p *pass, a *Attempt, d Decision, by string) {
	p.call.Stopped("") // an inner stage may have said why it does not
	p.call.Note(pipeline.Event{
		Stage: s.name, Name: pipeline.EventRetry, Status: a.Status, Duration: d.Delay, Reason: string(a.Kind),
		Text: fmt.Sprintf("%s: waits %s (%d of %d)", outcome(a, by), short(d.Delay), a.Attempts+1, s.config.MaxAttempts),
	})
	if span := trace.SpanFromContext(p.ctx); span.IsRecording() {
		span.AddEvent("retry", trace.WithAttributes(
			attribute.Int("leat.attempt", a.Attempts), attribute.String("leat.outcome", what(a)), attribute.Float64("leat.delay", d.Delay.Seconds()),
		))
	}
}

// stopped tells why a failed outcome is not sent again. An outcome that retry has no part in is passed on without a word.
func (s *Stage) stopped(p *pass, a *Attempt, d Decision, by string) {
	if worthTelling(d.Reason) {
		s.stoppedBy(p, a, d.Reason, s.explain(a, d), by)
	}
}

func (s *Stage) stoppedBy(p *pass, a *Attempt, reason, why, by string) {
	p.call.Stopped(reason)
	p.call.Note(pipeline.Event{Stage: s.name, Name: pipeline.EventStopped, Status: a.Status, Reason: reason, Text: outcome(a, by) + ": " + why})
	if span := trace.SpanFromContext(p.ctx); span.IsRecording() {
		span.SetAttributes(attribute.Int("leat.attempts", a.Attempts), attribute.String("leat.retry.reason", reason))
	}
}

func worthTelling(reason string) bool {
	return reason != "" && reason != ReasonProcessed && reason != ReasonTerminal
}

// explain says in a few words why nothing more is sent, and what would change it.
func (s *Stage) explain(a *Attempt, d Decision) string {
	switch d.Reason {
	case ReasonCanceled:
		return "the caller gave up"
	case ReasonDeadline:
		return "the deadline has passed"
	case ReasonMaxAttempts:
		return fmt.Sprintf("not sent again after attempt %d of %d", a.Attempts, s.config.MaxAttempts)
	case ReasonUnsafeMethod:
		return "it may have been processed and is not safe to send twice without an Idempotency-Key"
	case ReasonDisabled:
		return "the caller asked for no retry"
	case ReasonBody:
		return "the request body can't be read again"
	case ReasonBudget:
		return "the budget of resends to this host is used up"
	case ReasonTooLong:
		return "longer than max_retry_after " + s.config.MaxRetryAfter.String()
	}
	return fmt.Sprintf("no time left for a wait of %s", short(d.Delay))
}

// outcome names the outcome and what the server asks for: "503, Retry-After 1s".
func outcome(a *Attempt, by string) string {
	if by == "" {
		return what(a)
	}
	return what(a) + ", " + by + " " + short(a.Asked)
}

func what(a *Attempt) string {
	if a.Status != 0 {
		return strconv.Itoa(a.Status)
	}
	return string(a.Kind)
}

// short rounds a duration for people, to three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(100 * time.Microsecond)
	}
	return d.String()
}

// annotate gives the error of the last attempt the reason why it was the last. An error that is not known to be this call's own
// is copied first: others may hold it.
func annotate(call *pipeline.Call, err error, reason string) error {
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok || e.Reason != "" || !worthTelling(reason) {
		return err
	}
	if call != nil && e.Call() == call {
		e.Reason = reason
		return err
	}
	own := *e
	own.Reason = reason
	if err != error(e) { //nolint:errorlint // asks whether e is wrapped, not what it is
		own.Err, own.Message = err, err.Error()
	}
	return &own
}

// interrupted is the error of a call whose context ended while it waited: the context's cause, and what is known of the last
// outcome. The beginning of the last answer's body is in the call's record.
func (s *Stage) interrupted(p *pass, a *Attempt, o pipeline.Outcome) error {
	a.Ended = ended(p.ctx)
	e := pipeline.Ended(p.ctx, "it waited to send again")
	e.Status, e.Header, e.Attempts, e.RetryAfter = o.Status, o.Header, a.Attempts, a.Asked
	e.Message += "; the last outcome was " + describe(o)
	s.stopped(p, a, Decision{Reason: a.Ended}, "")
	return e
}

func describe(o pipeline.Outcome) string {
	switch {
	case o.Err != nil && o.Err.Message != "":
		return string(o.Kind) + ": " + o.Err.Message
	case o.Status == 0:
		return string(o.Kind)
	}
	return strconv.Itoa(o.Status) + " " + http.StatusText(o.Status)
}
