package host

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// requestBody is what a plugin is told of a request's body.
type requestBody struct {
	length     int64 // -1: unknown
	sum        []byte
	data       []byte
	full       bool
	replayable bool
}

// requestBody reads the request's body as far as the grants want it, and leaves the request with a body that is as it was.
func (x *exchange) requestBody() (b requestBody, err error) {
	req, need := x.req, x.inst.grants.Request
	if req.Body == nil || req.Body == http.NoBody {
		b.replayable, b.full = true, need.Body == pipeline.BodyFull
		if need.Body == pipeline.BodyDigest {
			sum := sha256.Sum256(nil)
			b.sum = sum[:]
		}
		return b, nil
	}
	if b.length = req.ContentLength; b.length == 0 {
		b.length = -1
	}
	switch {
	case need.Body == pipeline.BodyDigest && req.GetBody != nil:
		err = x.digest(&b)
	case mode(need.Body):
		err = x.buffer(&b, need)
	}
	b.replayable = req.GetBody != nil
	return b, err
}

// digest reads a body that can be had again.
func (x *exchange) digest(b *requestBody) error {
	rc, err := x.req.GetBody()
	if err != nil {
		return fmt.Errorf("reading the request's body: %w", err)
	}
	sum, err := readWhile(x.ctx, rc, func() (pipeline.Digest, error) {
		h := sha256.New()
		n, err := io.Copy(h, rc)
		_ = rc.Close()
		return pipeline.Digest{Length: n, SHA256: [sha256.Size]byte(h.Sum(nil))}, err
	})
	if err != nil {
		return x.bodyFailed(err)
	}
	b.length, b.sum = sum.Length, sum.SHA256[:]
	if err := pipeline.Reopen(x.req); err != nil {
		return err
	}
	x.opened = x.req.Body
	return nil
}

// shut closes the body that the exchange has opened anew, unless next has got it.
func (x *exchange) shut() {
	if x.opened != nil {
		_ = x.opened.Close()
		x.opened = nil
	}
}

// buffer reads a body into memory, up to the limit.
func (x *exchange) buffer(b *requestBody, need pipeline.RequestNeeds) error {
	limit := need.Limit()
	if x.req.ContentLength > limit {
		return x.bodyTooLong(limit)
	}
	under, size := x.req.Body, x.req.ContentLength
	data, err := readWhile(x.ctx, under, func() ([]byte, error) { return readUpTo(under, limit+1, size) })
	if err != nil {
		return x.bodyFailed(err)
	}
	if int64(len(data)) > limit {
		return x.bodyTooLong(limit)
	}
	x.req.Body = &memoryBody{Reader: bytes.NewReader(data), under: under}
	x.req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	b.length = int64(len(data))
	if need.Body == pipeline.BodyFull {
		b.data, b.full = data, true
		return nil
	}
	sum := sha256.Sum256(data)
	b.sum = sum[:]
	return nil
}

func (x *exchange) bodyTooLong(limit int64) error {
	return pipeline.Errorf(pipeline.KindPolicy, "the request's body is longer than the %s that plugin %s can be given (request.body_limit of its needs and grants)", pipeline.Size(limit), x.st.opts.name)
}

func (x *exchange) bodyFailed(err error) error {
	if x.ctx.Err() != nil {
		return x.st.over(x.ctx)
	}
	return fmt.Errorf("reading the request's body: %w", err)
}

// memoryBody is a request's body that was read into memory.
type memoryBody struct {
	*bytes.Reader

	under io.ReadCloser
}

// Close closes the body that was read.
func (b *memoryBody) Close() error { return b.under.Close() }

// Unwrap returns the body that was read; see [pipeline.Stage].
func (b *memoryBody) Unwrap() io.ReadCloser { return b.under }

// readUpTo reads at most limit bytes; size is how many there will be, if that is known.
func readUpTo(r io.Reader, limit, size int64) ([]byte, error) {
	const unknown = 4 << 10
	if size <= 0 {
		size = unknown
	}
	data := make([]byte, 0, min(size+1, limit)) // one more, to see the end
	for int64(len(data)) < limit {
		if len(data) == cap(data) {
			more := make([]byte, len(data), min(2*int64(cap(data)), limit))
			copy(more, data)
			data = more
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// lookahead is what was read of a response's body for the plugin, and put back for the caller.
type lookahead struct {
	data []byte
	more bool
	err  error
	told *wire.Error // what the plugin was told of err
}

// onRead tells the plugin the last response's body.
func (x *exchange) onRead() error {
	need := x.inst.grants.Response
	switch {
	case need == nil || !mode(need.Body):
		return x.invalid("read the response's body, which its grants do not allow")
	case x.resp == nil || x.dropped:
		return x.invalid("read a body, and there is no response")
	}
	sc := &x.slot.scratch
	sc.frame.Reset()
	b := &sc.body
	if pipeline.IsStream(x.resp) {
		b.Reset()
		b.Error = &wire.Error{Kind: string(pipeline.KindPolicy), Class: string(pipeline.ClassTerminal), Message: "a stream's body can't be read by a plugin"}
	} else {
		if x.seen == nil {
			x.seen = peekBody(x.resp, need.Limit())
		}
		if x.ended() != "" && x.seen.err == nil {
			return x.st.over(x.ctx)
		}
		x.putBody(b, x.seen.data, need.Body == pipeline.BodyDigest)
		b.More = x.seen.more
		if x.seen.err != nil {
			x.seen.told = x.tell(x.seen.err)
			b.Error = x.seen.told
		}
	}
	sc.frame.Kind = &wire.Frame_Body{Body: b}
	return x.send(&sc.frame)
}

// peekBody reads the beginning of a response's body and puts it back.
func peekBody(resp *http.Response, limit int64) *lookahead {
	data, err := readUpTo(resp.Body, limit+1, resp.ContentLength)
	l := &lookahead{data: data, err: err}
	pipeline.PutBack(resp, data, err)
	if int64(len(data)) > limit {
		l.data, l.more = data[:limit], true
	}
	return l
}

// putBody writes a body for the plugin: in the frame where it is short, else apart.
func (x *exchange) putBody(b *wire.Body, data []byte, digest bool) *wire.Body {
	b.Reset()
	b.Length = uint64(len(data))
	switch {
	case digest:
		sum := sha256.Sum256(data)
		b.Sha256 = sum[:]
	case len(data) > wire.MaxInline:
		b.Apart = true
		x.upload(data)
	default:
		b.Data = data
	}
	return b
}
