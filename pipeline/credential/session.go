package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// SessionConfig says what a session is made of. Only Source must be set.
type SessionConfig struct {
	Name    string // the credential's name in the file
	Subject string // whose session it is; "" unless the credential is per subject
	Source  Source
	Place   Placement // zero: "Authorization: Bearer TOKEN"
	Store   Store     // nil: a memory store of its own

	OnStoreFailure OnStoreFailure // default FailWithoutStore
	StoreName      string         // the store's name in the file, for messages

	Logger *slog.Logger

	// Learn is told each new secret before it is used, so that a redactor knows it. It may be called from any goroutine.
	Learn func(redact.Secret)

	// FlightTimeout bounds one renewal's token requests, resends included, and, apart from them, its wait for the store's turn and
	// the write of a token. A call of the store that takes a third of it counts as failed. Default 10 s.
	FlightTimeout time.Duration
	MaxWaiters    int // callers that wait for one flight; more are refused; default 100,000

	Random func() float64 // draws jitter, from [0, 1), by any goroutine; nil: math/rand/v2
}

// Format writes credential and subject, whatever the verb: a source may hold secrets in fields that fmt reads past their type.
func (c SessionConfig) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "session config of %q %q", c.Name, c.Subject)
}

// Session holds the current token of one credential and subject, and renews it once for all who need it. Reading a fresh
// session takes no lock and allocates nothing. It is safe for concurrent use; Close ends its goroutines.
type Session struct {
	config *SessionConfig // a pointer, so that fmt does not look into a session that lies in somebody's unexported field
	key    Key
	early  float64   // this process's share of the jitter
	start  time.Time // to measure from: cheaper than reading both clocks

	view       atomic.Pointer[view]
	flying     atomic.Bool // flight != nil, for readers without the lock
	rejections atomic.Uint64
	used       atomic.Bool // since the pool last looked

	looker  *looker // the pool's, or its own
	own     looker
	looked  atomic.Int64 // when somebody's asking last made the session look into the store, from start
	queued  atomic.Bool  // it will look
	failing atomic.Bool  // the store failed when it was last called
	back    atomic.Int64 // when it last came back, from start

	request turn // held during a token request: there is one at a time
	writing turn // held while the store is written: check, save and publish are one step

	mu         sync.Mutex // guards what follows and every change of view; never held while anything blocks
	generation uint64     // grows with each token and each logout
	seen       sight      // the store's record that this session wrote, adopted or decided to replace
	flight     *flight
	failures   int         // in a row
	refusals   []time.Time // of distinct fresh tokens, the last three at most
	storms     int         // in a row
	loggingIn  bool        // what the store holds meanwhile was there before, or gives way
	missed     bool        // something was passed over for that
	saving     bool        // the goroutine that tries to save again runs
	kept       Lease       // a turn whose token is still to be saved
	keptUntil  time.Time
	writes     bool // a write to the store is under way
	tidings    int  // what the store told of meanwhile: the write itself is one
	watchers   map[chan State]func() bool
	closed     bool
	life       context.Context // ends with closed
	end        context.CancelFunc
	running    sync.WaitGroup

	spent redact.Secret // a refresh token that the server declared dead; guarded by request
}

// NewSession returns a session that has no token yet; it asks store and source when somebody first needs one.
func NewSession(c SessionConfig) *Session {
	if c.Place.Header == "" && c.Place.Query == "" {
		c.Place = Placement{Header: "Authorization", Prefix: "Bearer "}
	}
	c.Place.Header = http.CanonicalHeaderKey(c.Place.Header)
	if c.Store == nil {
		c.Store = NewMemoryStore()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Learn == nil {
		c.Learn = func(redact.Secret) {}
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.FlightTimeout <= 0 {
		c.FlightTimeout = 10 * time.Second
	}
	if c.MaxWaiters <= 0 {
		c.MaxWaiters = 100_000
	}
	s := &Session{
		config: &c, key: Key{c.Name, c.Subject}, early: c.Random(), start: time.Now(),
		request: newTurn(), writing: newTurn(), watchers: map[chan State]func() bool{},
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.looker = &s.own
	s.looked.Store(-int64(time.Second))
	s.view.Store(&view{})
	return s
}

// Name returns the credential's name.
func (s *Session) Name() string { return s.config.Name }

// Subject returns whose session it is, "" unless the credential is per subject.
func (s *Session) Subject() string { return s.config.Subject }

// Format writes credential and subject, whatever the verb.
func (s *Session) Format(f fmt.State, _ rune) {
	if s == nil {
		_, _ = f.Write([]byte("no session"))
		return
	}
	_, _ = fmt.Fprintf(f, "session of %q %q", s.config.Name, s.config.Subject)
}

// Peek returns the current token, good or not, and nil if there is none. It takes no lock, allocates nothing, starts nothing.
func (s *Session) Peek() *Snapshot { return s.view.Load().snap }

// Fresh returns the token if it is fresh: before its advisory moment, and refused by nobody. Otherwise it returns nil. It takes no
// lock, allocates nothing, starts nothing.
func (s *Session) Fresh() *Snapshot {
	v := s.view.Load()
	if v.freshFor == forever || v.freshFor > time.Since(s.start) {
		return v.snap
	}
	return nil
}

// Acquire returns a token that may go out. A good one comes at once; past its advisory moment a renewal starts in the
// background. Where there is none, or a 401 refused it, the caller joins the flight that gets the next one and waits until
// ctx ends. In cooldown, dead and logged out it fails at once, and has the session look into the store in the background, once a
// second at most: somebody else may have brought it a token. The error is an *Error, or the cause of ctx.
func (s *Session) Acquire(ctx context.Context) (*Snapshot, error) {
	if n := s.Fresh(); n != nil {
		return n, nil
	}
	n, err := s.serve(ctx, s.view.Load(), time.Now())
	if n == nil && err == nil {
		return s.wait(ctx)
	}
	return n, err
}

// serve answers from v alone, and with neither token nor error where the caller must wait for a flight.
func (s *Session) serve(ctx context.Context, v *view, now time.Time) (*Snapshot, error) {
	switch v.status(now) {
	case StatusFresh:
		return v.snap, nil
	case StatusAdvisory:
		if !s.flying.Load() {
			s.launch(ctx)
		}
		return v.snap, nil
	case StatusCooldown:
		if v.good(now) {
			return v.snap, nil
		}
		s.wonder(now)
		return nil, v.failure(now)
	case StatusDead, StatusClosed:
		s.wonder(now)
		return nil, v.err
	}
	return nil, nil
}

func (s *Session) wait(ctx context.Context) (*Snapshot, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f, v := s.join(ctx)
		if f == nil {
			if n, err := s.serve(ctx, v, time.Now()); n != nil || err != nil {
				return n, err
			}
			continue
		}
		if f.waiters.Add(1) > int64(s.config.MaxWaiters) {
			f.waiters.Add(-1)
			return nil, s.errorf(v.status(time.Now()), errCrowded)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			f.waiters.Add(-1)
			return nil, context.Cause(ctx)
		}
		if f.snap != nil {
			return f.snap, nil
		}
		// The flight failed; a token that is merely old still serves.
		if v := s.view.Load(); v.good(time.Now()) {
			return v.snap, nil
		}
		return nil, f.err
	}
}

var errCrowded = errors.New("too many callers wait for the token")

// Reject reports that a 401 answered a send that carried the token of this generation. If it is the current one it expires,
// once, however many report it; an older one is only counted. It never blocks and starts no flight.
func (s *Session) Reject(generation uint64) {
	s.rejections.Add(1)
	if v := s.view.Load(); v.snap == nil || v.snap.generation != generation || v.refused {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, now := *s.view.Load(), time.Now()
	if v.snap == nil || v.snap.generation != generation || v.refused || v.ended != "" {
		return
	}
	// The source insists on this token: asking again at every 401 would cost a request each.
	if v.snap.repeated && now.Before(v.retryAt) {
		return
	}
	if v.good(now) && !v.snap.repeated && !v.snap.reveal().worked.Load() && s.storm(now) {
		wait := s.backoff(s.storms - 1)
		v.retryAt = now.Add(wait)
		v.err = s.errorf(StatusCooldown, errStorm)
		v.err.RetryAfter = wait
	}
	v.refused = true
	s.change(&v)
}

var errStorm = errors.New("three new tokens were refused within a minute, each at its first use")

// storm notes the refusal of a fresh token and reports whether it is the third within a minute: then each request would cost
// a renewal. The caller holds s.mu.
func (s *Session) storm(now time.Time) bool {
	s.refusals = append(s.refusals, now)
	if len(s.refusals) < 3 {
		return false
	}
	s.refusals = s.refusals[len(s.refusals)-3:]
	if now.Sub(s.refusals[0]) > time.Minute {
		s.storms = 0
		return false
	}
	s.storms++
	return true
}

// Renew starts a flight in the background if the current token is not fresh and one is allowed: for a 401 whose request
// can't be replayed.
func (s *Session) Renew() {
	switch s.view.Load().status(time.Now()) {
	case StatusEmpty, StatusAdvisory, StatusExpired:
		s.launch(context.Background())
	}
}

// Close ends the session for good. It waits for a token request that runs, for FlightTimeout and as long again for the store at
// most, so that a token which the server has rotated is kept. It returns an error if the store could not be brought up to date.
func (s *Session) Close() error {
	s.shut()
	s.running.Wait()
	if s.looker == &s.own {
		s.own.wait()
	}
	if s.view.Load().unsaved {
		return s.errorf(StatusClosed, errors.New("closed, and the store lacks the last token or logout"))
	}
	return nil
}

func (s *Session) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.end()
	v := *s.view.Load()
	v.ended, v.err = StatusClosed, s.errorf(StatusClosed, errors.New("the session is closed"))
	s.change(&v)
	for ch, stop := range s.watchers {
		stop()
		delete(s.watchers, ch)
		close(ch)
	}
}

func (s *Session) log() *slog.Logger {
	return s.config.Logger.With("credential", s.config.Name, "subject", s.config.Subject)
}

func (s *Session) errorf(status Status, cause error) *Error {
	return &Error{Name: s.config.Name, Subject: s.config.Subject, Status: status, Err: cause}
}

// backoff returns 1 s · 2ⁿ up to a minute, with full jitter.
func (s *Session) backoff(n int) time.Duration {
	return 1 + portion(min(time.Minute, time.Second<<min(max(n, 0), 6)), s.config.Random())
}

// portion returns the part of d that a number from [0, 1) draws.
func portion(d time.Duration, random float64) time.Duration {
	return min(time.Duration(float64(d)*random), d-1)
}
