package served

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// given is a request as the host gave it.
type given struct {
	method string
	url    url.URL
	host   string
	header wire.Given
	body   io.ReadCloser // nil: none; a requestBody or withheldBody
	data   []byte        // of a requestBody
}

// Request implements pipeline.FarCall.
func (x *exchange) Request(ctx context.Context) (*http.Request, error) {
	defer x.begun.Free()
	r := x.begun.GetDo().GetRequest()
	u, err := url.Parse(r.GetUrl())
	if err != nil {
		return nil, fmt.Errorf("the host's request: %w", err)
	}
	g := &x.given
	header, given := x.begun.Headers(&x.ss.names)
	g.method, g.url, g.host, g.header = methodOf(r.GetMethod()), *u, r.GetHost(), given
	if g.host == "" {
		g.host = u.Host
	}
	req := new(http.Request).WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header, req.ContentLength = g.method, u, g.host, header, r.GetLength()
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	if err := x.giveBody(req, r); err != nil {
		return nil, err
	}
	return req, nil
}

func (x *exchange) giveBody(req *http.Request, r *wire.Request) error {
	g := &x.given
	switch b := r.GetBody(); {
	case b != nil:
		data, err := x.apart(b)
		if err != nil {
			return err
		}
		g.data, req.ContentLength = data, int64(len(data))
		if len(data) == 0 {
			return nil
		}
		open := func() io.ReadCloser { return &requestBody{Reader: bytes.NewReader(data), x: x} }
		g.body = open()
		req.GetBody = func() (io.ReadCloser, error) { return open(), nil }
	case r.GetLength() == 0:
		return nil
	default:
		w := &withheldBody{why: noRequestBody(x.inst.needs.Request.Body), x: x}
		if len(r.GetSha256()) == sha256.Size {
			w.digest = &pipeline.Digest{Length: r.GetLength(), SHA256: [sha256.Size]byte(r.GetSha256())}
		}
		g.body = w
		if r.GetReplayable() {
			req.GetBody = func() (io.ReadCloser, error) { return w, nil }
		}
	}
	req.Body = g.body
	return nil
}

func noRequestBody(mode pipeline.BodyMode) error {
	if mode == pipeline.BodyDigest {
		return pipeline.Errorf(pipeline.KindInternal, `the stage read a request's body of which its needs show the digest alone: use pipeline.DigestOf, or ask for request.body "full"`)
	}
	return pipeline.Errorf(pipeline.KindInternal, `the stage read a request's body, and its needs say nothing of it: ask for request.body "full"`)
}

// apart returns the bytes of a body, which may come by Upload.
func (x *exchange) apart(b *wire.Body) ([]byte, error) {
	if !b.GetApart() {
		return b.GetData(), nil
	}
	uploads := make(chan []byte, 1)
	claim := x.ss.server.bodies.claim(x.id, func(data []byte) { x.ss.step(func() { uploads <- data }) })
	select {
	case data := <-uploads:
		return data, nil
	case <-x.life.Done():
		x.ss.server.bodies.unclaim(x.id, claim)
		return nil, pipeline.Ended(&x.life, "a body was on its way to the stage")
	}
}

// carry says where the host finds a body that the stage has made.
func (x *exchange) carry(data []byte) *wire.Body {
	if len(data) <= wire.MaxInline {
		return &wire.Body{Data: data, Length: uint64(len(data))}
	}
	x.leaving = x.ss.server.bodies.announce(x.id, data)
	return &wire.Body{Apart: true, Length: uint64(len(data))}
}

// requestBody is a request's body that the host has sent.
type requestBody struct {
	*bytes.Reader
	x *exchange
}

// Close does nothing: the bytes stay.
func (*requestBody) Close() error { return nil }

// withheldBody is a body that stays with the host.
type withheldBody struct {
	why    error
	digest *pipeline.Digest
	x      *exchange
}

// Read says why there is nothing to read.
func (b *withheldBody) Read([]byte) (int, error) { return 0, b.why }

// Close does nothing: the host closes it.
func (*withheldBody) Close() error { return nil }

// Digest implements what pipeline.DigestOf asks for.
func (b *withheldBody) Digest() (pipeline.Digest, error) {
	if b.digest == nil {
		return pipeline.Digest{}, pipeline.Errorf(pipeline.KindInternal, `the stage asked for a body's digest, and its needs say nothing of it: ask for body "digest"`)
	}
	return *b.digest, nil
}

// edits writes what differs between the request that the host gave and the one that the stage hands on, and reports whether anything does.
func (x *exchange) edits(req *http.Request, out *outgoing) (changed bool, err error) {
	g, e := &x.given, &out.edits
	if m := methodOf(req.Method); m != g.method {
		e.Method = &m
	}
	if req.URL == nil {
		return false, pipeline.Errorf(pipeline.KindInternal, "the stage handed on a request without a URL")
	}
	if *req.URL != g.url {
		if u := req.URL.String(); u != g.url.String() {
			e.Url = &u
		}
	}
	if req.Host != g.host && (req.Host != "" || g.host != req.URL.Host) {
		host := req.Host
		e.Host = &host
	}
	if e.Body, err = x.bodyEdit(req); err != nil {
		return false, err
	}
	out.headers.differ(g.header, req.Header, e.Body, &x.ss.lower)
	e.Headers = out.headers.list
	return e.Method != nil || e.Url != nil || e.Host != nil || len(e.Headers) > 0 || e.Body != nil, nil
}

// follows reports whether a header says of a body that was replaced what the host writes by itself.
func follows(name string, values []string, body *wire.Body) bool {
	return body != nil && name == "Content-Length" && (len(values) == 0 || len(values) == 1 && values[0] == strconv.FormatUint(body.GetLength(), 10))
}

// bodyEdit reads and closes the request's body, and returns it if it is another than the host gave. What stages put around that one is read
// through, where there is something to read: it may count, or change what goes by.
func (x *exchange) bodyEdit(req *http.Request) (*wire.Body, error) {
	g := &x.given
	if req.Body == nil || req.Body == http.NoBody {
		if g.body == nil {
			return nil, nil //nolint:nilnil // unchanged
		}
		return &wire.Body{}, nil
	}
	if req.Body == g.body {
		return nil, nil //nolint:nilnil // unchanged
	}
	defer req.Body.Close()
	if b, ok := pipeline.BodyBeneath(req.Body).(*withheldBody); ok && b.x == x {
		return nil, nil //nolint:nilnil // it is still where it was
	}
	_, seen := g.body.(*requestBody)
	data, err := readBody(req.Body, x.inst.needs.Request.Limit(), "request.body_limit")
	if err != nil || seen && bytes.Equal(data, g.data) { // one that it has read and put back is the same
		return nil, err
	}
	return x.carry(data), nil
}

// readBody reads a body that the host is to get. limit is what it accepts, and key names that.
func readBody(r io.Reader, limit int64, key string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		if e, ok := errors.AsType[*pipeline.Error](err); ok {
			return data, e
		}
		return data, fmt.Errorf("reading the body that the stage has made: %w", err)
	}
	if int64(len(data)) > limit {
		return data, pipeline.Errorf(pipeline.KindPolicy, "the stage made a body of more than %s: ask for a larger %s", pipeline.Size(limit), key)
	}
	return data, nil
}

func methodOf(m string) string {
	if m == "" {
		return http.MethodGet
	}
	return m
}

// headersTo writes the headers of what the stage has made itself.
func headersTo(h http.Header, body *wire.Body) []*wire.Header {
	return wire.HeadersTo(make([]*wire.Header, 0, len(h)), h, func(name string) bool { return !follows(name, h[name], body) })
}
