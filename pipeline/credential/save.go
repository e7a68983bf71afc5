package credential

import (
	"context"
	"errors"
	"time"
)

// deliver stores a token that was obtained, then publishes it: if the process dies in between, the next one finds it. It does
// neither where the session has moved on from generation began. A store that fails does not cost the only copy: the token
// is published all the same, and the write tried again. Where the store holds another record than replaced by now, yield
// decides whether that one is adopted. It reports whether a token was published.
func (s *Session) deliver(ctx context.Context, began uint64, next *view, replaced uint64, yield func(Record) bool) bool {
	if s.writing.take(ctx) != nil {
		return false
	}
	defer s.writing.give()
	if !s.at(began) {
		return false
	}
	// The flight's own timeout must not cut the write of a token that arrived in its last moment.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.FlightTimeout)
	defer cancel()
	stored, other, err := s.store(ctx, next.snap, replaced, yield)
	switch {
	case err != nil:
		next.unsaved, stored = true, replaced
		s.log().Error("a token could not be stored: it is in memory only and the write is tried again", "error", err)
	case other != nil:
		if n := s.revive(began, *other); n != nil {
			s.learn(other.Token)
			next = &view{snap: n}
		}
	}
	if !s.publish(began, next, stored) {
		return false
	}
	s.log().Debug("credential renewed", "generation", next.snap.generation, "lifetime", next.snap.Token().Lifetime)
	return true
}

func (s *Session) at(generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation == generation
}

// publish installs v unless a login, a logout or a stored token came first.
func (s *Session) publish(began uint64, v *view, stored uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != began {
		return false
	}
	s.stored = stored
	s.install(v)
	if v.unsaved {
		s.saveLater()
	}
	return true
}

// store saves n in place of the record of generation prev. Where the store holds another one, that one stays if yield says so
// and is returned; otherwise n takes its place.
func (s *Session) store(ctx context.Context, n *Snapshot, prev uint64, yield func(Record) bool) (stored uint64, other *Record, err error) {
	defer s.recoverAs(&err, "store")
	for range 3 {
		r := Record{Generation: max(n.generation, prev+1), Token: n.Token(), Obtained: n.sent.Round(0)}
		if err = s.config.Store.Save(ctx, s.key, prev, r); !errors.Is(err, ErrConflict) {
			return r.Generation, nil, err
		}
		found, err := s.config.Store.Load(ctx, s.key)
		if err != nil {
			return 0, nil, err
		}
		if found.Generation != 0 && yield(found) {
			return found.Generation, &found, nil
		}
		prev = found.Generation
	}
	return 0, nil, err
}

// saveNow writes the current token if it is not in the store, and leaves a failure to saveLater.
func (s *Session) saveNow(ctx context.Context) error {
	err := s.writing.take(ctx)
	if err == nil {
		err = s.save(ctx)
		s.writing.give()
	}
	if err == nil {
		return nil
	}
	s.log().Error("a token could not be stored: it is in memory only and the write is tried again", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view.Load().unsaved {
		s.saveLater()
	}
	return err
}

// save writes the current token if it is not in the store. The caller holds s.writing.
func (s *Session) save(ctx context.Context) error {
	s.mu.Lock()
	v, prev := s.view.Load(), s.stored
	s.mu.Unlock()
	if !v.unsaved {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.FlightTimeout)
	defer cancel()
	// What another process stored meanwhile stays; the next flight adopts it, because its generation is unknown here.
	stored, other, err := s.store(ctx, v.snap, prev, func(Record) bool { return !v.byHand })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := *s.view.Load()
	if now.snap != v.snap {
		return nil // its own writer waits for s.writing
	}
	if other == nil {
		s.stored = stored
	}
	now.unsaved = false
	s.change(&now)
	return nil
}

// saveLater starts the goroutine that tries to save again, until it did or the session is closed. The caller holds s.mu.
func (s *Session) saveLater() {
	if s.saving || s.closed {
		return
	}
	s.saving = true
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		for n := 0; ; n++ {
			last := false
			timer := time.NewTimer(backoff(n))
			select {
			case <-timer.C:
			case <-s.quit:
				timer.Stop()
				last = true
			}
			if s.saved() || last {
				return
			}
		}
	}()
}

// saved tries once more and reports whether the goroutine of saveLater may end.
func (s *Session) saved() bool {
	_ = s.writing.take(context.Background())
	err := s.save(context.Background())
	s.writing.give()
	if err != nil {
		s.log().Error("a token could still not be stored", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view.Load().unsaved {
		return false
	}
	s.saving = false
	return true
}
