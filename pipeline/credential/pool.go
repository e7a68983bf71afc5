package credential

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// PoolOptions are limits that rarely matter.
type PoolOptions struct {
	MaxSessions int // idle sessions beyond it are forgotten, their tokens stay in the store; default 10,000
}

// Pool holds the sessions of one credential, one per subject. It is safe for concurrent use.
type Pool struct {
	name       string
	perSubject bool
	build      func(subject string) (SessionConfig, error)
	max        int
	memory     Store // for sessions that are built without a store: a token outlives its session

	single atomic.Pointer[Session] // where there are no subjects

	mu       sync.RWMutex
	sessions map[string]*Session
	ring     []*Session // the same, in the order in which the hand looks for an idle one
	hand     int
	closed   bool
	deaf     func()    // ends what the store tells
	ask      sync.Once // the store to tell
	looker   looker
}

// NewPool returns a pool of no sessions. build is called once per session; name and subject are filled in. A store is the same for
// all: if it is a Notifier, the pool has itself told of what others change.
// Where perSubject is false all subjects share one session.
func NewPool(name string, perSubject bool, build func(subject string) (SessionConfig, error), o PoolOptions) *Pool {
	if o.MaxSessions <= 0 {
		o.MaxSessions = 10_000
	}
	return &Pool{name: name, perSubject: perSubject, build: build, max: o.MaxSessions, memory: NewMemoryStore(), sessions: map[string]*Session{}}
}

// Name returns the credential's name.
func (p *Pool) Name() string { return p.name }

// PerSubject reports whether each subject has a session of its own.
func (p *Pool) PerSubject() bool { return p.perSubject }

// Format writes the credential's name, whatever the verb.
func (p *Pool) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "sessions of %q", p.name) }

// Session returns the session of subject, the same one each time. It builds it if there is none; a known one costs no
// allocation.
func (p *Pool) Session(subject string) (*Session, error) {
	if !p.perSubject {
		if s := p.single.Load(); s != nil {
			return s, nil
		}
		return p.add("")
	}
	if subject == "" {
		return nil, fmt.Errorf("credential %q is per subject and the call names none: say pipeline.Subject, or --subject on the command line", p.name)
	}
	p.mu.RLock()
	s := p.sessions[subject]
	p.mu.RUnlock()
	if s == nil {
		return p.add(subject)
	}
	s.touch()
	return s, nil
}

// touch writes only where that changes something, so that callers do not fight for the cache line.
func (s *Session) touch() {
	if !s.used.Load() {
		s.used.Store(true)
	}
}

func (p *Pool) add(subject string) (*Session, error) {
	s, err := p.make(subject)
	if err == nil {
		p.ask.Do(func() { p.listen(s.config.Store) })
	}
	return s, err
}

// listen is called without the lock: a store may call told with a lock of its own.
func (p *Pool) listen(store Store) {
	n, ok := store.(Notifier)
	if !ok {
		return
	}
	stop := n.Notify(p.told)
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.deaf = stop
	}
	p.mu.Unlock()
	if closed {
		stop()
	}
}

// told passes on what the store says to the session that it is about, if there is one.
func (p *Pool) told(key Key) {
	if key.Credential != p.name {
		return
	}
	p.mu.RLock()
	s := p.sessions[key.Subject]
	p.mu.RUnlock()
	if s != nil {
		s.told()
	}
}

func (p *Pool) make(subject string) (*Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("credential %q: %w", p.name, errPoolClosed)
	}
	if s := p.sessions[subject]; s != nil {
		return s, nil
	}
	c, err := p.build(subject)
	if err != nil {
		return nil, err
	}
	c.Name, c.Subject = p.name, subject
	if c.Store == nil {
		c.Store = p.memory
	}
	s := NewSession(c)
	s.looker = &p.looker
	p.evict()
	p.sessions[subject] = s
	p.ring = append(p.ring, s)
	if !p.perSubject {
		p.single.Store(s)
	}
	return s, nil
}

var errPoolClosed = errors.New("closed")

// evict makes room for one more: the hand goes round and takes the first idle session that was not asked for since it last
// came by. Who still holds an evicted session may go on using it: the store keeps both in step. The caller holds p.mu.
func (p *Pool) evict() {
	for looks := 2 * len(p.ring); len(p.ring) >= p.max && looks > 0; looks-- {
		p.hand %= len(p.ring)
		s := p.ring[p.hand]
		if s.used.Swap(false) || !s.idle() {
			p.hand++
			continue
		}
		delete(p.sessions, s.config.Subject)
		last := len(p.ring) - 1
		p.ring[p.hand], p.ring[last] = p.ring[last], nil
		p.ring = p.ring[:last]
	}
}

// idle reports whether forgetting the session loses nothing: no flight, no token or logout that only it remembers.
func (s *Session) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view.Load()
	return s.flight == nil && !s.saving && !v.unsaved && len(s.request) == 0 && len(s.watchers) == 0
}

// Sessions returns the sessions that the pool holds at this moment, in no order.
func (p *Pool) Sessions() []*Session {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return append([]*Session(nil), p.ring...)
}

// Close closes all sessions, waits for their flights, and returns what they returned.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	deaf := p.deaf
	p.deaf = nil
	p.mu.Unlock()
	if deaf != nil {
		deaf()
	}
	all := p.Sessions()
	for _, s := range all {
		s.shut()
	}
	p.looker.wait()
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
