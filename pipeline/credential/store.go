package credential

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Store keeps the tokens of sessions, for one process or for many that share it. Methods are safe for concurrent use and
// return soon after ctx ends; their errors hold no secret.
type Store interface {
	// Load returns the record of key, or the zero Record if there is none.
	Load(ctx context.Context, key Key) (Record, error)
	// Save puts r, durably, in place of the record whose generation is prev (0: in place of none). It returns ErrConflict, and
	// changes nothing, if the store holds another.
	Save(ctx context.Context, key Key, prev uint64, r Record) error
	// Delete removes the record of key, whatever its generation. That there is none is no error.
	Delete(ctx context.Context, key Key) error
	// Lock waits until no other session of any process that shares the store renews key, and returns what ends the turn.
	// A turn may be lost (a lease runs out): Save's comparison is the fence.
	Lock(ctx context.Context, key Key) (unlock func(), err error)
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
}

// ErrConflict is returned by Store.Save when the record is not the one that was to be replaced.
var ErrConflict = errors.New("the stored token was changed by somebody else")

// NewMemoryStore returns a Store that lives as long as the process.
func NewMemoryStore() Store {
	return &memoryStore{records: map[Key]Record{}, turns: map[Key]*memoryTurn{}}
}

type memoryStore struct {
	mu      sync.Mutex
	records map[Key]Record
	turns   map[Key]*memoryTurn
}

// memoryTurn lives in the map only while somebody holds or awaits it.
type memoryTurn struct {
	turn
	users int
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
	m.records[key] = r
	return nil
}

// Delete forgets the record.
func (m *memoryStore) Delete(_ context.Context, key Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, key)
	return nil
}

// Lock waits in no particular order.
func (m *memoryStore) Lock(ctx context.Context, key Key) (func(), error) {
	m.mu.Lock()
	t := m.turns[key]
	if t == nil {
		t = &memoryTurn{turn: newTurn()}
		m.turns[key] = t
	}
	t.users++
	m.mu.Unlock()

	leave := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(m.turns, key)
		}
	}
	if err := t.take(ctx); err != nil {
		leave()
		return nil, err
	}
	return func() { t.give(); leave() }, nil
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
