package credential

import (
	"context"
	"fmt"
	"time"
)

// sight identifies a record: a store that lost what it held begins again with the generations that it had.
type sight struct {
	generation uint64
	obtained   time.Time
}

func sightOf(r Record) sight { return sight{r.Generation, r.Obtained} }

// against returns the generation to judge rec against: that of the sight, and one more where rec only looks like it.
func (s sight) against(rec Record) uint64 {
	if rec.Generation == s.generation && !rec.Obtained.Equal(s.obtained) {
		return s.generation + 1
	}
	return s.generation
}

// moment is when what the view holds came about, by the wall clock: all that processes share.
func (v *view) moment() time.Time {
	if v.snap != nil {
		return v.snap.sent.Round(0)
	}
	return v.left
}

// worth reports whether the token serves or can be renewed from.
func (v *view) worth() bool {
	return v.snap != nil && v.ended == "" && (!v.snap.Token().Refresh.IsZero() || v.good(time.Now()))
}

// yields reports whether rec counts over what the session holds. It does not where the session's own is still to be saved and is
// newer, nor where the store went back to an older copy: then the own refresh token is the one that is alive.
func (v *view) yields(seen uint64, rec Record) bool {
	switch {
	case rec.Generation == 0:
		return false
	case v.snap == nil && v.ended != StatusClosed:
		return true
	case rec.Generation == seen:
		return !v.unsaved
	case v.unsaved && v.byHand:
		return false
	case v.unsaved || rec.Generation < seen:
		return !rec.Obtained.Before(v.moment())
	}
	return true
}

// revive makes a snapshot of a stored record; nil if its token is over. The wall clock is all that processes share.
func (s *Session) revive(began uint64, rec Record) *Snapshot {
	n := s.recall(began, rec)
	if n == nil || !n.mandatory.IsZero() && !time.Now().Before(n.mandatory) {
		return nil
	}
	return n
}

// recall is revive for a token that may be over.
func (s *Session) recall(began uint64, rec Record) *Snapshot {
	if rec.Token.Access.IsZero() || rec.Ended != "" {
		return nil
	}
	now := time.Now()
	sent := now.Add(-max(0, now.Round(0).Sub(rec.Obtained)))
	return newSnapshot(max(began+1, rec.Generation), rec.Token, s.config.Place, sent, s.early)
}

// follow takes over what somebody else stored, a good token that is not the session's own, or a logout, and reports whether it did.
func (s *Session) follow(began uint64, v *view, rec Record) bool {
	if rec.Ended == StatusClosed {
		s.leave(began, rec)
		return true
	}
	n := s.revive(began, rec)
	if n == nil || v.snap != nil && rec.Token.Access == v.snap.Token().Access {
		return false
	}
	s.adopt(began, n, rec)
	return true
}

// passes reports whether what the store holds is passed over for now, because somebody logs in, and notes that. The caller holds s.mu.
func (s *Session) passes() bool {
	s.missed = s.missed || s.loggingIn
	return s.loggingIn
}

// adopt publishes a stored token.
func (s *Session) adopt(began uint64, n *Snapshot, rec Record) {
	s.learn(rec.Token)
	s.log().Debug("credential adopted the stored token", "generation", n.generation) // before the waiters go on
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != began || s.passes() {
		return
	}
	s.seen = sightOf(rec)
	s.install(&view{snap: n})
}

// leave publishes that somebody else logged the credential out.
func (s *Session) leave(began uint64, rec Record) {
	s.mu.Lock()
	if s.generation != began || s.passes() {
		s.mu.Unlock()
		return
	}
	s.seen = sightOf(rec)
	old := s.view.Load()
	known := old.ended == StatusClosed
	if !known {
		s.generation++
		s.failures, s.storms, s.refusals = 0, 0, nil
		out := s.errorf(StatusClosed, fmt.Errorf("logged out elsewhere: %w", ErrLoginRequired))
		s.settle(&view{ended: StatusClosed, err: out, left: rec.Obtained}, nil, out)
		s.looked.Store(int64(time.Since(s.start)))
	}
	s.mu.Unlock()
	if !known {
		s.log().Info("credential was logged out elsewhere")
	}
}

// concede notes that rec counts over what the session holds, which need not be saved any more.
func (s *Session) concede(ctx context.Context, began uint64, rec Record) {
	if s.view.Load().unsaved { // its writer must not take the note for leave to write
		if s.writing.take(ctx) != nil {
			return
		}
		defer s.writing.give()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != began {
		return
	}
	s.seen = sightOf(rec)
	if v := *s.view.Load(); v.unsaved {
		v.unsaved = false
		s.change(&v)
	}
}

// restore saves again what the session holds, because the store lost it: who comes next must find it there, rather than begin
// with a refresh token that was used long ago. rec is what it holds instead, judged against known.
//
// Which process holds the newest token the store can't tell any more. Where several bring theirs back, the one that was
// obtained last stays. What remains is a process that missed the news before the loss and that renews, with a refresh token which
// was used, before any holder of a newer one has noticed: it ends where the server takes such a token for stolen.
func (s *Session) restore(ctx context.Context, began uint64, known sight, rec Record) {
	if s.lost(ctx, began, known, rec) {
		s.log().Warn("the store has lost the token of a credential: it is saved again")
		_ = s.saveNow(ctx)
	}
}

// lost notes what restore is told and reports whether there is something to save.
func (s *Session) lost(ctx context.Context, began uint64, known sight, rec Record) bool {
	if s.writing.take(ctx) != nil {
		return false
	}
	defer s.writing.give()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := *s.view.Load()
	if s.generation != began || s.seen != known { // written meanwhile: rec is older than what the store holds by now
		return false
	}
	s.seen = sightOf(rec)
	if v.unsaved || !v.worth() && (v.ended != StatusClosed || s.closed) {
		return false
	}
	v.unsaved, v.byHand = true, false // it won when it came; what is newer it must not replace
	s.change(&v)
	return true
}
