package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// upstream serves a handler over connections in memory: net/http's own server and transport with a pipe between them, so that
// resets, half answers and timeouts behave as on a network, also in a testing/synctest bubble.
type upstream struct {
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	served chan struct{}
}

func serveUpstream(h http.Handler) *upstream {
	u := &upstream{conns: make(chan net.Conn), closed: make(chan struct{}), served: make(chan struct{})}
	u.server = &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)} //nolint:gosec // no network
	go func() {
		defer close(u.served)
		_ = u.server.Serve(u)
	}()
	return u
}

// dial makes a connection to the handler.
func (u *upstream) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case u.conns <- far:
		return near, nil
	case <-u.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept implements net.Listener.
func (u *upstream) Accept() (net.Conn, error) {
	select {
	case c := <-u.conns:
		return c, nil
	case <-u.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (u *upstream) Close() error {
	u.once.Do(func() { close(u.closed) })
	return nil
}

// Addr implements net.Listener.
func (u *upstream) Addr() net.Addr { return pipeAddr{} }

// stop ends the server and every connection to it.
func (u *upstream) stop() error {
	err := u.server.Close()
	_ = u.Close()
	<-u.served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
