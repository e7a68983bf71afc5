package credential

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxTurns bounds how often a flight begins again, because the turn was lost or a record that is over came in between.
const maxTurns = 8

// renew gets the next token: from the store if somebody else already did, else from the source.
func (s *Session) renew(f *flight) error {
	wait, cancel := context.WithTimeout(f.ctx, s.config.FlightTimeout)
	defer cancel()
	// A session that is closed does not begin to ask; what it has asked it waits for.
	defer context.AfterFunc(s.life, cancel)()
	a := s.newAsking()
	if fault := (*storeError)(nil); errors.As(s.unkeep(wait), &fault) {
		return s.alone(f, a, fault)
	}
	for range maxTurns {
		if done, err := s.turn(wait, f, a); done || err != nil {
			return err
		}
	}
	return errTurnLost
}

// turn waits for the turn or for news and acts on it. It is done, or all is to be looked at anew.
func (s *Session) turn(wait context.Context, f *flight, a *asking) (done bool, err error) {
	_, known, current := s.now(f.began)
	if !current {
		return true, nil
	}
	lease, rec, err := s.lease(wait, known.generation)
	if fault := (*storeError)(nil); errors.As(err, &fault) {
		return true, s.alone(f, a, fault)
	}
	if err != nil {
		return true, err
	}
	a.held = always
	if lease != nil {
		defer s.giveBack(lease)
		a.held = lease.Held
	}
	v, still, current := s.now(f.began)
	switch {
	case !current:
		return true, nil
	case still != known: // what could not be saved before was saved meanwhile
		return false, nil
	}
	prev, seen := Token{}, known.against(rec)
	if v.snap != nil {
		prev = v.snap.Token()
	}
	switch {
	case v.yields(seen, rec):
		if s.follow(f.began, v, rec) {
			return true, nil
		}
		if rec.Ended == StatusDead {
			s.spent = rec.Token.Refresh
		} else if rec.Generation != seen {
			s.log().Debug("credential renews in place of a stored token that is over", "generation", rec.Generation)
		}
		prev = rec.Token
		s.concede(wait, f.began, rec)
	case rec.Generation < seen: // the store lost what it held, or went back to an older copy of it
		s.restore(wait, f.began, known, rec)
		return false, nil
	default:
		s.see(rec)
	}
	if lease == nil {
		return false, nil
	}
	if rest := s.settling(); rest > 0 && !v.unsaved && !prev.Refresh.IsZero() {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-wait.Done():
		}
		return false, nil
	}
	return s.ask(f, a, prev, rec)
}

// now returns what a flight decides on, and whether it still counts.
func (s *Session) now(began uint64) (v *view, seen sight, current bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.Load(), s.seen, s.generation == began
}

// ask makes the token request in place of rec, with the turn, and hands on what comes of it.
func (s *Session) ask(f *flight, a *asking, prev Token, rec Record) (done bool, err error) {
	ctx, cancel := context.WithTimeout(f.ctx, s.config.FlightTimeout)
	defer cancel()
	got, sent, err := s.exchange(ctx, prev, a)
	switch {
	case errors.Is(err, errTurnLost):
		s.log().Warn("the turn to renew a credential was lost before the token request left: it is taken again")
		return false, nil
	case errors.Is(err, ErrLoginRequired) && prev.Refresh == s.spent && !prev.Refresh.IsZero() && rec.Ended == "":
		if s.bury(f, prev, rec) {
			return false, nil
		}
		return true, err
	case errors.Is(err, ErrLoginRequired) && rec.Ended == StatusDead:
		return true, fmt.Errorf("the stored refresh token was refused: %w", ErrLoginRequired)
	case err != nil && !rotated(got, prev):
		return true, err
	}
	next := s.next(f, prev, rec.Generation, got, sent, err)
	yield := func(other Record) bool {
		switch other.Ended {
		case StatusClosed:
			return true
		case StatusDead:
			return false // of the token before
		}
		return other.Token.Access != prev.Access && s.revive(f.began, other) != nil
	}
	s.deliver(f.ctx, f.began, next, yield)
	return true, nil
}

// rotated reports whether an answer that is no success brought the only refresh token that is still alive.
func rotated(got, prev Token) bool {
	return !got.Access.IsZero() && !got.Refresh.IsZero() && got.Refresh != prev.Refresh
}

// next makes the view of what a token request brought; err says why that is no success.
func (s *Session) next(f *flight, prev Token, stored uint64, got Token, sent time.Time, err error) *view {
	s.learn(got)
	v := s.view.Load()
	next := &view{snap: newSnapshot(max(f.began, stored)+1, got, s.config.Place, sent, s.early)}
	switch {
	case err != nil: // over before it arrived
		s.cool(next, err)
	case v.refused && v.snap.Token().Access == got.Access:
		next.snap.repeated = true
		s.cool(next, errRepeated)
	}
	return next
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

// bury stores that the server has refused prev's refresh token for good, so that no other process tries it. It reports whether
// that is moot, because somebody else has stored something newer.
func (s *Session) bury(f *flight, prev Token, rec Record) (moot bool) {
	if s.writing.take(f.ctx) != nil {
		return false
	}
	defer s.writing.give()
	dead := Record{Generation: rec.Generation + 1, Token: prev, Obtained: rec.Obtained, Ended: StatusDead}
	if v := s.view.Load(); v.snap != nil && v.snap.Token().Refresh == prev.Refresh {
		dead.Obtained = v.moment()
	}
	err := s.put(context.WithoutCancel(f.ctx), rec.Generation, dead)
	if err != nil && !errors.Is(err, ErrConflict) {
		_ = s.storeFails(err)
	}
	return errors.Is(err, ErrConflict)
}

// alone goes on while the store is away. A good token serves on; past its end one is got that needs no turn, or, if the file says
// so, by the refresh token without the lock. What comes is saved later.
func (s *Session) alone(f *flight, a *asking, fault *storeError) error {
	v, now := s.view.Load(), time.Now()
	if v.good(now) && (v.snap.mandatory.IsZero() || now.Before(v.snap.mandatory)) {
		return fault
	}
	ctx, cancel := context.WithTimeout(f.ctx, s.config.FlightTimeout)
	defer cancel()
	prev := Token{}
	if v.snap != nil {
		prev = v.snap.Token()
	}
	a.held = always
	if source, ok := s.config.Source.(Spender); !ok || !source.Spends() {
		got, sent, err := s.attempts(ctx, a.obtain, a.held, s.config.Source.Obtain)
		if !errors.Is(err, ErrLoginRequired) {
			return s.keep(f, prev, got, sent, err)
		}
	}
	switch kept := s.takeKept(); {
	case kept != nil: // the store knows nothing of the own refresh token, and nobody else may renew
		defer s.giveBack(kept)
		a.held = kept.Held
	case v.good(now) || s.config.OnStoreFailure != RefreshWithoutStore:
		return fault
	default:
		s.log().Warn("renewing a credential without its store: another process may do so at the same time", "error", fault)
	}
	got, sent, err := s.exchange(ctx, prev, a)
	if errors.Is(err, ErrLoginRequired) { // perhaps the refresh token is an old one, and the store has the newest
		return fmt.Errorf("%w; without it: %s", fault, err.Error())
	}
	return s.keep(f, prev, got, sent, err)
}

// keep publishes a token that the store does not have.
func (s *Session) keep(f *flight, prev, got Token, sent time.Time, err error) error {
	if err != nil && !rotated(got, prev) {
		return err
	}
	next := s.next(f, prev, 0, got, sent, err)
	next.unsaved = true
	s.log().Debug("credential renewed", "generation", next.snap.generation, "lifetime", got.Lifetime)
	s.publish(f.began, next)
	return nil
}
