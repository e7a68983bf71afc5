package credential

import (
	"context"
	"errors"
	"time"
)

// deliver stores a token that was obtained, then publishes it: if the process dies in between, the next one finds it. It does
// neither where the session has moved on from generation began. A store that fails does not cost the only copy: the token
// is published all the same, and the write tried again. Where somebody else changed the record meanwhile, yield decides
// whether theirs is adopted. It reports whether a token was published.
func (s *Session) deliver(ctx context.Context, began uint64, next *view, yield func(Record) bool) bool {
	if s.writing.take(ctx) != nil {
		return false
	}
	defer s.writing.give()
	if !s.at(began) {
		return false
	}
	// The flight's own timeout must not cut the write of a token that arrived in its last moment.
	other, err := s.store(context.WithoutCancel(ctx), next.snap, yield)
	switch {
	case err != nil:
		next.unsaved = true
		_ = s.storeFails(err)
		s.log().Error("a token could not be stored: it is in memory only and the write is tried again", "error", err)
	case other != nil && s.follow(began, &view{}, *other):
		return true
	case other != nil: // over by now
		next.unsaved = true
	}
	// Before the waiters go on, so that the log has it before what they send with it.
	s.log().Debug("credential renewed", "generation", next.snap.generation, "lifetime", next.snap.Token().Lifetime)
	return s.publish(began, next)
}

func (s *Session) at(generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation == generation
}

// publish installs v unless a login, a logout or a stored token came first.
func (s *Session) publish(began uint64, v *view) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != began {
		return false
	}
	s.install(v)
	if v.unsaved {
		s.saveLater()
	}
	return true
}

// store saves n in place of the record that the session has seen; what became of another record is as replace says.
func (s *Session) store(ctx context.Context, n *Snapshot, yield func(Record) bool) (other *Record, err error) {
	token := n.Token()
	next := func(prev uint64) Record {
		return Record{Generation: max(n.generation, prev+1), Token: token, Obtained: n.sent.Round(0)}
	}
	same := func(r Record) bool { // an earlier write came through, and its answer did not
		return r.Ended == "" && r.Token.Access == token.Access && r.Token.Refresh == token.Refresh
	}
	return s.replace(ctx, next, same, yield)
}

// clear stores that the session was logged out at the moment left; what became of another record is as replace says.
func (s *Session) clear(ctx context.Context, left time.Time, yield func(Record) bool) (other *Record, err error) {
	next := func(prev uint64) Record {
		return Record{Generation: prev + 1, Obtained: left.Round(0), Ended: StatusClosed}
	}
	return s.replace(ctx, next, func(r Record) bool { return r.Ended == StatusClosed }, yield)
}

// replace puts what next makes in place of the record that the session has seen. Where the store holds another one that says the same,
// nothing is left to do; one that yield prefers stays and is returned; otherwise next takes its place. The caller holds s.writing.
func (s *Session) replace(ctx context.Context, next func(prev uint64) Record, same, yield func(Record) bool) (other *Record, err error) {
	for range 3 {
		s.mu.Lock()
		prev := s.seen.generation
		s.mu.Unlock()
		if err = s.put(ctx, prev, next(prev)); err == nil {
			s.storeWorks()
			return nil, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		found, err := s.load(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case same(found):
			s.see(found)
			return nil, nil
		case found.Generation != 0 && yield(found):
			return &found, nil
		}
		s.see(found)
	}
	return nil, err
}

func (s *Session) see(rec Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = sightOf(rec)
}

// saveNow brings the store up to date with the current token, or with a logout, and leaves a failure to saveLater.
func (s *Session) saveNow(ctx context.Context) error {
	err := s.writing.take(ctx)
	if err == nil {
		err = s.save(ctx)
		s.writing.give()
	}
	if err == nil {
		return nil
	}
	s.log().Error("the store could not be brought up to date: it is tried again", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view.Load().unsaved {
		s.saveLater()
	}
	return err
}

// save writes the current token, or that it is logged out, if that is not done yet. The caller holds s.writing.
func (s *Session) save(ctx context.Context) error {
	s.mu.Lock()
	v, began := s.view.Load(), s.generation
	s.mu.Unlock()
	if !v.unsaved {
		return nil
	}
	var (
		other *Record
		err   error
		left  = v.left
		yield = func(found Record) bool { return v.yields(0, found) }
	)
	if v.byHand { // from now on nobody may take what was renewed before it was known for newer
		left = time.Now()
	}
	if v.snap == nil {
		other, err = s.clear(ctx, left, yield)
	} else {
		other, err = s.store(ctx, v.snap, yield)
	}
	if err != nil {
		_ = s.storeFails(err)
		return err
	}
	if other != nil && s.follow(began, v, *other) {
		if v.ended != "" && other.Ended == "" {
			s.log().Info("credential is back: somebody else stored a token")
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == began { // a newer token or logout has a writer of its own, which waits for s.writing
		now := *s.view.Load()
		now.unsaved = false
		if now.snap == nil {
			now.left = left
		}
		s.change(&now)
	}
	return nil
}

// saveLater starts the goroutine that tries to save again, until it did or the session is closed. The caller holds s.mu.
func (s *Session) saveLater() {
	if s.saving || s.closed {
		return
	}
	s.saving = true
	s.running.Go(func() {
		defer s.letGo(true)
		for n := 0; ; n++ {
			last := false
			// Soon and steadily: whoever else renews meanwhile does so with a refresh token that was used.
			timer := time.NewTimer(1 + portion(s.config.FlightTimeout/10, s.config.Random()))
			select {
			case <-timer.C:
			case <-s.life.Done():
				timer.Stop()
				last = true
			}
			if s.saved(n&(n-1) == 0) || last {
				return
			}
			s.letGo(false)
		}
	})
}

// saved tries once more and reports whether the goroutine of saveLater may end.
func (s *Session) saved(loud bool) bool {
	_ = s.writing.take(context.Background())
	err := s.save(context.Background())
	s.writing.give()
	if err != nil && loud {
		s.log().Error("the store could still not be brought up to date", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view.Load().unsaved {
		return false
	}
	s.saving = false
	return true
}
