package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/storetest"
)

// broken are stores that keep one word less than the interface asks, and the check that has to find it.
var broken = map[string]struct {
	check string
	wrap  func(credential.Store) credential.Store
}{
	"compares nothing":      {"save_compares_the_generation_and_swaps", func(s credential.Store) credential.Store { return overwriting{s} }},
	"forgets tombstones":    {"every_field_comes_back", func(s credential.Store) credential.Store { return forgetful{s} }},
	"mixes subjects":        {"names_of_any_shape_are_keys_apart", func(s credential.Store) credential.Store { return mixing{s} }},
	"gives everyone a turn": {"turns_never_overlap", func(s credential.Store) credential.Store { return generous{s} }},
	"keeps news":            {"news_come_at_once_and_without_a_turn", func(s credential.Store) credential.Store { return silent{s} }},
	"waits for ever":        {"an_ended_context_ends_the_wait", func(s credential.Store) credential.Store { return patient{s} }},
	"prints tokens":         {"save_compares_the_generation_and_swaps", func(s credential.Store) credential.Store { return talking{s} }},
}

type overwriting struct{ credential.Store }

func (s overwriting) Save(ctx context.Context, key credential.Key, _ uint64, r credential.Record) error {
	now, err := s.Load(ctx, key)
	return errors.Join(err, s.Store.Save(ctx, key, now.Generation, r))
}

type forgetful struct{ credential.Store }

func (s forgetful) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	r.Ended = ""
	return s.Store.Save(ctx, key, prev, r)
}

type mixing struct{ credential.Store }

func (s mixing) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	key.Subject = strings.ToLower(key.Subject)
	return s.Store.Save(ctx, key, prev, r)
}

type generous struct{ credential.Store }

func (s generous) Lease(ctx context.Context, key credential.Key, seen uint64) (credential.Lease, credential.Record, error) {
	r, err := s.Load(ctx, key)
	if r.Generation != 0 && r.Generation != seen {
		return nil, r, err
	}
	return free{}, r, err
}

type free struct{}

func (free) Held() bool { return true }
func (free) Release()   {}

type silent struct{ credential.Store }

func (s silent) Lease(ctx context.Context, key credential.Key, seen uint64) (credential.Lease, credential.Record, error) {
	r, err := s.Load(ctx, key)
	if err == nil && r.Generation > seen {
		seen = r.Generation // as if that had been seen
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second) // the test need not wait for longer
	defer cancel()
	return s.Store.Lease(ctx, key, seen)
}

type patient struct{ credential.Store }

func (s patient) Lease(ctx context.Context, key credential.Key, seen uint64) (credential.Lease, credential.Record, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return s.Store.Lease(ctx, key, seen)
}

type talking struct{ credential.Store }

func (s talking) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	if err := s.Store.Save(ctx, key, prev, r); err != nil {
		return errors.Join(err, errors.New(r.Token.Access.Reveal()))
	}
	return nil
}

// TestBroken runs the kit on a broken store, and fails: TestTest starts it in another process.
func TestBroken(t *testing.T) {
	b, ok := broken[os.Getenv("STORETEST_BROKEN")]
	if !ok {
		t.Skip("TestTest starts it")
	}
	storetest.Test(t, func(*testing.T) func() credential.Store {
		s := b.wrap(credential.NewMemoryStore())
		return func() credential.Store { return s }
	})
}

func TestTest_finds_broken_stores(t *testing.T) {
	for name, b := range broken {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestBroken$/^"+b.check+"$", "-test.v")
			cmd.Env = append(os.Environ(), "STORETEST_BROKEN="+name)
			out, err := cmd.CombinedOutput()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: TestBroken/"+b.check) {
				t.Errorf("a store that %s passes (%v):\n%s", name, err, out)
			}
		})
	}
}
