// Package simnet is a network in memory that can fail on purpose: connections, listeners, certificates and an HTTP/2 peer that
// misbehaves. net/http's own client and server run on it inside a testing/synctest bubble, so timeouts pass in virtual time.
//
// Everything waits on timers, channels and condition variables only, which is what a bubble recognises as waiting. No function
// starts a goroutine that outlives it. Values made inside a bubble belong to it.
package simnet

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// limit is how many bytes each direction of a connection holds before writes block.
const limit = 256 << 10

// An Addr is the address of one end of a connection, usually "host:port".
type Addr string

// Network returns "tcp", which is what the connections pass for.
func (Addr) Network() string { return "tcp" }

// String returns the address as it was given.
func (a Addr) String() string { return string(a) }

// A Conn is one end of a connection in memory. It behaves as a TCP connection does: its errors are *net.OpError values around the
// errors that the kernel would give, deadlines give os.ErrDeadlineExceeded, and its methods may be called concurrently.
type Conn struct {
	*link
	peer          *Conn
	local, remote net.Addr

	// The link's mutex guards the rest.
	in              bytes.Buffer // what the peer wrote and this end has yet to read
	lost            int          // bytes written since Freeze: they fill the buffer and arrive nowhere
	writing         bool         // a Write is under way: another one waits its turn
	closed          bool         // this end was closed or reset
	finished        bool         // this end wrote its last byte
	ended           bool         // the peer wrote its last byte
	reset           bool         // the connection was torn down by the peer
	frozen          bool
	readBy, writeBy deadline
}

// link is what both ends share. Changes are rare and waiters few, so one condition serves every reason to wait.
type link struct {
	mu      sync.Mutex
	changed sync.Cond
}

// Pipe returns the two ends of a connection between two addresses. Each direction holds up to 256 KiB; then writes block until the
// other end reads. Nothing needs to be closed for the sake of memory, but readers wait until one end is.
func Pipe(client, server net.Addr) (near, far *Conn) {
	l := &link{}
	l.changed.L = &l.mu
	near = &Conn{link: l, local: client, remote: server}
	far = &Conn{link: l, local: server, remote: client, peer: near}
	near.peer = far
	return near, far
}

// Read reads what the peer wrote. It returns io.EOF after the last byte of a peer that closed its end or its writing side.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.fail("read", net.ErrClosed)
		case c.readBy.passed:
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case c.reset:
			return 0, c.fail("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case len(p) == 0:
			return 0, nil
		case c.frozen:
		case c.in.Len() > 0:
			n, err := c.in.Read(p)
			c.changed.Broadcast()
			return n, err
		case c.ended:
			return 0, io.EOF
		}
		c.changed.Wait()
	}
}

// Write hands p to the peer, as far as the buffer has room, and waits for the rest. Concurrent writes do not mix.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		if err := c.unwritable(); err != nil {
			return 0, err
		}
		c.changed.Wait()
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.changed.Broadcast()
	}()
	for {
		if err := c.unwritable(); err != nil {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		room := limit - c.unread()
		if room <= 0 {
			c.changed.Wait()
			continue
		}
		part := p[n:min(len(p), n+room)]
		if c.frozen {
			c.lost += len(part)
		} else {
			c.peer.in.Write(part)
		}
		n += len(part)
		c.changed.Broadcast()
	}
}

// unwritable returns the error of a Write that begins or goes on now, nil if it may.
func (c *Conn) unwritable() error {
	switch {
	case c.closed:
		return c.fail("write", net.ErrClosed)
	case c.writeBy.passed:
		return c.fail("write", os.ErrDeadlineExceeded)
	case c.reset:
		return c.fail("write", os.NewSyscallError("write", syscall.ECONNRESET))
	case c.finished, c.peer.closed:
		return c.fail("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	return nil
}

// unread counts the bytes that this end wrote and the peer has yet to read.
func (c *Conn) unread() int { return c.peer.in.Len() + c.lost }

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

func (c *Conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
