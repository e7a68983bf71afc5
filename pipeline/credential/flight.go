package credential

import (
	"context"
	"errors"
	"fmt"
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
		f := &flight{began: s.generation, done: make(chan struct{})}
		f.ctx, f.cancel = context.WithCancel(detached(leader))
		s.flight = f
		s.flying.Store(true)
		s.running.Add(1)
		s.tell()
		go s.fly(f)
	}
	return s.flight, v
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
	ctx, cancel := context.WithTimeout(f.ctx, s.config.FlightTimeout)
	defer cancel()
	err = s.renew(ctx, f)
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
		}
	} else {
		wait := s.backoff(s.failures)
		if fail := (*Failure)(nil); errors.As(cause, &fail) && fail.RetryAfter > 0 {
			wait = fail.RetryAfter
		}
		s.failures++
		v.err, v.retryAt = s.errorf(StatusCooldown, cause), time.Now().Add(wait)
		v.err.RetryAfter = wait
	}
	fault := v.err
	if s.closed {
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
	s.log().Warn("credential could not be renewed", "error", cause, "retry_after", fault.RetryAfter)
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

// renew gets the next token: from the store if somebody else already did, else from the source.
func (s *Session) renew(ctx context.Context, f *flight) error {
	s.mu.Lock()
	v, seen, current := s.view.Load(), s.seen, s.generation == f.began
	s.mu.Unlock()
	if !current {
		return nil
	}
	var prev Token
	if v.snap != nil {
		prev = v.snap.Token()
	}
	lease, rec, err := s.config.Store.Lease(ctx, s.key, seen)
	for err == nil && lease == nil { // another process, or another life of this session, was here
		if n := s.revive(f.began, rec); n != nil && (!v.refused || rec.Token.Access != prev.Access) {
			s.learn(rec.Token)
			s.see(rec.Generation)
			s.publish(f.began, &view{snap: n})
			s.log().Debug("credential adopted the stored token", "generation", n.generation)
			return nil
		}
		prev = rec.Token
		lease, rec, err = s.config.Store.Lease(ctx, s.key, rec.Generation)
	}
	if err != nil {
		return fmt.Errorf("waiting for the turn to renew: %w", err)
	}
	defer lease.Release()
	s.mu.Lock()
	if s.seen == seen {
		s.seen = rec.Generation
	}
	current = s.generation == f.began
	s.mu.Unlock()
	if !current {
		return nil
	}

	got, sent, err := s.exchange(ctx, prev)
	if err != nil && (got.Access.IsZero() || got.Refresh.IsZero() || got.Refresh == prev.Refresh) {
		return err
	}
	s.learn(got)
	next := &view{snap: newSnapshot(max(f.began, rec.Generation)+1, got, s.config.Place, sent, s.early)}
	switch {
	case err != nil: // over before it arrived, but it brought the only refresh token that is still alive
		s.cool(next, err)
	case v.refused && v.snap.Token().Access == got.Access:
		next.snap.repeated = true
		s.cool(next, errRepeated)
	}
	yield := func(other Record) bool { return other.Token.Access != prev.Access && s.revive(f.began, other) != nil }
	s.deliver(f.ctx, f.began, next, yield)
	return nil
}

var errRepeated = errors.New("the source gave the refused token once more")

// cool makes next a view in cooldown, because what it brings is no success.
func (s *Session) cool(next *view, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.backoff(s.failures)
	s.failures++
	next.retryAt, next.err = time.Now().Add(wait), s.errorf(StatusCooldown, cause)
	next.err.RetryAfter = wait
}

// revive makes a snapshot of a stored record; nil if its token is over. The wall clock is all that processes share.
func (s *Session) revive(began uint64, rec Record) *Snapshot {
	if rec.Token.Access.IsZero() {
		return nil
	}
	now := time.Now()
	sent := now.Add(-max(0, now.Round(0).Sub(rec.Obtained)))
	n := newSnapshot(max(began+1, rec.Generation), rec.Token, s.config.Place, sent, s.early)
	if !n.mandatory.IsZero() && !now.Before(n.mandatory) {
		return nil
	}
	return n
}
