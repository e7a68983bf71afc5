package host

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// The classes of failures of a stage with its process, as *pipeline.Error has them in Reason.
const (
	classStart    = "start"         // it could not be started, or the stage not made
	classCrash    = "crash"         // it ended, or its connection did
	classDeadline = "deadline"      // it did not answer within the stage's timeout
	classOverload = "overload"      // too much is under way
	classInvalid  = "invalid_reply" // it answered what it must not
	classDraining = "draining"      // it is about to end
)

// failure makes the error of a failure of a class, before next was called. What the plugin must not answer it will answer again; with
// another failure there may be more luck next time, unless its maker knows better.
func (st *stage) failure(class, format string, args ...any) *pipeline.Error {
	e := pipeline.Errorf(pipeline.KindPlugin, format, args...)
	e.Reason, e.Message = class, st.opts.settings.Redact().Known(e.Message)
	if class != classInvalid {
		e.Class = pipeline.ClassNotSent
	}
	return e
}

// invalid is the failure of a plugin that has sent what it must not; the words complete "plugin NAME …".
func (x *exchange) invalid(format string, args ...any) *pipeline.Error {
	return x.st.failure(classInvalid, "plugin %s "+format, append([]any{x.st.opts.name}, args...)...)
}

// failed ends the exchange with a failure of the plugin: on_failure says what comes of the request. A caller that has left gets the error of
// its context, whatever that says.
func (x *exchange) failed(err error) (*http.Response, error) {
	x.cancel()
	x.failHop(err)
	if x.ctx.Err() != nil {
		last := x.lateError()
		x.forget()
		return nil, last
	}
	e := x.own(err)
	policy := x.st.remote.OnFailure
	if policy.Skip && (x.nexts == 0 || x.resp != nil && !x.dropped || x.err != nil) {
		x.note(pipeline.EventSkipped, e)
		if x.nexts == 0 {
			x.opened = nil
			return x.next.RoundTrip(x.req)
		}
		return x.resp, x.err
	}
	x.note(pipeline.EventFailed, e)
	if policy.Respond != 0 {
		x.forget()
		return madeUp(x.req, policy.Respond), nil
	}
	if e.Class != pipeline.ClassTerminal {
		e.Class = pipeline.ClassNotSent
	}
	if x.nexts > 0 {
		e.Class = pipeline.ClassTerminal
		x.attach(e)
	}
	return nil, e
}

// lateError is the error of a caller who has left: the one that he met within next or as a body was read, for that says where.
func (x *exchange) lateError() error {
	switch {
	case x.late && x.err != nil:
		return x.err
	case x.seen != nil && inner(x.seen.err) != nil:
		return x.seen.err
	}
	return x.st.over(x.ctx)
}

// own returns a copy of err that is this call's alone: the host gives one error to all who wait for a start.
func (x *exchange) own(err error) *pipeline.Error {
	e, ok := err.(*pipeline.Error) //nolint:errorlint // the host's own, never wrapped
	if !ok {
		return x.st.failure(classCrash, "%w", err)
	}
	own := *e
	return &own
}

func (x *exchange) note(event string, e *pipeline.Error) {
	x.call.Note(pipeline.Event{Stage: x.st.opts.settings.Stage, Name: event, Reason: e.Reason, Text: e.Message})
}

// The bounds of what an error keeps of the response behind it.
const (
	attachBytes = 64 << 10
	attachTime  = time.Second
)

// attach has the error of a failure after next carry the response that there was: the upstream has done its work.
func (x *exchange) attach(e *pipeline.Error) {
	resp := x.resp
	if resp == nil || x.dropped {
		if x.err != nil && e.Err == nil {
			e.Err = x.err
		}
		e.Status, e.Header = x.lastStatus, x.lastHeader
		return
	}
	x.resp = nil
	e.Status, e.Header = resp.StatusCode, resp.Header
	if pipeline.IsStream(resp) {
		_ = resp.Body.Close()
		e.Truncated = true
		return
	}
	timer := time.AfterFunc(attachTime, func() { _ = resp.Body.Close() })
	body, err := io.ReadAll(io.LimitReader(resp.Body, attachBytes+1))
	timer.Stop()
	_ = resp.Body.Close()
	e.Truncated = err != nil || len(body) > attachBytes
	e.Body = body[:min(len(body), attachBytes)]
}

// madeUp makes the answer of a stage that failed and whose file names a status.
func madeUp(req *http.Request, status int) *http.Response {
	return &http.Response{
		Status: statusLine(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Length": {"0"}}, Body: io.NopCloser(strings.NewReader("")), Request: req,
	}
}
