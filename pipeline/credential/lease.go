package credential

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// storeError says that the store failed, and what that means for who waits.
type storeError struct {
	name   string
	policy OnStoreFailure
	err    error
}

func (e *storeError) Error() string {
	who := "the store"
	if e.name != "" {
		who += " " + strconv.Quote(e.name)
	}
	text := fmt.Sprintf("%s can't be used: %v; calls go on once it works", who, e.err)
	if e.policy != RefreshWithoutStore && outOfReach(e.err) {
		text += ` (on_store_failure = "refresh" renews without it; two processes might collide)`
	}
	return text
}

func (e *storeError) Unwrap() []error { return []error{ErrStore, e.err} }

// outOfReach reports whether the store does not answer, unlike one that says what is wrong.
func outOfReach(err error) bool {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	late, ok := errors.AsType[net.Error](err)
	return ok && late.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// patience is how long a call of the store may take. A store that failed just now gets less: callers wait.
func (s *Session) patience() time.Duration {
	if s.failing.Load() {
		return s.config.FlightTimeout / 10
	}
	return s.config.FlightTimeout / 3
}

// lease waits for the turn, or for news. The turn may be somebody else's for long; that the store itself hangs is told by
// reading it. The error is a *storeError where the store fails, and another where ctx ended.
func (s *Session) lease(ctx context.Context, seen uint64) (lease Lease, rec Record, err error) {
	for {
		lease, rec, err = s.tryLease(ctx, seen)
		if err == nil {
			s.storeWorks()
			return lease, rec, nil
		}
		if ctx.Err() != nil {
			return nil, Record{}, fmt.Errorf("waiting for the turn to renew: %w", context.Cause(ctx))
		}
		if errors.Is(err, context.DeadlineExceeded) {
			if _, err = s.load(ctx); err == nil {
				continue
			}
		}
		return nil, Record{}, s.storeFails(err)
	}
}

func (s *Session) tryLease(ctx context.Context, seen uint64) (lease Lease, rec Record, err error) {
	defer s.recoverAs(&err, "store")
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	return s.config.Store.Lease(ctx, s.key, seen)
}

// load reads the record.
func (s *Session) load(ctx context.Context) (rec Record, err error) {
	defer s.recoverAs(&err, "store")
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	return s.config.Store.Load(ctx, s.key)
}

// put saves r in place of generation prev. The caller holds s.writing. What the store tells meanwhile is about this very write,
// unless it tells more than once.
func (s *Session) put(ctx context.Context, prev uint64, r Record) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	s.mu.Lock()
	s.writes, s.tidings = true, 0
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		own := 0
		if err == nil {
			own = 1
			s.seen = sightOf(r)
		}
		more := s.tidings > own
		s.writes = false
		s.mu.Unlock()
		if more {
			s.looker.add(s)
		}
	}()
	defer s.recoverAs(&err, "store")
	return s.config.Store.Save(ctx, s.key, prev, r)
}

// storeFails notes that the store failed and returns why as a *storeError.
func (s *Session) storeFails(err error) *storeError {
	fault := &storeError{name: s.config.StoreName, policy: s.config.OnStoreFailure, err: err}
	if !s.failing.Swap(true) {
		s.log().Warn("the store of a credential fails", "store", s.config.StoreName, "error", err)
	}
	return fault
}

func (s *Session) storeWorks() {
	if s.failing.Load() && s.failing.Swap(false) {
		s.back.Store(int64(time.Since(s.start)))
		s.log().Info("the store of a credential works again", "store", s.config.StoreName)
	}
}

// settling is how long a refresh token from a store that has just come back is not to be used: who got a newer one while it was
// away is about to save it.
func (s *Session) settling() time.Duration {
	back := time.Duration(s.back.Load())
	if back == 0 {
		return 0
	}
	return s.config.FlightTimeout/5 - (time.Since(s.start) - back)
}

// giveBack ends a turn, or leaves it to who saves the token that came of it: the next one must not find the token before.
func (s *Session) giveBack(l Lease) {
	s.mu.Lock()
	if s.view.Load().unsaved && !s.saving { // a login or logout cut the flight short, maybe after the server had rotated
		s.mu.Unlock()
		_ = s.writing.take(context.Background())
		_ = s.save(context.Background())
		s.writing.give()
		s.mu.Lock()
	}
	if s.saving && s.kept == nil && s.view.Load().unsaved {
		s.kept, s.keptUntil = l, time.Now().Add(s.config.FlightTimeout)
		l = nil
	}
	s.mu.Unlock()
	if l != nil {
		l.Release()
	}
}

// takeKept returns a turn of an earlier flight that is still held, for giveBack to take again; nil if there is none.
func (s *Session) takeKept() Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.kept
	if l == nil || !l.Held() {
		return nil
	}
	s.kept = nil
	return l
}

// letGo ends a turn that was kept, once it is time or if it must be.
func (s *Session) letGo(must bool) {
	s.mu.Lock()
	l := s.kept
	if l == nil || !must && time.Now().Before(s.keptUntil) {
		s.mu.Unlock()
		return
	}
	s.kept = nil
	s.mu.Unlock()
	l.Release()
}

// unkeep ends a turn of an earlier flight, once what came of it is saved. A *storeError says that the store still fails.
func (s *Session) unkeep(ctx context.Context) error {
	s.mu.Lock()
	kept := s.kept != nil
	s.mu.Unlock()
	if !kept {
		return nil
	}
	err := s.writing.take(ctx)
	if err == nil {
		err = s.save(ctx)
		s.writing.give()
	}
	if err != nil {
		return s.storeFails(err)
	}
	s.letGo(true)
	return nil
}
