package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline/cond"
)

// stageSend is the name under which the innermost link stamps errors and notes events. No stage may take it.
const stageSend = "send"

// link is one stage in its place. Links are made once, when the chain is; running one allocates nothing while tracing is off.
type link struct {
	chain *chain
	stage Stage
	name  string
	span  string // "stage NAME"
	index int    // in the pipeline's list
	when  cond.When
	next  http.RoundTripper
}

// RoundTrip runs the stage, unless its `when` says no.
func (l *link) RoundTrip(req *http.Request) (*http.Response, error) {
	c := CallFrom(req.Context())
	if c == nil {
		return nil, errLostCall()
	}
	if !l.when.IsZero() {
		on, err := l.when.Eval(RequestEnv(req))
		if err != nil {
			return nil, l.stamp(req.Context(), c, &Error{Kind: KindPolicy, Class: ClassTerminal, Message: "when: " + err.Error(), Err: err})
		}
		if !on {
			c.Note(Event{Stage: l.name, Name: EventSkipped, Reason: "when"})
			l.chain.telemetry.skipped(req.Context(), c, l)
			return l.next.RoundTrip(req)
		}
	}
	c.reach(l.index)
	ctx, span := l.chain.telemetry.startStage(req.Context(), c, l)
	if span != nil {
		req = req.WithContext(ctx)
	}
	resp, err := l.do(req)
	switch {
	case err != nil && resp != nil:
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		resp = nil
	case err == nil && resp == nil:
		err = &Error{Kind: KindInternal, Class: ClassTerminal, Message: "the stage returned neither a response nor an error"}
	case err == nil && resp.Body == nil:
		resp.Body = http.NoBody
	}
	if err != nil {
		err = l.stamp(req.Context(), c, err)
	}
	endStage(span, err)
	return resp, err
}

// errLostCall is the failure of a stage that hands on a request with a context of its own making.
func errLostCall() *Error {
	return &Error{Kind: KindInternal, Class: ClassTerminal, Message: "the stage sent a request whose context does not derive from the one it was given"}
}

// do runs the stage and turns a panic into an error.
func (l *link) do(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		text := l.chain.redactor.Text(fmt.Sprint(p))
		l.chain.logger.LogAttrs(context.WithoutCancel(req.Context()), slog.LevelError, "stage panicked", slog.String("pipeline", l.chain.name),
			slog.String("stage", l.name), slog.String("panic", text), slog.String("stack", l.chain.redactor.Text(string(debug.Stack()))))
		resp, err = nil, &Error{Kind: KindInternal, Class: ClassTerminal, Message: "panic: " + text}
		CallFrom(req.Context()).change(func(ch *CallChanges) { ch.Panicked = true })
	}()
	resp, err = l.stage.Do(req, l.next)
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
		err = &Error{Kind: KindInternal, Class: ClassTerminal, Message: fmt.Sprintf("the stage returned a nil %T as its error", err)}
	}
	return resp, err
}

// stamp makes sure that err is or wraps one *Error of this call that names the innermost stage. It never writes to an error that
// was not made for this call: a value may be shared by many callers.
func (l *link) stamp(ctx context.Context, c *Call, err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e.call != nil && e.call == c:
		return err // stamped further in; a stage may have wrapped it
	case !ok:
		e = &Error{Kind: KindOf(err), Class: ClassTerminal, Message: err.Error(), Err: err}
		if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
			e = Ended(ctx, "the stage worked")
			e.Err = err
		}
		return c.adopt(l.name, e)
	case err == error(e): //nolint:errorlint // the value itself, not one around it
		own := *e
		return c.adopt(l.name, &own)
	}
	own := *e
	own.Message, own.Err = l.chain.redactor.Text(err.Error()), err
	return c.adopt(l.name, &own)
}

// adopt makes e, which nobody else holds yet, this call's.
func (c *Call) adopt(stage string, e *Error) *Error {
	e.call = c
	if e.Stage == "" {
		e.Stage = stage
	}
	if e.Pipeline == "" {
		e.Pipeline = c.Pipeline()
	}
	e.Message, e.ProblemType = c.chain.redactor.Text(e.Message), c.shown(e.ProblemType)
	if len(e.Violations) > 0 {
		own := make([]string, len(e.Violations)) // the list may be another's too
		for i, v := range e.Violations {
			own[i] = c.shown(v)
		}
		e.Violations = own
	}
	for inner, ok := e.Err.(*Error); ok; inner, ok = e.Err.(*Error) { //nolint:errorlint // a second kind would answer to errors.Is
		e.Err = inner.Err
	}
	e.Attempts, e.Sends = c.Attempts(), c.Sends()
	return e
}

func endStage(span trace.Span, err error) {
	if span == nil {
		return
	}
	fail(span, err)
	span.End()
}
