package conformance

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// callerBody is the body of the caller's request. It counts what is read of it, by whomever.
type callerBody struct {
	rest io.Reader
	read atomic.Int64
	end  atomic.Bool
}

// Read implements io.Reader.
func (b *callerBody) Read(p []byte) (int, error) {
	n, err := b.rest.Read(p)
	b.read.Add(int64(n))
	if err != nil {
		b.end.Store(true)
	}
	return n, err
}

// Close implements io.Closer.
func (b *callerBody) Close() error { return nil }

// answerBody is a response's body as next returned it. It tells what the stage and the caller did with it.
type answerBody struct {
	io.ReadCloser
	read   atomic.Int64
	closed atomic.Bool
}

// count puts an answerBody around rc. One that can be written stays so.
func (s *sending) count(rc io.ReadCloser) io.ReadCloser {
	s.answer = &answerBody{ReadCloser: rc}
	if w, ok := rc.(io.Writer); ok {
		return struct {
			*answerBody
			io.Writer
		}{s.answer, w}
	}
	return s.answer
}

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

// piece is a part of a body that the upstream sends: a pause, then a text, or an error.
type piece struct {
	pause time.Duration
	text  string
	err   error
}

// wireBody is a body as it comes from a connection: a read ends with the request's context, and with Close.
type wireBody struct {
	ctx    context.Context
	pieces []piece
	rest   string
	once   sync.Once
	closed chan struct{}
}

func newWireBody(ctx context.Context, pieces []piece) *wireBody {
	return &wireBody{ctx: ctx, pieces: pieces, closed: make(chan struct{})}
}

// Read implements io.Reader.
func (b *wireBody) Read(p []byte) (int, error) {
	if err := b.over(); err != nil {
		return 0, err
	}
	for b.rest == "" {
		if len(b.pieces) == 0 {
			return 0, io.EOF
		}
		next := b.pieces[0]
		if next.pause > 0 {
			timer := time.NewTimer(next.pause)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-b.ctx.Done():
				return 0, b.ctx.Err()
			case <-b.closed:
				return 0, http.ErrBodyReadAfterClose
			}
		}
		b.pieces = b.pieces[1:]
		if next.err != nil {
			b.pieces = append([]piece{{err: next.err}}, b.pieces...)
			return 0, next.err
		}
		b.rest = next.text
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *wireBody) over() error {
	select {
	case <-b.closed:
		return http.ErrBodyReadAfterClose
	default:
		return b.ctx.Err()
	}
}

// Close implements io.Closer.
func (b *wireBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// upgraded is the connection of a 101 Switching Protocols: it is written, too.
type upgraded struct {
	*wireBody
	strings.Builder
}
