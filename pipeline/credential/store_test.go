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
	if r, _ := m.Load(ctx, Key{"demo", "other"}); r.Generation != 0 {
		t.Fatal("subjects share a record")
	}
}

func TestMemoryStoreLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, key := NewMemoryStore(), Key{"demo", ""}
		first, _, err := m.Lease(t.Context(), key, 0)
		if err != nil || first == nil {
			t.Fatal(first, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := m.Lease(ctx, key, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		other, _, err := m.Lease(t.Context(), Key{"other", ""}, 0)
		if err != nil {
			t.Fatal(err)
		}
		other.Release()
		time.AfterFunc(time.Second, func() { _ = m.Save(t.Context(), key, 0, Record{Generation: 1}) })
		if lease, r, err := m.Lease(t.Context(), key, 0); err != nil || lease != nil || r.Generation != 1 {
			t.Fatalf("the news do not wake who waits: %v %v %v", lease, r, err)
		}
		time.AfterFunc(time.Second, first.Release)
		if lease, r, err := m.Lease(t.Context(), key, 1); err != nil || lease == nil || r.Generation != 1 {
			t.Fatalf("got %v %v %v", lease, r, err)
		} else {
			lease.Release()
		}
		if n := len(m.(*memoryStore).turns); n != 0 {
			t.Fatalf("%d turns are left", n)
		}
	})
}

// faultyStore fails as fault says: "lease", "load" or "save".
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

func (f *faultyStore) Lease(ctx context.Context, key Key, seen uint64) (Lease, Record, error) {
	if err := f.fail("lease"); err != nil {
		return nil, Record{}, err
	}
	return f.Store.Lease(ctx, key, seen)
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
