package credential

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A Store keeps the tokens of sessions, for one process or for many that share it. Methods are safe for concurrent use and
// return soon after ctx ends; their errors hold no secret. A store may also be a Notifier, an Inspector, a Prober, a Forgetter and an
// io.Closer.
type Store interface {
	// Load returns the record of key, or the zero Record if there is none.
	Load(ctx context.Context, key Key) (Record, error)
	// Lease waits for the turn to renew key, which one session of all processes that share the store has at a time, and returns
	// it with the record as it stands then. If the store holds, or comes to hold, a record whose generation is not seen, it
	// returns that one at once and no turn: somebody else has renewed. That there is no record is no such news. ctx bounds the
	// call, not the turn.
	Lease(ctx context.Context, key Key, seen uint64) (Lease, Record, error)
	// Save puts r, durably, in place of the record whose generation is prev (0: in place of none). It returns ErrConflict, and
	// changes nothing, if the store holds another. It takes no turn: the comparison is the fence for one that was lost.
	Save(ctx context.Context, key Key, prev uint64, r Record) error
}

// A Lease is a turn to renew. It may be lost: its holder was stopped for longer than it lasts, or the store forgot it.
type Lease interface {
	// Held reports whether the turn is certainly still this holder's. It does not block.
	Held() bool
	// Release ends the turn and lets the next one have it. It is called once; a turn that was lost it leaves alone.
	Release()
}

// A Notifier is a Store that tells of changes that others make.
type Notifier interface {
	// Notify has f called, soon and by any goroutine, whenever a record may have changed, be it by this process; f must not block.
	// A change may go untold: who relies on the record reads it. stop returns once no call of f is under way.
	Notify(f func(Key)) (stop func())
}

// An Inspector is a Store that shows what it holds, for people.
type Inspector interface {
	// Keys lists the records, in no order.
	Keys(ctx context.Context) ([]Key, error)
	// Holder says who has the turn to renew key, as "host, process ID", and "" if nobody has.
	Holder(ctx context.Context, key Key) (string, error)
}

// A Prober is a Store that can tell beforehand whether it would keep a token, for who is about to get one that can't be got twice.
type Prober interface {
	// Probe tries whether records can be written, and leaves nothing behind. Its error says what Save would say.
	Probe(ctx context.Context) error
}

// A Forgetter is a Store that can do away with a record which it can't read.
type Forgetter interface {
	// Forget removes the record of key, whatever it is; that there is none is no error. It takes no turn and compares nothing: a
	// process that holds a newer token may store it again.
	Forget(ctx context.Context, key Key) error
}

// OnStoreFailure is what a session does where its token is over and the store can't be used.
type OnStoreFailure string

// The ways to go on without the store.
const (
	FailWithoutStore    OnStoreFailure = "fail"    // calls fail until the store is back
	RefreshWithoutStore OnStoreFailure = "refresh" // renew without the store's lock: another process may do so too
)

// UnmarshalText accepts the known words only.
func (o *OnStoreFailure) UnmarshalText(text []byte) error {
	switch got := OnStoreFailure(text); got {
	case FailWithoutStore, RefreshWithoutStore:
		*o = got
		return nil
	}
	return &configError{text: fmt.Sprintf("unknown on_store_failure %q", text), hint: `write "fail" or "refresh"`}
}

// Key names a session's record.
type Key struct {
	Credential string // the credential's name in the file
	Subject    string // "" unless the credential is per subject
}

// Record is what a Store keeps of a session. Its JSON form masks the secrets: a store encodes them itself.
type Record struct {
	Generation uint64    // grows with each Save; 0 means there is no record
	Token      Token     // Lifetime counts from Obtained
	Obtained   time.Time // wall clock
	// Ended is "" for a token that serves, StatusDead once its server has refused to renew it for good, and StatusClosed after a
	// logout, which leaves no token.
	Ended Status
}

// ErrConflict is returned by Store.Save when the record is not the one that was to be replaced.
var ErrConflict = errors.New("the stored token was changed by somebody else")

// ErrStore is in every error of a session whose cause is that its store fails.
var ErrStore = errors.New("the store can't be used")

// NewMemoryStore returns a Store that lives as long as the process. It forgets tokens that are over and can't be renewed; what
// else its subjects have it keeps.
func NewMemoryStore() Store {
	return &memoryStore{records: map[Key]Record{}, turns: map[Key]*memoryTurn{}, told: map[int]func(Key){}}
}

type memoryStore struct {
	mu      sync.Mutex
	records map[Key]Record
	turns   map[Key]*memoryTurn
	told    map[int]func(Key)
	tellers int
	crowd   int // so many records, and those that say nothing any more are dropped
}

// memoryTurn lives in the map only while somebody holds or awaits it.
type memoryTurn struct {
	turn
	users   int
	changed chan struct{} // closed by the next Save
}

// Load returns a copy of the record.
func (m *memoryStore) Load(_ context.Context, key Key) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[key], nil
}

// Save compares and swaps.
func (m *memoryStore) Save(_ context.Context, key Key, prev uint64, r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[key].Generation != prev {
		return ErrConflict
	}
	if m.records[key] = r; len(m.records) > m.crowd {
		maps.DeleteFunc(m.records, func(_ Key, r Record) bool { return r.spent() })
		m.crowd = max(1000, 2*len(m.records))
	}
	if t := m.turns[key]; t != nil {
		close(t.changed)
		t.changed = make(chan struct{})
	}
	for _, f := range m.told {
		f(key)
	}
	return nil
}

// spent reports whether nobody misses the record: it holds a token that is over and nothing to renew it with.
func (r Record) spent() bool {
	return r.Ended == "" && r.Token.Refresh.IsZero() && r.Token.Lifetime > 0 && time.Since(r.Obtained) > r.Token.Lifetime
}

// Notify calls f with the store locked.
func (m *memoryStore) Notify(f func(Key)) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tellers++
	n := m.tellers
	m.told[n] = f
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.told, n)
	}
}

// Keys lists the records.
func (m *memoryStore) Keys(context.Context) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.records)), nil
}

// Holder knows one process.
func (m *memoryStore) Holder(_ context.Context, key Key) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.turns[key]; t == nil || len(t.turn) == 0 {
		return "", nil
	}
	return "this process", nil
}

// Lease waits in no particular order.
func (m *memoryStore) Lease(ctx context.Context, key Key, seen uint64) (Lease, Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.turns[key]
	if t == nil {
		t = &memoryTurn{turn: newTurn(), changed: make(chan struct{})}
		m.turns[key] = t
	}
	t.users++
	for {
		r, changed := m.records[key], t.changed
		if r.Generation != 0 && r.Generation != seen {
			m.leave(key, t)
			return nil, r, nil
		}
		select {
		case t.turn <- struct{}{}:
			return &memoryLease{store: m, key: key, turn: t}, r, nil
		default:
		}
		m.mu.Unlock()
		err := t.await(ctx, changed)
		m.mu.Lock()
		if err != nil {
			m.leave(key, t)
			return nil, Record{}, err
		}
	}
}

// await returns once the turn may be free or the record has changed.
func (t *memoryTurn) await(ctx context.Context, changed chan struct{}) error {
	select {
	case t.turn <- struct{}{}:
		<-t.turn // taken anew with the store locked
	case <-changed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// leave forgets a turn that nobody needs. The lock is held.
func (m *memoryStore) leave(key Key, t *memoryTurn) {
	if t.users--; t.users == 0 {
		delete(m.turns, key)
	}
}

type memoryLease struct {
	store *memoryStore
	key   Key
	turn  *memoryTurn
}

// Held is always true: a process does not lose what it keeps itself.
func (l *memoryLease) Held() bool { return true }

// Release lets the next one have the turn.
func (l *memoryLease) Release() {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.turn.give()
	l.store.leave(l.key, l.turn)
}

// turn is a mutex whose wait ends with a context.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) give() { <-t }
