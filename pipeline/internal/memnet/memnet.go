// Package memnet serves an http.Handler over connections in memory.
package memnet

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// Server serves a handler over connections in memory: net/http's own server with a pipe to each client, so that resets, half
// answers and timeouts behave as on a network, also in a testing/synctest bubble.
type Server struct {
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	served chan struct{}
}

// Serve starts a server; Stop ends it.
func Serve(h http.Handler) *Server {
	u := &Server{conns: make(chan net.Conn), closed: make(chan struct{}), served: make(chan struct{})}
	u.server = &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)} //nolint:gosec // no network
	go func() {
		defer close(u.served)
		_ = u.server.Serve(u)
	}()
	return u
}

// Dial makes a connection to the handler.
func (u *Server) Dial(ctx context.Context) (net.Conn, error) {
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
func (u *Server) Accept() (net.Conn, error) {
	select {
	case c := <-u.conns:
		return c, nil
	case <-u.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (u *Server) Close() error {
	u.once.Do(func() { close(u.closed) })
	return nil
}

// Addr implements net.Listener.
func (u *Server) Addr() net.Addr { return pipeAddr{} }

// Stop ends the server and every connection to it.
func (u *Server) Stop() error {
	err := u.server.Close()
	_ = u.Close()
	<-u.served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

type pipeAddr struct{}

// Network implements net.Addr.
func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
