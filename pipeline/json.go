package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// stageJSON is the name under which the JSON helpers stamp errors: they stand outside every stage.
const stageJSON = "json"

// maxJSON bounds the answer that the JSON helpers read.
const maxJSON = 64 << 20

// Get requests ref, resolved as [Pipeline.NewRequest] does, and decodes the answer as [Do] does.
func Get[T any](ctx context.Context, p *Pipeline, ref string) (T, error) {
	return Send[T](ctx, p, http.MethodGet, ref, nil)
}

// Send requests ref, resolved as [Pipeline.NewRequest] does, and decodes the answer as [Do] does. A nil body sends none; an
// [io.Reader], []byte or [json.RawMessage] is sent as it is; everything else, a string too, is marshalled to JSON. All but a
// reader of an unknown type can be sent again by retry, refresh and redirects. Content-Type is application/json; for another,
// use [Do]. A body that can't be marshalled is an error of kind policy.
func Send[T any](ctx context.Context, p *Pipeline, method, ref string, body any) (T, error) {
	var none T
	reader, err := jsonBody(body)
	if err != nil {
		return none, &Error{Kind: KindPolicy, Class: ClassTerminal, Pipeline: p.Name(), Stage: stageJSON, Message: "marshal the body: " + err.Error(), Err: err}
	}
	req, err := p.NewRequest(ctx, method, ref, reader)
	if err != nil {
		closeReader(reader)
		return none, errorOf(err)
	}
	return Do[T](p, req)
}

// Do sends req and decodes the JSON of the answer into a T. Redirects are followed as by [Pipeline.Client]; req is not changed,
// its body is closed. Accept, and with a body Content-Type, are application/json unless req has them.
//
// Every error is an *[Error] itself, never a *url.Error, which would print the URL with its query:
//   - a 4xx or 5xx kind, as [StatusErrors] makes it;
//   - parse: the answer is declared as something other than JSON (a login page), is malformed, or goes on after its end. The
//     beginning is in Error.Body;
//   - validation: it is JSON, but no T; where the field is known, Violations names it;
//   - policy: the answer is larger than 64 MiB, or a redirect that can't be followed because the request's body can't be sent
//     again;
//   - network or timeout: it broke off.
//
// 204, 205, 304, HEAD and empty bodies give the zero T. T = struct{} ignores the body, whatever it is; T = json.RawMessage keeps
// it as it came. A number decoded into an any is a [json.Number], so that no digit is lost. JSON in a text/plain body, or in one
// without a type, is decoded as well.
func Do[T any](p *Pipeline, req *http.Request) (T, error) {
	var out T
	resp, err := p.Client(StatusErrors()).Do(withJSONHeaders(req)) //nolint:gosec // the caller chose the URL
	if err != nil {
		return out, p.clientError(err)
	}
	defer resp.Body.Close()
	if _, ignore := any(out).(struct{}); ignore || bodiless(resp) {
		if err := unfollowed(resp); err != nil {
			return out, err
		}
		if ignore {
			Drop(resp)
		}
		return out, nil
	}
	data, err := readJSON(resp)
	if err != nil || len(data) == 0 {
		return out, err
	}
	if err := decodeJSON(resp, data, &out); err != nil {
		var none T // out may be half filled
		return none, err
	}
	return out, nil
}

// jsonBody makes a reader that http.NewRequest can rewind wherever that is possible.
func jsonBody(body any) (io.Reader, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil //nolint:nilnil // no body, no reader
	case io.Reader:
		return b, nil
	case []byte:
		return bytes.NewReader(b), nil
	case json.RawMessage:
		return bytes.NewReader(b), nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(data), nil
}

// withJSONHeaders returns req, or a copy of it with what it lacks.
func withJSONHeaders(req *http.Request) *http.Request {
	accept := len(req.Header["Accept"]) == 0
	kind := req.Body != nil && req.Body != http.NoBody && len(req.Header["Content-Type"]) == 0
	if !accept && !kind {
		return req
	}
	req = req.WithContext(req.Context())
	req.Header = req.Header.Clone()
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if accept {
		req.Header.Set("Accept", "application/json")
	}
	if kind {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// clientError returns the *Error in what an http.Client made of it, or makes one: of a redirect that it refused, for example.
func (p *Pipeline) clientError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	redactor := p.chain.Load().redactor
	kind := KindOf(err)
	if kind == KindInternal {
		kind = KindPolicy
	}
	return &Error{
		Kind: kind, Class: ClassTerminal, Pipeline: p.Name(), Stage: stageJSON, Message: redactor.Text(err.Error()), Err: &transportError{err, redactor},
	}
}

// bodiless reports whether the answer has no body by its nature.
func bodiless(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return resp.Request != nil && resp.Request.Method == http.MethodHead
}

// unfollowed is the error of a redirect that http.Client gave up on: what was asked for has not been done.
func unfollowed(resp *http.Response) error {
	if resp.StatusCode/100 != 3 || resp.StatusCode == http.StatusNotModified {
		return nil
	}
	message := "the answer redirects to nowhere"
	if resp.Header.Get("Location") != "" {
		message = "the redirect was not followed: the request's body can't be sent again; give the request a GetBody"
	}
	return jsonError(resp, KindPolicy, nil, "%s", message)
}

// readJSON reads the whole body of an answer that may be JSON.
func readJSON(resp *http.Response) ([]byte, error) {
	if err := unfollowed(resp); err != nil {
		return nil, err
	}
	contentType := resp.Header.Get("Content-Type")
	if IsStream(resp) {
		return nil, jsonError(resp, KindParse, nil, "the answer is a stream, not JSON")
	}
	limit := int64(maxJSON)
	problem := notJSON(contentType, resp.Header.Get("Content-Encoding"))
	if problem != "" {
		limit = maxErrorBody
	}
	var buf bytes.Buffer
	if n := resp.ContentLength; n > 0 {
		buf.Grow(int(min(n, maxErrorBody)) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1))
	data := buf.Bytes()
	switch {
	case err != nil && (problem == "" || len(data) == 0):
		return nil, readFailure(resp, err)
	case len(data) == 0:
		return nil, nil
	case problem != "":
		return nil, jsonError(resp, KindParse, data, "%s", problem)
	case int64(len(data)) > limit:
		e := jsonError(resp, KindPolicy, data, "the answer has more than %s", Size(maxJSON))
		e.Class = ClassTerminal
		return nil, e
	}
	return data, nil
}

// notJSON says why a body can't be decoded, going by its headers; "" if it may be JSON.
func notJSON(contentType, coding string) string {
	media, params, _ := strings.Cut(contentType, ";")
	media, params = strings.ToLower(strings.Trim(media, " \t")), strings.ToLower(params)
	switch {
	case media != "" && media != "application/json" && media != "text/json" && media != "text/plain" && !strings.HasSuffix(media, "+json"):
		return fmt.Sprintf("the answer is %.64q, not JSON", media)
	case strings.Contains(params, "utf-16"), strings.Contains(params, "utf-32"):
		return "the answer is declared as UTF-16 or UTF-32; JSON is UTF-8 (RFC 8259 §8.1)"
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return fmt.Sprintf("the answer is compressed (%.32q): leave Accept-Encoding to net/http, which undoes only its own", coding)
	}
	return ""
}

// readFailure is the error of an answer that broke off.
func readFailure(resp *http.Response, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := jsonError(resp, KindOf(err), nil, "reading the body")
	e.Class, e.Err = ClassUnknown, err
	switch e.Kind {
	case KindInternal:
		e.Kind = KindNetwork
	case KindCanceled:
		e.Class = ClassTerminal
	}
	return e
}

// jsonError makes an error of an answer; body is what was read of it.
func jsonError(resp *http.Response, kind Kind, body []byte, format string, args ...any) *Error {
	e := &Error{Kind: kind, Class: ClassProcessed, Message: fmt.Sprintf(format, args...), Status: resp.StatusCode, Header: resp.Header}
	e.Body, e.Truncated = bytes.Clone(body[:min(len(body), maxErrorBody)]), len(body) > maxErrorBody
	return CallOf(resp).adopt(stageJSON, e)
}

func closeReader(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		_ = c.Close()
	}
}
