package pipeline

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// pool is a transport that knows how many of its connections are open, so that none outlives its runner unused.
type pool struct {
	*http.Transport

	open atomic.Int32
}

// newPool counts the connections that t dials.
func newPool(t *http.Transport) *pool {
	p := &pool{Transport: t}
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		p.open.Add(1)
		return &pooledConn{Conn: c, pool: p}, nil
	}
	return p
}

// close ends the connections that are unused, now and as soon as others are. net/http does the latter for HTTP/1 alone: an HTTP/2
// connection whose last stream is not yet quite over would stay for idle_conn_timeout.
func (p *pool) close() error {
	p.CloseIdleConnections()
	p.reap(time.Millisecond)
	return nil
}

func (p *pool) reap(after time.Duration) {
	if p.open.Load() == 0 || after > p.IdleConnTimeout {
		return
	}
	time.AfterFunc(after, func() {
		p.CloseIdleConnections()
		p.reap(2 * after)
	})
}

type pooledConn struct {
	net.Conn

	pool   *pool
	closed atomic.Bool
}

// Close closes the connection and takes it off the count.
func (c *pooledConn) Close() error {
	if !c.closed.Swap(true) {
		c.pool.open.Add(-1)
	}
	return c.Conn.Close()
}
