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

func TestAccount(t *testing.T) {
	user := map[string]redact.Secret{"user": redact.NewSecret("ada"), "password": redact.NewSecret("pw")}
	given := Token{Access: redact.NewSecret("given"), Refresh: redact.NewSecret("given-refresh"), Lifetime: time.Hour}
	for name, test := range map[string]func(*testing.T){
		"login_revives_a_dead_session": func(t *testing.T) {
			k := &tokens{noLogin: true, life: time.Hour}
			s := open(t, SessionConfig{Source: k})
			_, err := s.Acquire(t.Context())
			wantError(t, err, StatusDead)
			if err := s.Login(t.Context(), user); err != nil {
				t.Fatal(err)
			}
			if n := acquire(t, s); access(n) != "login-access-1" || k.lastUser.Load() != "ada" {
				t.Fatalf("got %v", n)
			}
		},
		"a_login_that_fails_changes_nothing": func(t *testing.T) {
			k := &tokens{life: time.Hour, refuse: func(call int) error {
				if call == 2 {
					return &Failure{Op: "login", Status: 401}
				}
				return nil
			}}
			s := open(t, SessionConfig{Source: k})
			n := acquire(t, s)
			err := s.Login(t.Context(), user)
			if f := (*Failure)(nil); !errors.As(err, &f) || f.Status != 401 {
				t.Fatalf("got %v", err)
			}
			if acquire(t, s) != n {
				t.Fatal("the old token is gone")
			}
		},
		"login_needs_a_type_that_has_one": func(t *testing.T) {
			s := open(t, SessionConfig{Source: sourceFunc(nil)})
			wantError(t, s.Login(t.Context(), user), StatusEmpty)
		},
		"login_waits_for_a_flight_and_wins": func(t *testing.T) {
			k := &tokens{life: time.Hour, latency: time.Second}
			s := open(t, SessionConfig{Source: k})
			s.Renew()
			synctest.Wait()
			if err := s.Login(t.Context(), user); err != nil {
				t.Fatal(err)
			}
			if n := acquire(t, s); access(n) != "login-access-2" {
				t.Fatalf("got %q", access(n))
			}
			wantCalls(t, k, 2)
		},
		"callers_that_come_during_a_login_get_its_token": func(t *testing.T) {
			k := &tokens{life: time.Hour, latency: time.Second}
			s := open(t, SessionConfig{Source: k})
			go func() { _ = s.Login(t.Context(), user) }()
			synctest.Wait()
			if n := acquire(t, s); access(n) != "login-access-1" {
				t.Fatalf("got %q", access(n))
			}
			wantCalls(t, k, 1)
		},
		"a_login_goes_on_when_its_caller_leaves": func(t *testing.T) {
			k := &tokens{life: time.Hour, latency: time.Second}
			s := open(t, SessionConfig{Source: k})
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := s.Login(ctx, user); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			wantStatus(t, s, StatusFresh)
		},
		"a_logout_beats_a_login_that_runs": func(t *testing.T) {
			store := NewMemoryStore()
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour, latency: time.Second}, Store: store})
			done := make(chan error)
			go func() { done <- s.Login(t.Context(), user) }()
			synctest.Wait()
			if err := s.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantError(t, <-done, StatusClosed)
			wantStatus(t, s, StatusClosed)
			if r, _ := store.Load(t.Context(), s.key); !r.Token.Access.IsZero() || r.Ended != StatusClosed {
				t.Fatal("the store holds a token")
			}
		},
		"logout_fails_the_waiters_at_once_and_discards_the_flight": func(t *testing.T) {
			store := NewMemoryStore()
			k := &tokens{life: time.Hour, latency: time.Second}
			s := open(t, SessionConfig{Source: k, Store: store})
			began := time.Now()
			done := make(chan error)
			go func() { _, err := s.Acquire(t.Context()); done <- err }()
			synctest.Wait()
			if err := s.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-done; !errors.Is(wantError(t, err, StatusClosed), ErrLoginRequired) || time.Since(began) != 0 {
				t.Fatalf("got %v after %s", err, time.Since(began))
			}
			time.Sleep(time.Minute)
			wantStatus(t, s, StatusClosed)
			if r, _ := store.Load(t.Context(), s.key); !r.Token.Access.IsZero() || r.Ended != StatusClosed || s.Peek() != nil {
				t.Fatal("the flight's token was kept")
			}
			_, err := s.Acquire(t.Context())
			wantError(t, err, StatusClosed)
			if err := s.Set(t.Context(), given); err != nil {
				t.Fatal(err)
			}
			if access(acquire(t, s)) != "given" {
				t.Fatal("Set does not revive")
			}
		},
		"set_wins_over_a_flight_and_serves_its_waiters": func(t *testing.T) {
			store := NewMemoryStore()
			k := &tokens{life: time.Hour, latency: time.Second}
			s := open(t, SessionConfig{Source: k, Store: store})
			done := make(chan *Snapshot)
			go func() { n, _ := s.Acquire(t.Context()); done <- n }()
			synctest.Wait()
			if err := s.Set(t.Context(), given); err != nil {
				t.Fatal(err)
			}
			if n := <-done; n == nil || access(n) != "given" {
				t.Fatalf("the waiter got %v", n)
			}
			time.Sleep(time.Minute)
			if r, _ := store.Load(t.Context(), s.key); access(acquire(t, s)) != "given" || r.Token.Access.Reveal() != "given" {
				t.Fatal("the flight won")
			}
		},
		"a_flight_after_set_waits_for_the_old_request_to_end": func(t *testing.T) {
			k := &tokens{life: time.Hour}
			slow := &stubborn{tokens: k}
			s := open(t, SessionConfig{Source: slow})
			s.Renew()
			synctest.Wait()
			if err := s.Set(t.Context(), given); err != nil {
				t.Fatal(err)
			}
			s.Reject(s.Peek().Generation())
			acquire(t, s)
			wantCalls(t, k, 2)
		},
		"set_refuses_what_is_no_token": func(t *testing.T) {
			s := open(t, SessionConfig{Source: &tokens{}})
			if s.Set(t.Context(), Token{}) == nil || s.Set(t.Context(), Token{Access: given.Access, Lifetime: -1}) == nil {
				t.Fatal("accepted")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// stubborn is a source whose requests outlive their context.
type stubborn struct{ *tokens }

func (b *stubborn) Obtain(context.Context) (Token, error) {
	if b.running.Add(1) > 1 {
		b.most.Store(2)
	}
	time.Sleep(3 * time.Second)
	b.running.Add(-1)
	return b.do(context.Background(), "login")
}

func TestAccountTellsEverySecretBeforeUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		known := map[string]bool{}
		s := open(t, SessionConfig{Source: &tokens{}, Learn: func(x redact.Secret) {
			mu.Lock()
			defer mu.Unlock()
			known[x.Reveal()] = true
		}})
		acquire(t, s)
		_ = s.Login(t.Context(), map[string]redact.Secret{"user": redact.NewSecret("ada"), "password": redact.NewSecret("pw")})
		_ = s.Set(t.Context(), Token{Access: redact.NewSecret("given"), Refresh: redact.NewSecret("given-refresh")})
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"access-1", "refresh-1", "login-access-2", "refresh-2", "pw", "given", "given-refresh"} {
			if !known[want] {
				t.Errorf("%s was not told", want)
			}
		}
		if known["ada"] || known[""] {
			t.Error("told what is no secret")
		}
	})
}
