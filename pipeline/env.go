package pipeline

import (
	"net/http"

	"github.com/leatdev/leat/pipeline/cond"
)

// RequestEnv is what a condition over a request sees of req as it stands here. It is good until req is changed.
func RequestEnv(req *http.Request) cond.RequestEnv {
	return cond.RequestEnv{Request: cond.RequestOf(req, nil), Call: callEnv(req)}
}

// OutcomeEnv is what a condition over an outcome sees: the request, and the response or error that next gave.
func OutcomeEnv(req *http.Request, resp *http.Response, err error) cond.OutcomeEnv {
	env := cond.OutcomeEnv{Request: cond.RequestOf(req, nil), Call: callEnv(req)}
	if err == nil {
		env.Response = cond.ResponseOf(resp)
	}
	o := OutcomeOf(req, resp, err)
	env.Error = cond.Failure{Kind: string(o.Kind), Class: string(o.Class)}
	if o.Err != nil {
		env.Error.Message, env.Error.Stage = o.Err.Message, o.Err.Stage
	} else if c := CallFrom(req.Context()); o.Kind != "" {
		env.Error.Message = c.Message()
	}
	return env
}

// BodyEnv is what a condition over a body sees; body is decoded JSON, or nil.
func BodyEnv(req *http.Request, resp *http.Response, body any) cond.BodyEnv {
	o := OutcomeEnv(req, resp, nil)
	return cond.BodyEnv{Request: o.Request, Call: o.Call, Response: o.Response, Error: o.Error, Body: body}
}

func callEnv(req *http.Request) cond.Call {
	c := CallFrom(req.Context())
	if c == nil {
		return cond.Call{Idempotent: IsIdempotent(req)}
	}
	return cond.Call{
		Pipeline: c.Pipeline(), Subject: c.Subject(), Operation: c.Operation(), Attempt: c.Attempts(), Sends: c.Sends(), Elapsed: c.Elapsed(),
		Idempotent: IsIdempotent(req), Label: c.Label,
	}
}

// IsIdempotent reports whether sending req twice does no more than sending it once: by its method (RFC 9110 §9.2.2, and QUERY),
// by an Idempotency-Key or X-Idempotency-Key header, or because the caller or a stage said so ([Call.MarkIdempotent]).
func IsIdempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete, "QUERY":
		return true
	}
	if req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != "" {
		return true
	}
	return CallFrom(req.Context()).MarkedIdempotent()
}
