package wire

import (
	"fmt"

	"github.com/leatdev/leat/pipeline"
)

// NeedsTo writes needs for the wire.
func NeedsTo(n pipeline.Needs) *Needs {
	out := &Needs{
		Request: &RequestNeeds{
			Headers: n.Request.Headers, Query: n.Request.Query, Body: modeTo(n.Request.Body), BodyLimit: uint64(n.Request.Limit()), //nolint:gosec // positive
			Edit: n.Request.Edit, Call: n.Request.Call,
		},
		Answer: n.Answer, Retry: n.Retry, Calls: n.Calls, Credentials: n.Credentials,
	}
	if r := n.Response; r != nil {
		out.Response = &ResponseNeeds{Headers: r.Headers, Body: modeTo(r.Body), BodyLimit: uint64(r.Limit()), Edit: r.Edit} //nolint:gosec // positive
	}
	return out
}

// NeedsFrom reads needs off the wire; those that nobody could have are an error.
func NeedsFrom(n *Needs) (pipeline.Needs, error) {
	r := n.GetRequest()
	out := pipeline.Needs{
		Request: pipeline.RequestNeeds{Headers: r.GetHeaders(), Query: r.GetQuery(), Edit: r.GetEdit(), Call: r.GetCall()},
		Answer:  n.GetAnswer(), Retry: n.GetRetry(), Calls: n.GetCalls(), Credentials: n.GetCredentials(),
	}
	var err error
	if out.Request.Body, err = modeFrom(r.GetBody()); err != nil {
		return out, err
	}
	if out.Request.BodyLimit, err = limitFrom(r.GetBodyLimit()); err != nil {
		return out, err
	}
	if r := n.GetResponse(); r != nil {
		out.Response = &pipeline.ResponseNeeds{Headers: r.GetHeaders(), Edit: r.GetEdit()}
		if out.Response.Body, err = modeFrom(r.GetBody()); err != nil {
			return out, err
		}
		if out.Response.BodyLimit, err = limitFrom(r.GetBodyLimit()); err != nil {
			return out, err
		}
	}
	return out, out.Validate()
}

func modeTo(m pipeline.BodyMode) BodyMode {
	switch m {
	case pipeline.BodyDigest:
		return BodyMode_DIGEST
	case pipeline.BodyFull:
		return BodyMode_FULL
	}
	return BodyMode_NONE
}

func modeFrom(m BodyMode) (pipeline.BodyMode, error) {
	switch m {
	case BodyMode_NONE:
		return pipeline.BodyNone, nil
	case BodyMode_DIGEST:
		return pipeline.BodyDigest, nil
	case BodyMode_FULL:
		return pipeline.BodyFull, nil
	}
	return "", fmt.Errorf("body mode %d is not known to this version of leat", m)
}

// maxLimit bounds the bodies that a plugin can ask for.
const maxLimit = 1 << 30

func limitFrom(n uint64) (pipeline.Size, error) {
	if n > maxLimit {
		return 0, fmt.Errorf("a body_limit of %d bytes is more than the 1 GiB that can be asked for", n)
	}
	return pipeline.Size(n), nil
}
