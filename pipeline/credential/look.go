package credential

import (
	"errors"
	"sync"
	"time"
)

// maxLooks bounds how many sessions of a pool read their store at the same time, outside flights.
const maxLooks = 8

// looker has sessions look into their store, in goroutines that last as long as there is something to do.
type looker struct {
	mu      sync.Mutex
	queue   []*Session
	workers int
	closed  bool
	running sync.WaitGroup
}

// add has s look soon. It does not block.
func (l *looker) add(s *Session) {
	if s.queued.Swap(true) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue = append(l.queue, s)
	if l.workers < maxLooks {
		l.workers++
		l.running.Go(l.work)
	}
}

func (l *looker) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.workers--
			l.mu.Unlock()
			return
		}
		s := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		s.queued.Store(false)
		s.look()
	}
}

// wait ends the looker, whose sessions are closed.
func (l *looker) wait() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.running.Wait()
}

// wonder has the session look into the store, because somebody asked in vain, once a second at most.
func (s *Session) wonder(now time.Time) {
	at, last := int64(now.Sub(s.start)), s.looked.Load()
	if at-last >= int64(time.Second) && s.looked.CompareAndSwap(last, at) && s.life.Err() == nil {
		s.looker.add(s)
	}
}

// told is called when the store says that the record may have changed. It does not block.
func (s *Session) told() {
	s.mu.Lock()
	if s.writes {
		s.tidings++
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.looker.add(s)
}

// look reads the record and takes over what is new in it.
func (s *Session) look() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()

	if s.writing.take(s.life) != nil {
		return
	}
	s.mu.Lock()
	v, seen, began := s.view.Load(), s.seen, s.generation
	s.mu.Unlock()
	rec, err := s.load(s.life)
	lost := err == nil && s.weigh(began, v, seen, rec)
	s.writing.give()
	switch {
	case s.life.Err() != nil:
	case err != nil:
		_ = s.storeFails(err)
	case lost:
		s.restore(s.life, began, seen, rec)
	}
}

// weigh takes over what is new in rec. It reports whether the store has lost what the session holds. A record whose token is over
// or dead is left for the next flight, except where there would be none.
func (s *Session) weigh(began uint64, v *view, known sight, rec Record) (lost bool) {
	s.storeWorks()
	s.thaw(began)
	seen := known.against(rec)
	switch {
	case rec.Generation == seen:
		return false
	case !v.yields(seen, rec):
		return rec.Generation < seen
	case s.follow(began, v, rec):
		if v.ended != "" && rec.Ended == "" {
			s.log().Info("credential is back: somebody else stored a token")
		}
		return false
	case v.ended == "":
		return false
	}
	n := s.recall(began, rec)
	if n == nil { // dead there, too
		s.see(rec)
		return false
	}
	s.log().Info("credential is back: somebody else stored a token")
	s.learn(rec.Token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == began && !s.passes() {
		s.seen = sightOf(rec)
		s.install(&view{snap: n, refused: v.snap != nil && v.snap.Token().Access == rec.Token.Access})
	}
	return false
}

// thaw ends a cooldown that only the store's failure was the reason of.
func (s *Session) thaw(began uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := *s.view.Load()
	fault := (*storeError)(nil)
	if s.generation != began || v.retryAt.IsZero() || v.err == nil || !errors.As(v.err, &fault) {
		return
	}
	v.retryAt = time.Time{}
	s.change(&v)
}
