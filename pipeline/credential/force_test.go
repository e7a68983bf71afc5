package credential

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefresh_renews_a_fresh_token(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{life: time.Hour}
		s := open(t, SessionConfig{Source: k})
		first := acquire(t, s)
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCalls(t, k, 2)
		if got := acquire(t, s); access(got) == access(first) || got.Generation() <= first.Generation() {
			t.Errorf("got %s after %s", got, first)
		}
	})
}

func TestRefresh_begins_with_what_the_store_holds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, k := NewMemoryStore(), &tokens{life: time.Hour}
		before := open(t, SessionConfig{Source: k, Store: store})
		acquire(t, before)
		s := open(t, SessionConfig{Source: k, Store: store}) // as a new process
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := k.lastRefresh.Load(); got != "refresh-1" {
			t.Errorf("refreshed with %v", got)
		}
		rec, err := store.Load(t.Context(), s.key)
		if err != nil || rec.Generation != 2 || rec.Token.Access.Reveal() != "access-2" {
			t.Errorf("stored: %v, %v", rec, err)
		}
		wantCalls(t, k, 2)
	})
}

func TestRefresh_joins_the_flight_that_runs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{life: time.Hour, latency: time.Second}
		s := open(t, SessionConfig{Source: k})
		go func() { _, _ = s.Acquire(t.Context()) }()
		synctest.Wait()
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCalls(t, k, 1)
	})
}

func TestRefresh_that_fails_leaves_a_good_token(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{life: time.Hour, refuse: func(call int) error {
			if call == 2 {
				return &Failure{Op: "refresh", Refresh: true, Status: 403}
			}
			return nil
		}}
		s := open(t, SessionConfig{Source: k})
		first := acquire(t, s)
		wantError(t, s.Refresh(t.Context()), StatusCooldown)
		if got := acquire(t, s); got != first {
			t.Errorf("got %s, want %s", got, first)
		}
		if err := s.Refresh(t.Context()); err != nil { // it waits for no cooldown
			t.Error(err)
		}
		wantCalls(t, k, 3)
	})
}

func TestRefresh_fails_where_only_a_login_helps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{life: time.Hour, noLogin: true, refuse: func(call int) error {
			if call > 1 {
				return invalidGrant()
			}
			return nil
		}}
		s := open(t, SessionConfig{Source: k})
		if err := s.Login(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := wantError(t, s.Refresh(t.Context()), StatusDead); !errors.Is(err, ErrLoginRequired) {
				t.Errorf("got %v", err)
			}
		}
		wantCalls(t, k, 2)
		if err := s.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.Refresh(t.Context()), StatusClosed)
		_ = s.Close()
		wantError(t, s.Refresh(t.Context()), StatusClosed)
	})
}

func TestRefresh_goes_on_without_its_caller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{life: time.Hour, latency: time.Second}
		s := open(t, SessionConfig{Source: k})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Refresh(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		wantStatus(t, s, StatusFresh)
	})
}
