package simnet

import (
	"bytes"
	"context"
	"net"
	"os"
	"syscall"
)

// Flush waits until the peer has read everything that this end wrote, so that a Reset which follows takes away nothing. It returns
// the context's cause when that ends first, and the error of a write when the connection does. What a server still holds back is
// not known here: net/http's HTTP/2 server writes to the connection after a handler's Flush, so synctest.Wait has to come before.
func (c *Conn) Flush(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return c.fail("write", net.ErrClosed)
		case c.reset, c.peer.closed:
			return c.fail("write", os.NewSyscallError("write", syscall.ECONNRESET))
		case c.unread() == 0:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		c.changed.Wait()
	}
}

// Close ends both directions as a FIN does: the peer reads what it has yet to read and then io.EOF, and its writes fail with EPIPE.
// Reads and writes of this end fail with net.ErrClosed, those under way too. A second Close returns that error and changes nothing.
//
// If the peer is frozen, it learns of the end in the way of a link that is given up: ECONNRESET, and what it had not read is gone.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.end()
	if c.peer.frozen {
		c.peer.drop()
	}
	c.peer.ended = true
	return nil
}

// Reset ends the connection as a TCP RST that this end sends: what the peer has yet to read is gone, and its reads and writes fail
// with ECONNRESET, those under way too. Reads and writes of this end fail with net.ErrClosed. After a Close it changes nothing.
func (c *Conn) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.end()
	c.peer.drop()
}

// CloseWrite ends the direction in which this end writes: the peer reads what it has yet to read and then io.EOF, later writes of
// this end fail with EPIPE, and reading goes on.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.finished = true
	if !c.frozen {
		c.peer.ended = true
	}
	c.changed.Broadcast()
	return nil
}

// Freeze makes the link a dead one, as seen from this end: what it writes from now on arrives nowhere, and what the peer writes is
// not read. Nobody is told: writes of both ends go into the buffers until those are full, and then they wait, as reads do, for a
// deadline, or for either end to be closed or reset, which the other end does learn. What was written before still arrives.
func (c *Conn) Freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = true
}

func (c *Conn) end() {
	c.closed = true
	c.in = bytes.Buffer{}
	c.readBy.stop()
	c.writeBy.stop()
	c.changed.Broadcast()
}

func (c *Conn) drop() {
	c.reset = true
	c.in = bytes.Buffer{}
	c.changed.Broadcast()
}
