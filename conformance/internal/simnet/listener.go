package simnet

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// A Listener hands connections to a server, http.Server for example, and is what its clients dial. Its methods may be called
// concurrently.
type Listener struct {
	addr   Addr
	dials  atomic.Int64
	conns  chan *Conn
	closed chan struct{}
	close  sync.Once
}

// Listen returns a listener on an address, "host:port". The address is a name only: nobody else learns of it, and any number of
// listeners may have the same one. Close it to end Accept.
func Listen(addr string) *Listener {
	return &Listener{addr: Addr(addr), conns: make(chan *Conn), closed: make(chan struct{})}
}

// Dial connects to the listener once it accepts, and returns the near end of the connection. The error is a dialer's: Refused after
// Close, that of Hang when the context ends first. Each connection comes from a client address of its own.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, hang(ctx, l.addr)
	}
	from := Addr("client:" + strconv.FormatInt(l.dials.Add(1), 10))
	near, far := Pipe(from, l.addr)
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, Refused(string(l.addr))
	case <-ctx.Done():
		return nil, hang(ctx, l.addr)
	}
}

// Accept waits for the next connection and returns its far end, a *Conn. After Close it returns net.ErrClosed in a *net.OpError.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Close ends Accept and refuses later dials. Connections that were accepted go on. The error is always nil.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

// Addr returns the address that the listener was made with.
func (l *Listener) Addr() net.Addr { return l.addr }
