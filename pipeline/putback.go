package pipeline

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
)

// PutBack gives a response back what a stage has read of its body, head: whoever reads on gets that first, then the rest. err is the error
// with which reading failed, nil if it did not: the body then fails so at that very place. head belongs to the response from then on.
func PutBack(resp *http.Response, head []byte, err error) {
	b := &putBack{rest: resp.Body, err: err}
	b.head.Reset(head)
	resp.Body = b
}

// putBack is a body whose beginning was read.
type putBack struct {
	head   bytes.Reader
	rest   io.ReadCloser
	err    error
	closed atomic.Bool
}

// Read implements io.Reader.
func (b *putBack) Read(p []byte) (int, error) {
	switch {
	case b.closed.Load():
		return 0, http.ErrBodyReadAfterClose
	case b.head.Len() > 0 || len(p) == 0:
		return b.head.Read(p)
	case b.err != nil:
		return 0, b.err
	}
	return b.rest.Read(p)
}

// Close closes the body itself.
func (b *putBack) Close() error {
	b.closed.Store(true)
	return b.rest.Close()
}
