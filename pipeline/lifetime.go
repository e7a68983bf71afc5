package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lifetime is the context of a call, or of one send. It differs from context.WithDeadline in two ways that matter here: its
// deadlines can move (a body that makes progress, a stream that outlives the call's timeout), and it costs nothing until
// somebody listens: the timer and the link to the parent are made by the first Done or AfterFunc. Err looks at the clock itself.
type lifetime struct {
	parent context.Context // ends this one when it ends
	values context.Context // answers Value; as a rule the parent
	call   *Call

	heard atomic.Bool // somebody asked for done

	mu       sync.Mutex
	done     chan struct{}
	err      error
	reason   string    // which limit ended it: "timeout", "attempt_timeout", "body_idle_timeout", or "" for the parent's
	deadline time.Time // zero: none
	limit    string    // reason of deadline
	idle     time.Time // zero: none
	timer    *time.Timer
	stop     func() bool // leaves the parent
	after    map[*func()]struct{}
}

type callKey struct{}

// Value implements context.Context.
func (l *lifetime) Value(key any) any {
	if key == (callKey{}) {
		return l.call
	}
	return l.values.Value(key)
}

// Deadline implements context.Context: the earliest of its own deadline and the parent's.
func (l *lifetime) Deadline() (time.Time, bool) {
	outer, ok := l.parent.Deadline()
	l.mu.Lock()
	own := l.deadline
	l.mu.Unlock()
	if own.IsZero() || ok && outer.Before(own) {
		return outer, ok
	}
	return own, true
}

// Err implements context.Context.
func (l *lifetime) Err() error {
	l.mu.Lock()
	if l.err != nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.mu.Unlock()
	if err := l.parent.Err(); err != nil {
		l.end(err, "")
		return err
	}
	l.tick()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Done implements context.Context.
func (l *lifetime) Done() <-chan struct{} {
	l.mu.Lock()
	if l.done != nil {
		defer l.mu.Unlock()
		return l.done
	}
	done := make(chan struct{})
	l.done = done
	l.heard.Store(true)
	if l.err != nil {
		close(done)
		l.mu.Unlock()
		return done
	}
	l.arm()
	l.mu.Unlock()
	l.follow()
	return done
}

// AfterFunc lets package context derive from a lifetime without a goroutine. f must not block. It never runs within AfterFunc:
// package context calls that with a lock held which f takes.
func (l *lifetime) AfterFunc(f func()) (stop func() bool) {
	l.Done()
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		go f()
		return func() bool { return false }
	}
	key := &f
	if l.after == nil {
		l.after = make(map[*func()]struct{}, 1)
	}
	l.after[key] = struct{}{}
	l.mu.Unlock()
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		_, ok := l.after[key]
		delete(l.after, key)
		return ok
	}
}

// setDeadline moves the deadline; the zero time lifts it.
func (l *lifetime) setDeadline(at time.Time, reason string) {
	l.mu.Lock()
	l.deadline, l.limit = at, reason
	l.rearm()
	l.mu.Unlock()
}

// setIdle has the lifetime end unless it is called again within d; 0 lifts that. Where nobody listens for the end it does nothing:
// then nothing could be interrupted.
func (l *lifetime) setIdle(d time.Duration) {
	if !l.heard.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = time.Time{}
	if d > 0 {
		l.idle = time.Now().Add(d)
	}
	l.rearm()
}

// limitReason tells which of the lifetime's own limits ended it, "" if none did.
func (l *lifetime) limitReason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// release ends the lifetime because its work is over, and frees what it holds.
func (l *lifetime) release() { l.end(context.Canceled, "") }

// next returns the earlier of the own deadlines. l.mu is held.
func (l *lifetime) next() (at time.Time, reason string) {
	at, reason = l.deadline, l.limit
	if !l.idle.IsZero() && (at.IsZero() || l.idle.Before(at)) {
		at, reason = l.idle, "body_idle_timeout"
	}
	return at, reason
}

// arm starts the timer for the next own deadline. l.mu is held.
func (l *lifetime) arm() {
	at, _ := l.next()
	if at.IsZero() {
		return
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(time.Until(at), l.tick)
		return
	}
	l.timer.Reset(time.Until(at))
}

// rearm follows a moved deadline, if anybody listens. l.mu is held. A timer that is early is harmless: tick looks at the clock.
func (l *lifetime) rearm() {
	if l.done == nil || l.err != nil {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.arm()
}

// follow ends the lifetime when its parent ends.
func (l *lifetime) follow() {
	if l.parent.Done() == nil {
		return
	}
	ended := func() { l.end(l.parent.Err(), "") }
	var stop func() bool
	if p, ok := l.parent.(*lifetime); ok {
		stop = p.AfterFunc(ended)
	} else {
		stop = context.AfterFunc(l.parent, ended)
	}
	l.mu.Lock()
	over := l.err != nil
	if !over {
		l.stop = stop
	}
	l.mu.Unlock()
	if over {
		stop()
	}
}

// tick ends the lifetime if a deadline has passed, else waits for the next one.
func (l *lifetime) tick() {
	l.mu.Lock()
	at, reason := l.next()
	if l.err != nil || at.IsZero() {
		l.mu.Unlock()
		return
	}
	if time.Now().Before(at) {
		if l.done != nil {
			l.arm()
		}
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	l.end(context.DeadlineExceeded, reason)
}

func (l *lifetime) end(err error, reason string) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	if err == nil {
		err = context.Canceled
	}
	l.err, l.reason = err, reason
	if l.done != nil {
		close(l.done)
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	after, stop := l.after, l.stop
	l.after, l.stop = nil, nil
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
	for f := range after {
		(*f)()
	}
}
