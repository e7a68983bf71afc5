package credential

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// flight is one renewal and those who wait for it. snap and err are set before done is closed and never after.
type flight struct {
	began   uint64 // the session's generation when it started
	ctx     context.Context
	cancel  context.CancelFunc
	waiters atomic.Int64
	done    chan struct{}
	snap    *Snapshot
	err     *Error
}

// launch starts a flight for nobody in particular.
func (s *Session) launch(ctx context.Context) { _, _ = s.join(ctx) }

// join returns the flight that runs, or starts one if the session needs it, and the view that it decided on.
// It returns no flight where the view alone answers.
func (s *Session) join(leader context.Context) (*flight, *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view.Load()
	switch v.status(time.Now()) {
	case StatusEmpty, StatusAdvisory, StatusExpired:
	default:
		return nil, v
	}
	if s.flight == nil {
		s.takeOff(leader)
	}
	return s.flight, v
}

// takeOff starts a flight. The caller holds s.mu.
func (s *Session) takeOff(leader context.Context) {
	f := &flight{began: s.generation, done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(detached(leader))
	s.flight = f
	s.flying.Store(true)
	s.running.Add(1)
	s.tell()
	go s.fly(f)
}

// detached keeps the leader's trace link and nothing else of it: a rotated token must not be lost because a caller left.
func detached(leader context.Context) context.Context {
	return trace.ContextWithSpanContext(context.Background(), trace.SpanContextFromContext(leader))
}

// fly is the goroutine of one flight.
func (s *Session) fly(f *flight) {
	defer s.running.Done()
	err := errors.New("the renewal ended early")
	defer func() { s.land(f, err) }() // deferred, because a source may end its goroutine (runtime.Goexit)
	defer s.recoverAs(&err, "renewal")

	if s.request.take(f.ctx) != nil {
		return // somebody else settled the flight meanwhile
	}
	defer s.request.give()
	err = s.renew(f)
}

// land ends a flight that published nothing: the session cools down, or dies where only a login helps.
func (s *Session) land(f *flight, cause error) {
	defer f.cancel()
	s.mu.Lock()
	if s.flight != f { // it published, or a login, a logout or a stored token settled it
		s.mu.Unlock()
		return
	}
	v := *s.view.Load()
	if errors.Is(cause, ErrLoginRequired) {
		v.err, v.retryAt = s.errorf(StatusDead, cause), time.Time{}
		if !s.closed {
			v.ended = StatusDead
			s.looked.Store(int64(time.Since(s.start)))
		}
	} else {
		wait := s.backoff(s.failures)
		if fault := (*storeError)(nil); errors.As(cause, &fault) {
			wait = v.untilOver(time.Now(), wait)
		}
		if fail := (*Failure)(nil); errors.As(cause, &fail) && fail.RetryAfter > 0 {
			wait = fail.RetryAfter
		}
		s.failures++
		v.err, v.retryAt = s.errorf(StatusCooldown, cause), time.Now().Add(wait)
		v.err.RetryAfter = wait
	}
	fault, closed := v.err, s.closed
	if closed {
		v.err = s.view.Load().err
	}
	s.settle(&v, nil, fault)
	s.mu.Unlock()
	if fault.Status == StatusDead {
		level := slog.LevelError
		if v.snap == nil { // nobody has logged in yet: that is no fault
			level = slog.LevelInfo
		}
		s.log().Log(context.Background(), level, "credential needs a login", "error", cause)
		return
	}
	level := slog.LevelWarn
	if closed && errors.Is(cause, context.Canceled) { // Close ended the wait: nothing failed
		level = slog.LevelDebug
	}
	s.log().Log(context.Background(), level, "credential could not be renewed", "error", cause, "retry_after", fault.RetryAfter)
}

// install makes v, which holds a newer token, the session's view. The caller holds s.mu.
func (s *Session) install(v *view) {
	s.generation = v.snap.generation
	if v.err == nil {
		s.failures = 0
	}
	n, fault := v.snap, v.err
	if v.good(time.Now()) {
		fault = nil
	} else if fault != nil {
		n = nil
	}
	if s.closed {
		old := s.view.Load()
		v.ended, v.err = old.ended, old.err
	}
	s.settle(v, n, fault)
}
