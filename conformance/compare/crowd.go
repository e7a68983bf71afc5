package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// crowd answers requests as they come, but hands no answer out before everybody has asked: size requests, or fewer after which none
// came for quiet. So all callers meet the dead token, and all who renew it do so at the same time, in every run alike: the worst
// moment, and the usual one, as a busy program has its tokens revoked while it is busy. Later requests are answered at once.
type crowd struct {
	size  int
	quiet time.Duration
	next  http.Handler

	mu    sync.Mutex
	count int
	here  chan struct{} // closed when all are
	timer *time.Timer
}

func newCrowd(size int, quiet time.Duration, next http.Handler) *crowd {
	return &crowd{size: size, quiet: quiet, next: next, here: make(chan struct{})}
}

// ServeHTTP has next answer, and waits for the others.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	c.next.ServeHTTP(answer, r)
	c.arrive()
	<-c.here
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (c *crowd) arrive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	switch {
	case c.count > c.size || c.timer != nil && !c.timer.Stop(): // the gate is open
	case c.count == c.size:
		close(c.here)
	default:
		c.timer = time.AfterFunc(c.quiet, func() { close(c.here) })
	}
}

// arrived returns how many requests came.
func (c *crowd) arrived() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}
