//go:build linux || darwin

package host

import (
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

func next(e *wire.Edits) *wire.Frame {
	return &wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Edits: e}}}
}

func nextWith(ch *wire.Changes) *wire.Frame {
	return &wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Changes: ch}}}
}

func back(r *wire.Return) *wire.Frame { return &wire.Frame{Kind: &wire.Frame_Return{Return: r}} }

func header(name string, values ...string) *wire.Edits {
	e := &wire.HeaderEdit{Name: name}
	for _, v := range values {
		e.Values = append(e.Values, []byte(v))
	}
	return &wire.Edits{Headers: []*wire.HeaderEdit{e}}
}

// badFrames are what an exchange must not send in its turn, before next and after it.
func badFrames(what string) *wire.Frame {
	text := func(s string) *string { return &s }
	status := uint32(500)
	switch what {
	case "header":
		return next(header("x-forbidden", "1"))
	case "header-removed":
		return next(header("x-id"))
	case "framing":
		return next(header("transfer-encoding", "chunked"))
	case "connection":
		return next(header("connection", "close"))
	case "length":
		return next(header("content-length", "3"))
	case "header-name":
		return next(header("x ok", "1"))
	case "header-value":
		return next(header("x-ok", "a\r\nx-more: b"))
	case "authorization":
		return next(header("authorization", "Bearer stolen"))
	case "method":
		return next(&wire.Edits{Method: text("DELETE")})
	case "method-word":
		return next(&wire.Edits{Method: text("GET /")})
	case "url":
		return next(&wire.Edits{Url: text("http://127.0.0.1:1/")})
	case "url-word":
		return next(&wire.Edits{Url: text("file:///etc/passwd")})
	case "host":
		return next(&wire.Edits{Host: text("evil.example")})
	case "status":
		return next(&wire.Edits{Status: &status})
	case "body":
		return next(&wire.Edits{Body: &wire.Body{Data: []byte("mine"), Length: 4}})
	case "body-long":
		return next(&wire.Edits{Body: &wire.Body{Data: make([]byte, wire.MaxInline+1)}})
	case "body-apart-long":
		return next(&wire.Edits{Body: &wire.Body{Apart: true, Length: 1 << 40}})
	case "attach":
		return nextWith(&wire.Changes{Attach: &wire.Attach{Credential: "another"}})
	case "skip-credential":
		return nextWith(&wire.Changes{SkipCredential: "because"})
	case "rejected":
		return nextWith(&wire.Changes{Rejected: "another"})
	case "attempts":
		return nextWith(&wire.Changes{Attempts: 1 << 30})
	case "events":
		return nextWith(&wire.Changes{Events: make([]*wire.Event, 10000)})
	case "judged":
		return nextWith(&wire.Changes{Judged: &wire.Outcome{Kind: "invented"}})
	case "wait":
		return &wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: -1}}}
	case "wait-long":
		return &wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(1000 * time.Hour)}}}
	case "read":
		return &wire.Frame{Kind: &wire.Frame_Read{Read: &wire.Read{}}}
	case "opened":
		return &wire.Frame{Kind: &wire.Frame_Opened{Opened: &wire.Opened{}}}
	case "host-frame":
		return &wire.Frame{Kind: &wire.Frame_Cancel{Cancel: &wire.Cancel{}}}
	}
	return badReturns(what)
}

// badReturns are ends that an exchange must not have.
func badReturns(what string) *wire.Frame {
	status := uint32(204)
	own := &wire.Response{Status: 200, Body: &wire.Body{Data: []byte("mine"), Length: 4}}
	switch what {
	case "answer":
		return back(&wire.Return{Response: own})
	case "answer-status":
		own.Status = 100
		return back(&wire.Return{Response: own})
	case "answer-framing":
		own.Headers = []*wire.Header{{Name: "transfer-encoding", Value: []byte("chunked")}}
		return back(&wire.Return{Response: own})
	case "both":
		return back(&wire.Return{Response: own, Error: &wire.Error{Kind: "policy"}})
	case "nothing":
		return back(&wire.Return{})
	case "error-kind":
		return back(&wire.Return{Error: &wire.Error{Kind: "invented"}})
	case "error-class":
		return back(&wire.Return{Error: &wire.Error{Kind: "policy", Class: "invented"}})
	case "error-of-result":
		return back(&wire.Return{Error: &wire.Error{Kind: "policy", OfResult: true}})
	case "error-of-body":
		return back(&wire.Return{Error: &wire.Error{Kind: "policy", OfBody: true}})
	case "response-header":
		return back(&wire.Return{Edits: header("x-forbidden", "1")})
	case "response-framing":
		return back(&wire.Return{Edits: header("connection", "close")})
	case "response-length":
		return back(&wire.Return{Edits: header("content-length", "3")})
	case "response-status":
		return back(&wire.Return{Edits: &wire.Edits{Status: &status}})
	case "response-body":
		return back(&wire.Return{Edits: &wire.Edits{Body: &wire.Body{Data: []byte("mine"), Length: 4}}})
	case "response-url":
		url := "http://127.0.0.1:1/"
		return back(&wire.Return{Edits: &wire.Edits{Url: &url}})
	case "return-attach":
		return back(&wire.Return{Changes: &wire.Changes{Attach: &wire.Attach{Credential: "another"}}})
	}
	return nil
}
