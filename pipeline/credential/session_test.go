package credential

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestSession(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"empty_waits_for_the_first_token": func(t *testing.T) {
			k := &tokens{latency: time.Second, life: time.Hour}
			s := open(t, SessionConfig{Source: k})
			wantStatus(t, s, StatusEmpty)
			if s.Peek() != nil {
				t.Fatal("Peek gives a token before there is one")
			}
			n := acquire(t, s)
			if access(n) != "access-1" || n.Generation() != 1 || s.Peek() != n {
				t.Fatalf("got %v", n)
			}
			wantStatus(t, s, StatusFresh)
			wantCalls(t, k, 1)
		},
		"lifetime_counts_from_when_the_request_was_sent": func(t *testing.T) {
			k := &tokens{latency: 3 * time.Second, life: time.Minute}
			s := open(t, SessionConfig{Source: k})
			began := time.Now()
			if got := acquire(t, s).Expires().Sub(began); got != time.Minute {
				t.Fatalf("expires after %s, want 1m", got)
			}
		},
		"advisory_serves_at_once_and_renews_behind": func(t *testing.T) {
			k := &tokens{latency: time.Second, life: 100 * time.Second}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			time.Sleep(85 * time.Second)
			wantStatus(t, s, StatusAdvisory)
			began := time.Now()
			for range 100 {
				if n := acquire(t, s); n.Generation() != 1 {
					t.Fatalf("got %v, want the old token", n)
				}
			}
			if time.Since(began) != 0 {
				t.Fatal("a merely old token made callers wait")
			}
			time.Sleep(2 * time.Second)
			if n := acquire(t, s); n.Generation() != 2 {
				t.Fatalf("got %v, want the new token", n)
			}
			wantCalls(t, k, 2)
		},
		"past_mandatory_waits": func(t *testing.T) {
			k := &tokens{latency: time.Second, life: 100 * time.Second}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			time.Sleep(92 * time.Second)
			wantStatus(t, s, StatusExpired)
			if n := acquire(t, s); n.Generation() != 2 {
				t.Fatalf("got %v", n)
			}
		},
		"unknown_lifetime_renews_on_a_401_only": func(t *testing.T) {
			k := &tokens{}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			time.Sleep(1000 * time.Hour)
			if n := acquire(t, s); n.Generation() != 1 {
				t.Fatalf("got %v", n)
			}
			s.Reject(1)
			wantStatus(t, s, StatusExpired)
			if n := acquire(t, s); n.Generation() != 2 {
				t.Fatalf("got %v", n)
			}
			wantCalls(t, k, 2)
		},
		"an_older_generation_is_only_counted": func(t *testing.T) {
			k := &tokens{life: time.Hour}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			s.Reject(1)
			acquire(t, s)
			s.Reject(1)
			s.Reject(7)
			wantStatus(t, s, StatusFresh)
			if got := s.State().Rejections; got != 3 {
				t.Fatalf("rejections: got %d, want 3", got)
			}
			wantCalls(t, k, 2)
		},
		"renew_flies_in_the_background_unless_fresh": func(t *testing.T) {
			k := &tokens{life: time.Hour, latency: time.Second}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			s.Renew()
			synctest.Wait()
			wantCalls(t, k, 1)
			s.Reject(1)
			s.Renew()
			s.Renew()
			time.Sleep(2 * time.Second)
			wantStatus(t, s, StatusFresh)
			wantCalls(t, k, 2)
		},
		"short_lived_tokens_do_not_loop": func(t *testing.T) {
			for _, life := range []time.Duration{5 * time.Second, 300 * time.Millisecond} {
				k := &tokens{life: life, latency: life / 30}
				s := open(t, SessionConfig{Source: k})
				for began := time.Now(); time.Since(began) < 20*life; time.Sleep(life / 500) {
					acquire(t, s)
				}
				if got := k.calls.Load(); got > 27 || got < 19 {
					t.Fatalf("%d token requests in 20 lifetimes of %s", got, life)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		},
		"a_token_that_is_over_on_arrival_cools_down_and_keeps_the_new_refresh_token": func(t *testing.T) {
			k := &tokens{life: time.Hour}
			s := open(t, SessionConfig{Source: k})
			acquire(t, s)
			s.Reject(1)
			k.life, k.latency = time.Second, 2*time.Second
			_, err := s.Acquire(t.Context())
			wantError(t, err, StatusCooldown)
			k.life, k.latency = time.Hour, 0
			time.Sleep(time.Minute)
			acquire(t, s)
			if got := k.lastRefresh.Load(); got != "refresh-2" {
				t.Fatalf("refreshed with %v, want refresh-2", got)
			}
		},
		"three_refused_fresh_tokens_in_a_minute_cool_down": func(t *testing.T) {
			k := &tokens{life: time.Hour}
			s := open(t, SessionConfig{Source: k})
			for range 3 {
				s.Reject(acquire(t, s).Generation())
			}
			wantStatus(t, s, StatusCooldown)
			_, err := s.Acquire(t.Context())
			if e := wantError(t, err, StatusCooldown); e.RetryAfter <= 0 || e.RetryAfter > time.Second {
				t.Fatalf("retry after %s", e.RetryAfter)
			}
			wantCalls(t, k, 3)
			time.Sleep(time.Second)
			acquire(t, s)
			wantCalls(t, k, 4)
		},
		"refusals_that_lie_apart_do_not_cool_down": func(t *testing.T) {
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}})
			for range 10 {
				s.Reject(acquire(t, s).Generation())
				wantStatus(t, s, StatusExpired)
				time.Sleep(31 * time.Second)
			}
		},
		"a_token_that_stays_the_same_is_served_and_not_asked_for_at_every_401": func(t *testing.T) {
			k := &tokens{fixed: true}
			s := open(t, SessionConfig{Source: k})
			for range 1000 {
				s.Reject(acquire(t, s).Generation())
				time.Sleep(100 * time.Millisecond)
			}
			if got := k.calls.Load(); got > 20 {
				t.Fatalf("%d requests for one static token", got)
			}
		},
		"too_many_waiters_are_refused": func(t *testing.T) {
			s := open(t, SessionConfig{Source: &tokens{latency: time.Second}, MaxWaiters: 5})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			try := func(ctx context.Context, callers, want int) {
				var refused atomic.Int32
				for range callers {
					go func() {
						if _, err := s.Acquire(ctx); errors.Is(err, errCrowded) {
							refused.Add(1)
						}
					}()
				}
				synctest.Wait()
				if int(refused.Load()) != want {
					t.Errorf("%d refused, want %d", refused.Load(), want)
				}
			}
			try(ctx, 8, 3)
			time.Sleep(200 * time.Millisecond) // they leave and make room
			try(t.Context(), 8, 3)
			time.Sleep(time.Second)
		},
		"closed_it_stays_whatever_a_last_flight_brings": func(t *testing.T) {
			s := open(t, SessionConfig{Source: sourceFunc(func(context.Context) (Token, error) {
				time.Sleep(time.Second)
				return Token{}, ErrLoginRequired
			})})
			s.Renew()
			synctest.Wait()
			_ = s.Close()
			wantStatus(t, s, StatusClosed)
		},
		"close_fails_callers_and_keeps_a_flight's_token": func(t *testing.T) {
			store := NewMemoryStore()
			s := open(t, SessionConfig{Source: &tokens{latency: time.Second, life: time.Hour}, Store: store})
			s.Renew()
			synctest.Wait()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := s.Acquire(t.Context())
			wantError(t, err, StatusClosed)
			if r, _ := store.Load(t.Context(), Key{Credential: "demo"}); r.Token.Access.Reveal() != "access-1" {
				t.Fatal("the rotated token was lost")
			}
			if err := s.Set(t.Context(), Token{Access: redact.NewSecret("x")}); err == nil || s.Logout(t.Context()) == nil || s.Login(t.Context(), nil) == nil {
				t.Fatal("a closed session takes a token")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func TestSessionWaiterLeavesWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{latency: 5 * time.Second, life: time.Hour}
		s := open(t, SessionConfig{Source: k})
		type key struct{}
		why := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, 1))
		began := time.Now()
		time.AfterFunc(time.Second, func() { cancel(why) })
		if _, err := s.Acquire(ctx); err != why || time.Since(began) != time.Second {
			t.Fatalf("leader: got %v after %s", err, time.Since(began))
		}
		// Its flight goes on for the others.
		if n := acquire(t, s); n.Generation() != 1 || time.Since(began) != 5*time.Second {
			t.Fatalf("got %v after %s", n, time.Since(began))
		}
		wantCalls(t, k, 1)
		if _, err := s.Acquire(ctx); err != nil {
			t.Fatalf("a fresh token needs no context: %v", err)
		}
		s.Reject(1)
		if _, err := s.Acquire(ctx); err != why {
			t.Fatalf("got %v", err)
		}
		wantCalls(t, k, 1)
	})
}

func TestSessionErrorText(t *testing.T) {
	e := &Error{Name: "demo", Subject: "acme", Status: StatusCooldown, RetryAfter: 1500 * time.Millisecond, Err: errors.New("refresh: 503")}
	if want := `credential "demo" of "acme" has no usable token, next try in 1.5s: refresh: 503`; e.Error() != want {
		t.Errorf("got %s", e)
	}
	e = &Error{Name: "demo", Status: StatusDead, Err: ErrLoginRequired}
	if !strings.HasSuffix(e.Error(), `credential "demo": login required`) {
		t.Errorf("got %s", e)
	}
}
