package host

import (
	"context"
	"io"
)

// reading is what came of a read that might have taken long.
type reading[T any] struct {
	value T
	err   error
	panic any
}

// readWhile reads from a request's body, which may block for as long as its program likes, and lets go of it when ctx ends: it closes the
// body, as net/http does, and returns the context's error while the read comes to its end by itself.
func readWhile[T any](ctx context.Context, body io.Closer, read func() (T, error)) (T, error) {
	if ctx.Done() == nil {
		return read()
	}
	done := make(chan reading[T], 1)
	go func() {
		var r reading[T]
		defer func() {
			r.panic = recover() // it is the caller's: here it would end the program
			done <- r
		}()
		r.value, r.err = read()
	}()
	select {
	case r := <-done:
		if r.panic != nil {
			panic(r.panic)
		}
		return r.value, r.err
	case <-ctx.Done():
		go func() { _ = body.Close() }() // which may wait for the read
		var none T
		return none, context.Cause(ctx)
	}
}
