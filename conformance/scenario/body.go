package scenario

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"time"
)

// ownBody is a request's body that notes when it is closed, and takes its time if the test says so.
type ownBody struct {
	*bytes.Reader
	caller *caller
	pieces []string // of which it has not begun to give the first
	left   int      // what it may give at once
	closed atomic.Bool
	over   chan struct{}
}

func newBody(c *caller, content []byte) *ownBody {
	return &ownBody{Reader: bytes.NewReader(content), caller: c, pieces: c.spec.Chunks, over: make(chan struct{})}
}

// Read waits before each piece, unless the body is closed meanwhile.
func (b *ownBody) Read(p []byte) (int, error) {
	if b.caller.spec.Pace == 0 {
		return b.Reader.Read(p)
	}
	if b.left == 0 && len(b.pieces) > 0 {
		timer := time.NewTimer(b.caller.spec.Pace)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-b.over:
			return 0, io.ErrClosedPipe
		}
		b.left, b.pieces = len(b.pieces[0]), b.pieces[1:]
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Close implements io.Closer.
func (b *ownBody) Close() error {
	if b.closed.Swap(true) {
		b.caller.note(func() { b.caller.twice = true })
		return nil
	}
	close(b.over)
	b.caller.note(func() { b.caller.released++ })
	return nil
}

// WriteTo hides that of the reader: net/http would read a body in one go.
func (b *ownBody) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{b})
}

// read reads an answer's body, and rests in the middle of it if the test says so.
func (c *caller) read(ctx context.Context, from io.Reader) ([]byte, error) {
	if c.spec.Pause == 0 {
		return io.ReadAll(from)
	}
	first, err := io.ReadAll(io.LimitReader(from, 1))
	if err != nil || len(first) == 0 {
		return first, err
	}
	timer := time.NewTimer(c.spec.Pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	rest, err := io.ReadAll(from)
	return append(first, rest...), err
}
