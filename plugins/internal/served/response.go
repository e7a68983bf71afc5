package served

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// result is what came of the last next.
type result struct {
	resp   *http.Response
	status int
	header wire.Given // as the host gave it
	body   *responseBody
	err    *pipeline.Error
	cause  *resultCause
}

// resultCause is the cause of a result's error: by it an error that the stage has made of that one is known.
type resultCause struct{ text string }

func (c *resultCause) Error() string { return c.text }

// result takes what came of a next. x.turn is held.
func (x *exchange) result(r *wire.Result) (*http.Response, pipeline.CallProgress, error) {
	x.progress(r.GetCall())
	p := x.state
	p.BodySpent, p.Ended = !r.GetReplayable(), r.GetEnded()
	if e := r.GetError(); e != nil {
		failure := wire.ErrorFrom(e)
		if len(e.GetHeaders()) > 0 {
			failure.Header = wire.HeadersFrom(e.GetHeaders())
		}
		cause := &resultCause{e.GetMessage()}
		failure.Err = cause
		x.last = result{err: failure, cause: cause}
		return nil, p, failure
	}
	w := r.GetResponse()
	header, given := wire.ReadHeaders(w.GetHeaders(), &x.ss.names)
	status := int(w.GetStatus())
	resp := &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Header: header, ContentLength: w.GetLength(), Proto: w.GetProto(),
	}
	resp.ProtoMajor, resp.ProtoMinor, _ = http.ParseHTTPVersion(w.GetProto())
	body := &responseBody{x: x, mode: pipeline.BodyNone, stream: w.GetStream(), length: w.GetLength()}
	if n := x.inst.needs.Response; n != nil {
		body.mode, body.limit = n.Body, pipeline.Size(n.Limit())
	}
	if len(w.GetSha256()) == sha256.Size {
		body.sum = &pipeline.Digest{Length: w.GetLength(), SHA256: [sha256.Size]byte(w.GetSha256())}
	}
	resp.Body = body
	if w.GetLength() == 0 {
		resp.Body = http.NoBody
	}
	x.last = result{resp: resp, status: status, header: given, body: body}
	return resp, p, nil
}

// responseBody is a response's body, which the host keeps until somebody reads it.
type responseBody struct {
	x      *exchange
	mode   pipeline.BodyMode
	limit  pipeline.Size
	stream bool
	length int64

	closed  atomic.Bool
	dropped bool // the host knows; of x.turn

	mu   sync.Mutex
	got  bool
	data []byte // all of it that could be had
	sum  *pipeline.Digest
	fail error // at the end of data; nil: it is complete
	of   *resultCause
	off  int
}

// Read asks the host for the body when it is called first.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.mode == pipeline.BodyDigest:
		return 0, pipeline.Errorf(pipeline.KindInternal, `the stage read a response's body of which its needs show the digest alone: use pipeline.DigestOfResponse, or ask for response.body "full"`)
	case b.mode != pipeline.BodyFull:
		return 0, pipeline.Errorf(pipeline.KindInternal, `the stage read a response's body, and its needs say nothing of it: ask for response.body "full"`)
	}
	b.fetch()
	if b.off < len(b.data) {
		n := copy(p, b.data[b.off:])
		b.off += n
		return n, nil
	}
	if b.fail != nil {
		return 0, b.fail
	}
	return 0, io.EOF
}

// IsStream implements what pipeline.IsStream asks for.
func (b *responseBody) IsStream() bool { return b.stream }

// Digest implements what pipeline.DigestOfResponse asks for.
func (b *responseBody) Digest() (pipeline.Digest, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mode != pipeline.BodyDigest && b.mode != pipeline.BodyFull {
		return pipeline.Digest{}, pipeline.Errorf(pipeline.KindInternal, `the stage asked for a response's digest, and its needs say nothing of its body: ask for response.body "digest"`)
	}
	if b.sum == nil {
		b.fetch()
	}
	if b.fail != nil {
		return pipeline.Digest{}, b.fail
	}
	if b.sum == nil {
		b.sum = &pipeline.Digest{Length: int64(len(b.data)), SHA256: sha256.Sum256(b.data)}
	}
	return *b.sum, nil
}

// fetch asks the host for the body, once. b.mu is held.
func (b *responseBody) fetch() {
	if b.got {
		return
	}
	b.got = true
	if b.stream {
		b.fail = pipeline.Errorf(pipeline.KindPolicy, "the response is a stream: no stage of another process can read it")
		return
	}
	x := b.x
	x.turn.Lock()
	defer x.turn.Unlock()
	if x.last.body != b {
		b.fail = errors.New("the response of an earlier next is gone: read it before next is called again")
		return
	}
	answer, err := x.ask(&wire.Frame{Kind: &wire.Frame_Read{Read: &wire.Read{}}}, "the stage read the response")
	if err != nil {
		b.fail = err
		return
	}
	k, ok := answer.GetKind().(*wire.Frame_Body)
	if !ok {
		b.fail = errTurn()
		return
	}
	b.take(k.Body)
}

func (b *responseBody) take(w *wire.Body) {
	var err error
	if b.data, err = b.x.apart(w); err != nil {
		b.fail = err
		return
	}
	switch e := w.GetError(); {
	case e != nil:
		failure := wire.ErrorFrom(e)
		b.of = &resultCause{e.GetMessage()}
		failure.Err, b.fail = b.of, failure
	case w.GetMore():
		b.fail = pipeline.Errorf(pipeline.KindPolicy, "the response's body has more than the %s that the stage may read: ask for a larger response.body_limit, and see what the file grants", b.limit)
	case len(w.GetSha256()) == sha256.Size:
		b.sum = &pipeline.Digest{Length: int64(w.GetLength()), SHA256: [sha256.Size]byte(w.GetSha256())} //nolint:gosec // a length
	}
}

// Close notes that the stage has no use for the response any more. What comes next tells the host: it may yet be returned, for to close a
// body and to put another in its place is what many do.
func (b *responseBody) Close() error {
	b.closed.Store(true)
	return nil
}

// dropClosed has the host let go of a response that the stage has closed, before a frame after which it can't be returned. x.turn is held.
func (x *exchange) dropClosed() {
	b := x.last.body
	if b == nil || b.dropped || !b.closed.Load() || !x.asks() {
		return
	}
	b.dropped = true
	_ = x.send(&wire.Frame{Kind: &wire.Frame_Drop{Drop: &wire.Drop{}}})
}

// partedBody is that of the response that stands for one which the stage never sees.
type partedBody struct{}

// Read says why there is nothing to read.
func (partedBody) Read([]byte) (int, error) {
	return 0, pipeline.Errorf(pipeline.KindInternal, "the stage read a response, and its needs have none: ask for response")
}

// Close does nothing.
func (partedBody) Close() error { return nil }

// returned writes the response that the stage has returned: as edits of the last one, or as the stage's own.
func (x *exchange) returned(resp *http.Response, out *wire.Return) error {
	l := &x.last
	body, ok := pipeline.BodyBeneath(resp.Body).(*responseBody)
	switch {
	case ok && body.x == x && body != l.body:
		return pipeline.Errorf(pipeline.KindInternal, "the stage returned the response of an earlier next")
	case l.resp == nil, resp != l.resp && (!ok || body != l.body):
		return x.answer(resp, out)
	case l.body.dropped:
		return pipeline.Errorf(pipeline.KindInternal, "the stage returned a response after it had closed its body and waited")
	}
	e := &wire.Edits{}
	if resp.StatusCode != l.status {
		status := uint32(resp.StatusCode) //nolint:gosec // the host checks it
		e.Status = &status
	}
	var err error
	if e.Body, err = x.responseEdit(resp); err != nil {
		return err
	}
	var headers headerEdits
	headers.differ(l.header, resp.Header, e.Body, &x.ss.lower)
	e.Headers = headers.list
	if e.Status != nil || e.Headers != nil || e.Body != nil {
		out.Edits = e
	}
	return nil
}

// responseEdit returns the response's body if it is another than the host has. One that the stage has read and put back is the same.
func (x *exchange) responseEdit(resp *http.Response) (*wire.Body, error) {
	b := x.last.body
	if resp.Body == io.ReadCloser(b) || resp.Body == http.NoBody && b.length == 0 {
		return nil, nil //nolint:nilnil // unchanged
	}
	b.mu.Lock()
	empty := b.got && len(b.data) == 0 && b.fail == nil
	b.mu.Unlock()
	if resp.Body == http.NoBody && empty {
		return nil, nil //nolint:nilnil // it is as empty as it was
	}
	if resp.Body == http.NoBody {
		return &wire.Body{}, nil
	}
	if b.mode != pipeline.BodyFull && pipeline.BodyBeneath(resp.Body) == io.ReadCloser(b) {
		return nil, nil //nolint:nilnil // something around what can't be read
	}
	data, err := readBody(resp.Body, x.responseLimit(), "response.body_limit")
	b.mu.Lock()
	defer b.mu.Unlock()
	if (b.got || b.length == 0) && bytes.Equal(data, b.data) && (err == nil) == (b.fail == nil) {
		return nil, nil //nolint:nilnil // unchanged
	}
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	return x.carry(data), nil
}

// answer writes a response that the stage has made.
func (x *exchange) answer(resp *http.Response, out *wire.Return) error {
	data, err := readBody(resp.Body, x.responseLimit(), "body_limit")
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	body := x.carry(data)
	out.Response = &wire.Response{
		Status: uint32(resp.StatusCode), Headers: headersTo(resp.Header, body), Length: int64(len(data)), Proto: resp.Proto, Body: body, //nolint:gosec // the host checks it
	}
	return nil
}

// responseLimit is how long a body the host accepts in place of a response's.
func (x *exchange) responseLimit() int64 {
	if r := x.inst.needs.Response; r != nil {
		return r.Limit()
	}
	return x.inst.needs.Request.Limit()
}
