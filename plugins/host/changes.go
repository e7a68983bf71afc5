package host

import (
	"errors"
	"slices"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// The bounds of what one frame can do to a call.
const (
	maxAttempts = 64
	maxEvents   = 256
)

// apply makes a plugin's changes to the call.
func (x *exchange) apply(w *wire.Changes) error {
	if w == nil {
		return nil
	}
	g, show := x.inst.grants, x.inst.grants.redactor.Known
	switch {
	case w.GetAttempts() > maxAttempts || len(w.GetEvents()) > maxEvents:
		return x.invalid("told of more attempts or events than there can be")
	case w.GetJudged() != nil && !isOutcome(w.GetJudged().GetKind(), w.GetJudged().GetClass()):
		return x.invalid("judged with a kind or a class that there is not")
	}
	if a := w.GetAttach(); a != nil {
		switch {
		case !g.attaches(a.GetCredential()):
			return x.invalid("attached credential %q, which its grants do not allow", a.GetCredential())
		case a.GetSubject() != "" && !g.subject:
			return x.invalid("chose a subject, and its grants do not let it know any")
		}
	}
	if w.GetSkipCredential() != "" && len(g.Credentials) == 0 {
		return x.invalid("had no credential attached, which its grants do not allow")
	}
	if w.GetRejected() != "" && !g.attaches(w.GetRejected()) {
		return x.invalid("rejected credential %q, which its grants do not allow", w.GetRejected())
	}
	if w.GetIdempotencyKey() != "" || w.GetIdempotent() {
		switch {
		case !g.idempotency:
			return x.invalid(`said that the call may be sent again, which its grants do not allow (request.call "idempotency_key")`)
		case !validValue([]byte(w.GetIdempotencyKey())):
			return x.invalid("made an idempotency key that no header can carry")
		}
	}
	ch := wire.ChangesFrom(w)
	x.reworded(ch.Judged)
	if ch.Stopped != nil {
		reason := show(*ch.Stopped)
		ch.Stopped = &reason
	}
	for i := range ch.Events {
		e := &ch.Events[i]
		e.Name, e.Reason = show(e.Name), show(e.Reason)
	}
	x.call.Apply(&ch, x.st.opts.settings.Stage)
	switch {
	case ch.Credential != "":
		subject := ch.CredentialSubject
		if subject == "" {
			subject = x.call.Subject()
		}
		x.call.UseCredential(ch.Credential, subject)
	case ch.SkipCredential != "":
		x.call.SkipCredential(show(ch.SkipCredential))
	}
	if ch.Rejected != "" {
		x.call.RejectCredential(ch.Rejected)
	}
	return nil
}

// isOutcome reports whether these are words that leat knows; "" is one of both.
func isOutcome(kind, class string) bool {
	return (kind == "" || slices.Contains(pipeline.Kinds(), pipeline.Kind(kind))) && (class == "" || isClass(class))
}

func isClass(class string) bool {
	switch pipeline.Class(class) {
	case pipeline.ClassNotSent, pipeline.ClassRefused, pipeline.ClassUnknown, pipeline.ClassProcessed, pipeline.ClassTerminal:
		return true
	}
	return false
}

// returned makes the error with which the stage itself ends the exchange; ok is false where the plugin must not say so, and err is why.
func (x *exchange) returned(w *wire.Error) (err error, ok bool) { //nolint:revive // the error is what it's about
	var behind error
	told := x.told
	switch {
	case w.GetOfResult():
		if behind = x.err; behind == nil {
			return x.invalid("returned the error of a result that was none"), false
		}
	case w.GetOfBody():
		if x.seen == nil || x.seen.err == nil {
			return x.invalid("returned the error of a body that did not break off"), false
		}
		behind, told = x.seen.err, x.seen.told
	}
	e, failure := x.errorFrom(w)
	if failure != nil {
		return failure, false
	}
	if within := inner(behind); within != nil {
		return x.overlay(behind, within, e, told), true
	}
	if behind != nil {
		e.Err = behind
	}
	x.lend(e)
	return e, true
}

// errorFrom reads an error, whose words must be known.
func (x *exchange) errorFrom(w *wire.Error) (*pipeline.Error, error) {
	if w.GetKind() == "" || !isOutcome(w.GetKind(), w.GetClass()) {
		return nil, x.invalid("returned an error of a kind or a class that there is not")
	}
	show := x.inst.grants.redactor
	e := wire.ErrorFrom(w)
	if len(w.GetHeaders()) > 0 {
		e.Header = wire.HeadersFrom(w.GetHeaders())
	}
	e.Stage, e.Reason, e.Message, e.RetryAfter = "", show.Known(e.Reason), show.Text(e.Message), max(0, e.RetryAfter)
	for i := range e.Violations {
		e.Violations[i] = show.Known(e.Violations[i])
	}
	if e.Class == "" {
		e.Class = pipeline.ClassTerminal
	}
	if e.Status != 0 && (e.Status < 100 || e.Status > 999) {
		return nil, x.invalid("returned an error of status %d", e.Status)
	}
	if w.GetPanic() {
		e.Kind, e.Class = pipeline.KindInternal, pipeline.ClassTerminal
	}
	return e, nil
}

// lend gives an error of a stage what the host has of the response that it speaks of.
func (x *exchange) lend(e *pipeline.Error) {
	if e.Status == 0 || e.Status != x.lastStatus {
		return
	}
	e.Header = x.lastHeader
	if x.seen != nil {
		e.Body = slices.Clone(x.seen.data[:min(len(x.seen.data), attachBytes)])
		e.Truncated = e.Truncated || x.seen.more || x.seen.err != nil || len(x.seen.data) > attachBytes
	}
}

// inner returns the *pipeline.Error that err is or wraps, nil if there is none.
func inner(err error) *pipeline.Error {
	e, _ := errors.AsType[*pipeline.Error](err)
	return e
}

// clockSkew bounds how far the time of a plugin's record or span may be from the host's: beyond it the host's counts.
const clockSkew = 24 * time.Hour

// momentOf reads a time of the plugin's.
func momentOf(nanos int64, now time.Time) time.Time {
	at := time.Unix(0, nanos)
	if d := now.Sub(at); nanos == 0 || d > clockSkew || d < -clockSkew {
		return now
	}
	return at
}
