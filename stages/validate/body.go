package validate

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/leatdev/leat/pipeline"
)

const (
	smallBody = 960      // bytes of unknown number for which there is room at once
	firstRead = 64 << 10 // the most that is reserved on the word of a Content-Length
)

// body is a body that was read whole, for the caller to read again. It belongs to the caller: nothing is pooled.
type body struct {
	data   []byte
	off    int
	closed atomic.Bool
}

// readBody reads resp's body up to its end or one byte beyond limit, where over is true. It does not close it.
func readBody(resp *http.Response, limit int64) (b *body, over bool, err error) {
	b = new(body)
	room := int64(smallBody)
	if resp.ContentLength >= 0 {
		room = min(resp.ContentLength, firstRead) + 1 // one more: the end is seen without growing
	}
	buf := make([]byte, 0, room)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := resp.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		b.data = buf
		if int64(len(buf)) > limit {
			return b, true, nil
		}
		if err == io.EOF {
			return b, false, nil
		}
		if err != nil {
			return nil, false, readError(err)
		}
	}
}

// readError is the failure of a read: what the last link made of it, or an *Error of the same sort for a body that a stage
// further in made.
func readError(err error) error {
	if _, ok := errors.AsType[*pipeline.Error](err); ok {
		return err
	}
	e := pipeline.Errorf(pipeline.KindOf(err), "reading the body: %w", err)
	e.Class = pipeline.ClassUnknown
	switch e.Kind {
	case pipeline.KindInternal:
		e.Kind = pipeline.KindNetwork
	case pipeline.KindCanceled:
		e.Class = pipeline.ClassTerminal
	}
	return e
}

func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.off == len(b.data) {
		return 0, io.EOF
	}
	n := copy(p, b.data[b.off:])
	b.off += n
	return n, nil
}

// WriteTo lets io.Copy do without a buffer of its own.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := w.Write(b.data[b.off:])
	b.off += n
	return int64(n), err
}

// Close makes further reads fail. The original was closed long before.
func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}
