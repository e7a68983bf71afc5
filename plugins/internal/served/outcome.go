package served

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// outcome writes what came of the exchange; nil where the host has heard the last of it.
func (x *exchange) outcome(resp *http.Response, ch *pipeline.CallChanges, err error) *wire.Return {
	if x.parted {
		x.checkParted(resp, err)
		return nil
	}
	out := &wire.Return{Changes: changes(ch)}
	if err == nil {
		if err = x.returned(resp, out); err != nil {
			out.Edits, out.Response = nil, nil
		}
	}
	if err != nil {
		out.Error = x.failure(err)
		out.Error.Panic = ch.Panicked
	}
	out.Span, out.Spans = x.tracing.take()
	return out
}

// checkParted tells where a stage that never sees the response did something about it.
func (x *exchange) checkParted(resp *http.Response, err error) {
	var what string
	switch {
	case x.last.resp == nil: // it was not handed on, and the host knows
		return
	case err != nil:
		what = err.Error()
	case resp != x.last.resp:
		what = "it returned a response of its own"
	case resp.StatusCode != 0 || len(resp.Header) > 0:
		what = "it changed the response"
	default:
		return
	}
	x.ss.logs.say(slog.LevelError, "stage did more after next than its needs, which have no response: nothing comes of it", slog.String("stage", x.inst.name),
		slog.String("did", what))
}

// failure writes an error for the host, which keeps the causes of its own.
func (x *exchange) failure(err error) *wire.Error {
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		e = asError(err).(*pipeline.Error) //nolint:errorlint // always one
	}
	w := wire.ErrorTo(e)
	if w.Stage == "" {
		w.Stage = x.inst.name
	}
	w.OfResult = x.last.cause != nil && errors.Is(err, x.last.cause)
	if b := x.last.body; b != nil {
		b.mu.Lock()
		of := b.of
		b.mu.Unlock()
		w.OfBody = of != nil && errors.Is(err, of)
	}
	if w.Kind == "" {
		w.Kind = string(pipeline.KindInternal)
	}
	return w
}

// maxEvents bounds what one frame tells of a call; its record holds no more.
const maxEvents = 64

// changes writes what the stage did to its call since the last frame.
func changes(ch *pipeline.CallChanges) *wire.Changes {
	ch.Events = ch.Events[:min(len(ch.Events), maxEvents)]
	return wire.ChangesTo(ch)
}
