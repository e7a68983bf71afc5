package host

import (
	"net/http"
	"strconv"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// answer makes the plugin's own response.
func (x *exchange) answer(w *wire.Response) (*http.Response, error) {
	if !isStatus(w.GetStatus()) {
		return nil, x.invalid("answered with status %d", w.GetStatus())
	}
	limit := x.inst.grants.Request.Limit()
	if r := x.inst.grants.Response; r != nil {
		limit = r.Limit()
	}
	body, err := x.content(w.GetBody(), limit)
	if err != nil {
		return nil, err
	}
	header := make(http.Header, len(w.GetHeaders())+1)
	for _, h := range w.GetHeaders() {
		name := x.inst.session.canonical.Get(h.GetName())
		if name == "Content-Length" && isLength([][]byte{h.GetValue()}, len(body.data)) {
			continue // it is set below
		}
		if err := x.header(name, h.GetValue()); err != nil {
			return nil, err
		}
		header[name] = append(header[name], string(h.GetValue()))
	}
	resp := &http.Response{
		StatusCode: int(w.GetStatus()), Status: statusLine(int(w.GetStatus())), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: body.reader(), ContentLength: int64(len(body.data)), Request: x.req,
	}
	if body.err != nil {
		resp.ContentLength = -1
	} else {
		header["Content-Length"] = []string{strconv.Itoa(len(body.data))}
	}
	return resp, nil
}

// responseEdits judges the changes to a response.
func (x *exchange) responseEdits(w *wire.Edits) (e edits, err error) {
	if w == nil {
		return e, nil
	}
	g := x.inst.grants
	if w.Method != nil || w.Url != nil || w.Host != nil {
		return e, x.invalid("changed the request of a response")
	}
	if err := x.headerEdits(&e, w.GetHeaders(), true); err != nil {
		return e, err
	}
	if w.Status != nil {
		switch {
		case !g.status:
			return e, x.outOfGrant("the status", `response.edit ":status"`)
		case !isStatus(w.GetStatus()):
			return e, x.invalid("sent status %d", w.GetStatus())
		}
		e.status = int(w.GetStatus())
	}
	if w.Body != nil {
		switch {
		case !g.respBody:
			return e, x.outOfGrant("the response's body", `response.edit ":body"`)
		case pipeline.IsStream(x.resp):
			return e, x.invalid("changed the body of a stream")
		}
		e.hasBody = true
		if e.body, err = x.content(w.GetBody(), g.Response.Limit()); err != nil {
			return e, err
		}
	}
	if e.hasLength && (!e.hasBody || !isLength(e.length, len(e.body.data))) {
		return e, x.invalid("changed header content-length, which follows the body")
	}
	return e, nil
}

// isLength reports whether a Content-Length says what is so: none does.
func isLength(values [][]byte, n int) bool {
	return len(values) == 0 || len(values) == 1 && string(values[0]) == strconv.Itoa(n)
}

// applyResponse makes the changes to a response, and returns it.
func (e *edits) applyResponse(resp *http.Response) *http.Response {
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	e.headers(resp.Header)
	if e.status != 0 {
		resp.StatusCode, resp.Status = e.status, statusLine(e.status)
	}
	if e.hasBody {
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		resp.Body = e.body.reader()
		resp.ContentLength, resp.TransferEncoding = int64(len(e.body.data)), nil
		resp.Header["Content-Length"] = []string{strconv.Itoa(len(e.body.data))}
	}
	return resp
}
