package credential

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestMemoryStore(t *testing.T) {
	m, ctx, key := NewMemoryStore(), t.Context(), Key{"demo", "acme"}
	record := func(n uint64) Record { return Record{Generation: n, Token: Token{Access: redact.NewSecret("a")}} }
	if r, err := m.Load(ctx, key); r.Generation != 0 || err != nil {
		t.Fatalf("got %v, %v", r, err)
	}
	for _, step := range []struct {
		prev, next uint64
		want       error
	}{{1, 2, ErrConflict}, {0, 1, nil}, {0, 2, ErrConflict}, {1, 2, nil}, {1, 3, ErrConflict}} {
		if err := m.Save(ctx, key, step.prev, record(step.next)); !errors.Is(err, step.want) {
			t.Errorf("%d in place of %d: got %v, want %v", step.next, step.prev, err, step.want)
		}
	}
	if err := m.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(ctx, key, 0, record(9)); err != nil {
		t.Fatal(err)
	}
	if r, _ := m.Load(ctx, Key{"demo", "other"}); r.Generation != 0 {
		t.Fatal("subjects share a record")
	}
}

func TestMemoryStoreLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, key := NewMemoryStore(), Key{"demo", ""}
		unlock, err := m.Lock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Lock(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if free, err := m.Lock(t.Context(), Key{"other", ""}); err != nil {
			t.Fatal(err)
		} else {
			free()
		}
		unlock()
		if again, err := m.Lock(t.Context(), key); err != nil {
			t.Fatal(err)
		} else {
			again()
		}
		if n := len(m.(*memoryStore).turns); n != 0 {
			t.Fatalf("%d turns are left", n)
		}
	})
}

// faultyStore fails as fault says: "lock", "load", "save" or "delete".
type faultyStore struct {
	Store
	latency time.Duration // of Save
	mu      sync.Mutex
	fault   func(op string) error
}

func (f *faultyStore) fail(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == nil {
		return nil
	}
	return f.fault(op)
}

func (f *faultyStore) set(fault func(op string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *faultyStore) Lock(ctx context.Context, key Key) (func(), error) {
	if err := f.fail("lock"); err != nil {
		return nil, err
	}
	return f.Store.Lock(ctx, key)
}

func (f *faultyStore) Load(ctx context.Context, key Key) (Record, error) {
	if err := f.fail("load"); err != nil {
		return Record{}, err
	}
	return f.Store.Load(ctx, key)
}

func (f *faultyStore) Save(ctx context.Context, key Key, prev uint64, r Record) error {
	select {
	case <-time.After(f.latency):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := f.fail("save"); err != nil {
		return err
	}
	return f.Store.Save(ctx, key, prev, r)
}

func (f *faultyStore) Delete(ctx context.Context, key Key) error {
	if err := f.fail("delete"); err != nil {
		return err
	}
	return f.Store.Delete(ctx, key)
}
