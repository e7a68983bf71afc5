package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ask is the request that the kit makes.
type ask struct {
	method string
	text   string // of the body, with the call's id in place of ID; "": none
	once   bool   // the body has no GetBody: it can be read once
	length bool   // its length is known
}

const askedBody = `{"call":"ID","name":"leat","password":"` + canary + `-request-body"}`

// asks are the requests; the first two meet every reply.
func asks() []ask {
	return []ask{
		{method: http.MethodGet},
		{method: http.MethodPut, text: askedBody, length: true},
		{method: http.MethodHead},
		{method: http.MethodDelete},
		{method: http.MethodPost, text: askedBody, length: true},
		{method: http.MethodPut, text: askedBody, length: true, once: true},
		{method: http.MethodPut, text: askedBody, once: true},
	}
}

// String says it in words.
func (a ask) String() string {
	switch {
	case a.text == "":
		return a.method
	case a.once && a.length:
		return a.method + " with a body that has no GetBody"
	case a.once:
		return a.method + " with a body of unknown length"
	}
	return a.method + " with a body"
}

// request makes the caller's request.
func (c *stageCall) request(ctx context.Context) *http.Request {
	req, err := http.NewRequestWithContext(ctx, c.method, origin+"/things/17?call="+c.id, nil)
	if err != nil {
		panic(err) // all of it is the kit's
	}
	req.Header = http.Header{
		"Accept": {"application/json"}, "User-Agent": {"leat-conformance"}, "X-Kit-Call": {c.id}, "X-Kit-Many": {"one", "two"}, "X-Kit-Keep": {"kept"},
	}
	if c.text == "" {
		return req
	}
	text := strings.ReplaceAll(c.text, "ID", c.id)
	open := func() *callerBody { return &callerBody{rest: strings.NewReader(text)} }
	c.body = open()
	req.Body = c.body
	req.Header.Set("Content-Type", "application/json")
	req.Trailer = http.Header{"X-Kit-Trailer": {"kept"}}
	req.ContentLength = -1
	if c.length {
		req.ContentLength = int64(len(text))
	}
	if !c.once {
		req.GetBody = func() (io.ReadCloser, error) { return open(), nil }
	}
	return req
}

// reply is what the upstream does with one send.
type reply struct {
	name    string // what is special about it
	status  int
	header  http.Header
	body    []piece
	unknown bool  // the length is not announced
	err     error // in place of an answer
	stalls  bool  // no answer comes
}

// String says it in words.
func (r reply) String() string {
	if r.status == 0 {
		return r.name
	}
	if r.name == "" {
		return strings.TrimSpace(fmt.Sprint(r.status, " ", http.StatusText(r.status)))
	}
	return fmt.Sprintf("%d (%s)", r.status, r.name)
}

// The answer of a server that is well.
const wellBody = `{"id":17,"call":"ID","name":"leat","token":"` + canary + `-answer"}`

func well() reply {
	return reply{
		status: http.StatusOK, body: []piece{{text: wellBody}},
		header: http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"session=" + canary + "-set-cookie; HttpOnly"}},
	}
}

func fault(status int, contentType, body string, header ...string) reply {
	r := reply{status: status, header: http.Header{"Content-Type": {contentType}}, body: []piece{{text: body}}}
	for pair := range slices.Chunk(header, 2) {
		r.header.Set(pair[0], pair[1])
	}
	return r
}

const (
	jsonType = "application/json"
	problem  = `{"type":"https://example.com/p","title":"no","detail":"not with Bearer ` + canary + `-problem"}`
)

// failures are those that a stage may want to send again after; the first three meet every request.
func failures() []reply {
	return []reply{
		fault(401, jsonType, `{"error":"invalid_token"}`, "WWW-Authenticate", `Bearer error="invalid_token"`),
		fault(503, "application/problem+json", problem, "Retry-After", "2"),
		{name: "connection reset", err: &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}},
		{name: "connection refused", err: &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}},
		{name: "a timeout of the transport", err: &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}},
		{name: "silence", stalls: true},
		fault(429, jsonType, `{"error":"slow down"}`, "Retry-After", "2"),
		fault(500, "text/html", "<h1>Sorry</h1>"),
		{name: "and a body that breaks off", status: 503, header: http.Header{"Content-Type": {jsonType}}, body: []piece{{text: `{"err`}, {err: io.ErrUnexpectedEOF}}},
	}
}

// ends are the other things that can come of a send.
func ends() []reply {
	typed := func(t string) http.Header { return http.Header{"Content-Type": {t}} }
	return []reply{
		well(),
		{name: "without a body", status: 200, header: typed(jsonType)},
		{name: "without a length", status: 200, header: typed("text/plain"), body: []piece{{text: "one, "}, {pause: time.Second, text: "two"}}, unknown: true},
		{name: "200 kB", status: 200, header: typed(jsonType), body: []piece{{text: `{"id":"` + strings.Repeat("x", 200_000) + `"}`}}},
		{name: "malformed JSON", status: 200, header: typed(jsonType), body: []piece{{text: `{"id":17,`}}},
		{name: "JSON, but null", status: 200, header: typed(jsonType), body: []piece{{text: "null"}}},
		{name: "very deep JSON", status: 200, header: typed(jsonType), body: []piece{{text: strings.Repeat("[", 50_000)}}},
		{name: "a body that breaks off", status: 200, header: typed(jsonType), body: []piece{{text: `{"id":17,"na`}, {err: io.ErrUnexpectedEOF}}},
		{name: "a body that stalls", status: 200, header: typed(jsonType), body: []piece{{text: `{"id":17,"na`}, {pause: time.Hour, text: `me":"leat"}`}}},
		{name: "a stream", status: 200, header: typed("text/event-stream"), body: []piece{{text: "data: 1\n\n"}, {pause: streamPause, text: "data: 2\n\n"}}, unknown: true},
		{name: "junk", status: 200, header: http.Header{"Content-Type": {";;/"}, "Content-Encoding": {"gzip"}, "Retry-After": {"-1"}, "Link": {"<"}}, body: []piece{{text: "\xff\x00\xfe"}}},
		{status: 101, header: http.Header{"Upgrade": {"kit"}, "Connection": {"Upgrade"}}, body: []piece{{text: "hello"}}, unknown: true},
		{status: 204, header: http.Header{}},
		fault(206, jsonType, `{"id":`, "Content-Range", "bytes 0-5/20"),
		fault(302, "text/html", "<a>", "Location", "/elsewhere"),
		{status: 304, header: http.Header{}},
		fault(400, jsonType, `{"message":{"no":["text"]}}`),
		fault(401, "text/plain", "who are you?"),
		fault(403, jsonType, `{}`, "WWW-Authenticate", `Bearer error="insufficient_scope"`),
		fault(404, "application/problem+json", problem),
		fault(409, jsonType, `{"error":"conflict"}`),
		fault(429, "", "", "Retry-After", "92233720368547758070"),
		fault(599, jsonType, `[]`, "Retry-After", "Thu, 32 Foo 2026"),
		{name: "an error of no known type", err: errors.New("kit: something else")},
	}
}

// streamPause is what lies between the two events of the stream.
const streamPause = 5 * time.Second

// allSituations are what each rule plays: every reply always, and the failures once before a 200, to a GET and a PUT; the other requests
// with the replies that matter most.
func (k *stageKit) allSituations() []situation {
	var out []situation
	add := func(a ask, replies ...reply) { out = append(out, situation{a, replies}) }
	failing := append(failures(), k.answers...)
	for i, a := range asks() {
		if i > 1 {
			add(a, well())
			for _, r := range failing[:3] {
				add(a, r, well())
			}
			continue
		}
		for _, r := range ends() {
			add(a, r)
		}
		for _, r := range failing {
			add(a, r)
			add(a, r, well())
		}
	}
	return out
}

// upstream is the transport of every pipeline of the kit.
type upstream struct{}

// RoundTrip implements http.RoundTripper. Like net/http's it reads and closes the request's body, and heeds the context.
func (upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ours := req.Context().Value(sendingKey{}).(*sending)
	var sent []byte
	var err error
	if req.Body != nil {
		sent, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	if !ours {
		return answer(req, reply{status: 200, header: http.Header{"Content-Type": {jsonType}}, body: []piece{{
			text: fmt.Sprintf(`{"access_token":"fake-%d","token_type":"Bearer","expires_in":3600}`, time.Now().UnixNano()),
		}}}, ""), nil
	}
	s.reached, s.body, s.bodyErr = true, sent, err
	if err != nil {
		return nil, err
	}
	replies := s.visit.call.replies
	if len(replies) == 0 {
		replies = []reply{well()}
	}
	r := replies[min(s.n, len(replies))-1]
	s.reply = r
	switch {
	case r.stalls:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case r.err != nil:
		return nil, r.err
	}
	return answer(req, r, s.id()), nil
}

// answer makes the response.
func answer(req *http.Request, r reply, id string) *http.Response {
	resp := &http.Response{
		Status: fmt.Sprint(r.status, " ", http.StatusText(r.status)), StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: union(r.header.Clone(), nil), Body: http.NoBody, Request: req,
	}
	if id != "" {
		resp.Header.Set("X-Kit-Answer", id)
	}
	pieces := r.pieces(id)
	for _, p := range pieces {
		resp.ContentLength += int64(len(p.text))
		if p.err != nil {
			resp.ContentLength += 100 // that never come
		}
	}
	if r.unknown {
		resp.ContentLength = -1
	}
	if len(pieces) == 0 || req.Method == http.MethodHead {
		return resp
	}
	wire := newWireBody(req.Context(), pieces)
	resp.Body = wire
	if r.status == http.StatusSwitchingProtocols {
		resp.Body = &upgraded{wireBody: wire}
	}
	return resp
}

// pieces are the body's, with the call's id in place of ID.
func (r reply) pieces(id string) []piece {
	call, _, _ := strings.Cut(id, "-")
	out := slices.Clone(r.body)
	for i := range out {
		out[i].text = strings.ReplaceAll(out[i].text, "ID", call)
	}
	return slices.DeleteFunc(out, func(p piece) bool { return p == piece{} })
}

// bytes returns all that the upstream sends of the body.
func (r reply) bytes(id string) string {
	var b strings.Builder
	for _, p := range r.pieces(id) {
		b.WriteString(p.text)
	}
	return b.String()
}
