package credential

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Status is the word for what a session can do at a moment.
type Status string

// The statuses of a session.
const (
	StatusEmpty    Status = "empty"    // no token yet
	StatusFresh    Status = "fresh"    // has a token
	StatusAdvisory Status = "advisory" // the token is good, but old: it is renewed in the background
	StatusExpired  Status = "expired"  // the token is over, or a 401 refused it
	StatusCooldown Status = "cooldown" // the last renewal failed for a passing reason; the next one is not yet due
	StatusDead     Status = "dead"     // nothing but a login or a new token helps
	StatusClosed   Status = "closed"   // logged out, or closed
)

// State tells how a session is. It holds no secret.
type State struct {
	Name       string    `json:"name"`
	Subject    string    `json:"subject,omitempty"`
	Status     Status    `json:"status"`
	Generation uint64    `json:"generation"` // of the current token, 0 if there is none
	Expires    time.Time `json:"expires,omitzero"`
	RetryAt    time.Time `json:"retry_at,omitzero"` // in cooldown: when the next renewal is due
	Renewing   bool      `json:"renewing"`          // a flight is under way
	Unsaved    bool      `json:"unsaved"`           // the store lacks the token, or still has it after a logout: that is tried again
	Rejections uint64    `json:"rejections"`        // how often Reject was called
	// StoreFailing tells that the store failed when it was last called; good tokens serve all the same.
	StoreFailing bool   `json:"store_failing"`
	LastError    string `json:"last_error,omitempty"`
}

// Error is why a session gives no token. One value serves all who waited for the same flight: nobody may write to it.
// It unwraps to a *Failure where a token request failed, and to ErrLoginRequired where only a login helps.
type Error struct {
	Name       string        // the credential
	Subject    string        // "" unless the credential is per subject
	Status     Status        // what the session was in when it refused
	RetryAfter time.Duration // in cooldown: how long until the next renewal is due
	Err        error
}

// Error says which credential, what happened, and when the next try is due.
func (e *Error) Error() string {
	who := "credential " + strconv.Quote(e.Name)
	if e.Subject != "" {
		who += " of " + strconv.Quote(e.Subject)
	}
	if e.Status == StatusCooldown {
		return fmt.Sprintf("%s has no usable token, next try in %s: %v", who, e.RetryAfter.Round(time.Millisecond), e.Err)
	}
	return fmt.Sprintf("%s: %v", who, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// view is all that a reader of a session needs, immutable and behind one atomic pointer. Writers hold Session.mu.
type view struct {
	snap    *Snapshot
	refused bool      // a 401 answered a send that carried snap
	unsaved bool      // snap is not in the store
	byHand  bool      // snap came by a login or Set, or it is a logout: until it is saved it wins over whatever the store holds
	ended   Status    // StatusDead or StatusClosed, else ""
	left    time.Time // of a logout: when
	retryAt time.Time // no flight before it
	err     *Error    // of the last flight that failed; nil once one succeeded

	freshFor time.Duration // from Session.start: until then there is nothing to consider
}

// forever is a freshFor that no clock need be read for.
const forever = time.Duration(math.MaxInt64)

// calm computes freshFor.
func (v *view) calm(start time.Time) time.Duration {
	switch {
	case v.snap == nil || v.refused || v.ended != "":
		return 0
	case v.snap.expires.IsZero():
		return forever
	}
	return v.snap.advisory.Sub(start)
}

// good reports whether the token may go out: not refused and not over. A token past its mandatory moment still counts.
func (v *view) good(now time.Time) bool {
	return v.snap != nil && !v.refused && v.ended == "" && (v.snap.expires.IsZero() || now.Before(v.snap.expires))
}

// untilOver cuts a wait at the next moment that the token ends: at its mandatory one, then for good.
func (v *view) untilOver(now time.Time, wait time.Duration) time.Duration {
	if !v.good(now) || v.snap.expires.IsZero() {
		return wait
	}
	left := v.snap.mandatory.Sub(now)
	if left <= 0 {
		left = v.snap.expires.Sub(now)
	}
	return min(wait, left)
}

func (v *view) status(now time.Time) Status {
	switch {
	case v.ended != "":
		return v.ended
	case !v.retryAt.IsZero() && now.Before(v.retryAt):
		return StatusCooldown
	case v.snap == nil:
		return StatusEmpty
	case v.refused:
		return StatusExpired
	case v.snap.expires.IsZero() || now.Before(v.snap.advisory):
		return StatusFresh
	case now.Before(v.snap.mandatory):
		return StatusAdvisory
	}
	return StatusExpired
}

// failure returns the error of a session that serves nothing now. In cooldown that is a copy: the rest of the wait differs.
func (v *view) failure(now time.Time) *Error {
	if v.ended != "" || v.err == nil {
		return v.err
	}
	e := *v.err
	e.RetryAfter = max(0, v.retryAt.Sub(now))
	return &e
}

// State returns how the session is at this moment.
func (s *Session) State() State { return s.state(s.view.Load()) }

func (s *Session) state(v *view) State {
	now := time.Now()
	st := State{
		Name: s.config.Name, Subject: s.config.Subject,
		Status: v.status(now), Renewing: s.flying.Load(), Unsaved: v.unsaved, Rejections: s.rejections.Load(),
		StoreFailing: s.failing.Load(),
	}
	if v.snap != nil {
		st.Generation, st.Expires = v.snap.generation, v.snap.expires
	}
	if st.Status == StatusCooldown {
		st.RetryAt = v.retryAt
	}
	if v.err != nil {
		st.LastError = v.err.Err.Error()
	}
	return st
}

// Watch returns a channel that holds the newest state: at once the present one, then one after each token, failure, rejection,
// login and logout. A slow reader misses states in between, never the last. That time passes (fresh, advisory, expired) is no
// event. The channel is closed when ctx ends or the session is closed.
func (s *Session) Watch(ctx context.Context) <-chan State {
	ch := make(chan State, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	ch <- s.state(s.view.Load())
	if s.closed {
		close(ch)
		return ch
	}
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.watchers[ch]; ok {
			delete(s.watchers, ch)
			close(ch)
		}
	})
	s.watchers[ch] = stop
	return ch
}

// change publishes v and tells the watchers. The caller holds s.mu.
func (s *Session) change(v *view) {
	v.freshFor = v.calm(s.start)
	s.view.Store(v)
	s.tell()
}

// settle publishes v and ends the flight that runs, if any, with a token or an error: in this order, so that a waiter who
// wakes finds the view that goes with what it got. The caller holds s.mu.
func (s *Session) settle(v *view, n *Snapshot, err *Error) {
	f := s.flight
	s.flight = nil
	s.flying.Store(false)
	s.change(v)
	if f != nil {
		f.snap, f.err = n, err
		close(f.done)
		f.cancel()
	}
}

// tell gives every watcher the present state. The caller holds s.mu, so nobody else sends and the emptied buffer has room.
func (s *Session) tell() {
	if len(s.watchers) == 0 {
		return
	}
	st := s.state(s.view.Load())
	for ch := range s.watchers {
		select {
		case <-ch:
		default:
		}
		ch <- st
	}
}
