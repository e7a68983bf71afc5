package credential

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestSessionAndStore(t *testing.T) {
	away := func(op string) error { return errors.New(op + ": store away") }
	for name, test := range map[string]func(*testing.T){
		"persists_before_it_publishes": func(t *testing.T) {
			f := &faultyStore{Store: NewMemoryStore()}
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}, Store: f})
			early := false
			f.set(func(op string) error { early = early || op == "save" && s.Peek() != nil; return nil })
			acquire(t, s)
			if early {
				t.Fatal("published before it was saved")
			}
		},
		"a_failed_save_keeps_the_token_and_is_tried_again": func(t *testing.T) {
			f := &faultyStore{Store: NewMemoryStore()}
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}, Store: f})
			f.set(func(op string) error {
				if op == "save" {
					return away(op)
				}
				return nil
			})
			acquire(t, s)
			if st := s.State(); !st.Unsaved || st.Status != StatusFresh {
				t.Fatalf("got %+v", st)
			}
			f.set(nil)
			time.Sleep(time.Minute)
			if r, _ := f.Load(t.Context(), s.key); r.Token.Access.Reveal() != "access-1" || s.State().Unsaved {
				t.Fatalf("not saved: %+v", s.State())
			}
		},
		"a_panic_while_saving_does_not_cost_the_token": func(t *testing.T) {
			f := &faultyStore{Store: NewMemoryStore()}
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}, Store: f})
			f.set(func(op string) error {
				if op == "save" {
					f.fault = nil
					panic("disk")
				}
				return nil
			})
			acquire(t, s)
		},
		"close_tries_once_more_and_tells": func(t *testing.T) {
			f := &faultyStore{Store: NewMemoryStore()}
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}, Store: f})
			f.set(func(op string) error {
				if op == "save" {
					return away(op)
				}
				return nil
			})
			acquire(t, s)
			if s.Close() == nil {
				t.Fatal("no error")
			}
		},
		"a_store_that_is_away_cools_down": func(t *testing.T) {
			f := &faultyStore{Store: NewMemoryStore()}
			s := open(t, SessionConfig{Source: &tokens{noLogin: true}, Store: f, StoreName: "fleet"})
			f.set(away)
			_, err := s.Acquire(t.Context())
			if e := wantError(t, err, StatusCooldown); !strings.Contains(e.Error(), `the store "fleet" can't be used: lease: store away`) || errors.Is(e, ErrLoginRequired) {
				t.Fatal(e)
			}
		},
		"a_logout_that_can't_delete_says_so": func(t *testing.T) {
			f := &faultyStore{Store: NewMemoryStore()}
			s := open(t, SessionConfig{Source: &tokens{}, Store: f})
			acquire(t, s)
			f.set(away)
			wantError(t, s.Logout(t.Context()), StatusClosed)
			f.set(nil)
			if err := s.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"a_new_session_adopts_the_stored_token": func(t *testing.T) {
			k, store := &tokens{life: time.Hour}, NewMemoryStore()
			first := open(t, SessionConfig{Source: k, Store: store})
			want := acquire(t, first).Expires()
			time.Sleep(time.Minute)
			n := acquire(t, open(t, SessionConfig{Source: k, Store: store}))
			if access(n) != "access-1" || !n.Expires().Equal(want) {
				t.Fatalf("got %v, want it to expire %s", n, want)
			}
			wantCalls(t, k, 1)
		},
		"a_stored_token_that_is_over_is_refreshed": func(t *testing.T) {
			k, store := &tokens{life: time.Hour}, NewMemoryStore()
			acquire(t, open(t, SessionConfig{Source: k, Store: store}))
			time.Sleep(2 * time.Hour)
			acquire(t, open(t, SessionConfig{Source: k, Store: store}))
			if k.refreshes.Load() != 1 || k.lastRefresh.Load() != "refresh-1" {
				t.Fatalf("%d refreshes, with %v", k.refreshes.Load(), k.lastRefresh.Load())
			}
		},
		"sessions_that_share_a_store_renew_once": func(t *testing.T) {
			k, store := &tokens{life: time.Minute, latency: time.Second}, NewMemoryStore()
			var all []*Session
			for range 8 {
				all = append(all, open(t, SessionConfig{Source: k, Store: store}))
			}
			for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(time.Second) {
				for _, s := range all {
					acquire(t, s)
				}
			}
			if got := k.calls.Load(); got > 14 {
				t.Fatalf("%d token requests in 10 lifetimes", got)
			}
			if k.most.Load() > 1 {
				t.Fatal("two at once")
			}
		},
		"a_refused_token_in_the_store_is_not_adopted_again": func(t *testing.T) {
			k, store := &tokens{}, NewMemoryStore()
			a, b := open(t, SessionConfig{Source: k, Store: store}), open(t, SessionConfig{Source: k, Store: store})
			acquire(t, a)
			acquire(t, b)
			a.Reject(1)
			b.Reject(1)
			if x, y := acquire(t, a), acquire(t, b); access(x) != "access-2" || access(y) != "access-2" {
				t.Fatalf("got %s and %s", access(x), access(y))
			}
			wantCalls(t, k, 2)
		},
		"a_refused_token_under_a_new_generation_is_not_adopted": func(t *testing.T) {
			k, store := &tokens{}, NewMemoryStore()
			s := open(t, SessionConfig{Source: k, Store: store})
			acquire(t, s)
			same := Token{Access: redact.NewSecret("access-1"), Refresh: redact.NewSecret("refresh-x")}
			if err := store.Save(t.Context(), s.key, 1, Record{Generation: 7, Token: same, Obtained: time.Now()}); err != nil {
				t.Fatal(err)
			}
			s.Reject(1)
			if n := acquire(t, s); access(n) != "access-2" || k.lastRefresh.Load() != "refresh-x" {
				t.Fatalf("got %s through %v", access(n), k.lastRefresh.Load())
			}
		},
		"an_adopted_token_is_renewed_when_it_is_old": func(t *testing.T) {
			k, store := &tokens{life: 100 * time.Second}, NewMemoryStore()
			acquire(t, open(t, SessionConfig{Source: k, Store: store}))
			s := open(t, SessionConfig{Source: k, Store: store})
			acquire(t, s)
			time.Sleep(85 * time.Second)
			acquire(t, s)
			synctest.Wait()
			if n := acquire(t, s); access(n) != "access-2" {
				t.Fatalf("got %s", access(n))
			}
		},
		"a_token_that_arrives_in_the_last_moment_is_saved": func(t *testing.T) {
			store := &faultyStore{Store: NewMemoryStore(), latency: time.Second}
			s := open(t, SessionConfig{Source: &tokens{latency: 9900 * time.Millisecond, life: time.Hour}, Store: store})
			acquire(t, s)
			if s.State().Unsaved {
				t.Fatal("the flight's timeout cut the write")
			}
		},
		"set_wins_over_a_flight_that_is_saving": func(t *testing.T) {
			store := &faultyStore{Store: NewMemoryStore(), latency: time.Second}
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}, Store: store})
			s.Renew()
			synctest.Wait()
			if err := s.Set(t.Context(), Token{Access: redact.NewSecret("mine")}); err != nil {
				t.Fatal(err)
			}
			if r, _ := store.Load(t.Context(), s.key); r.Token.Access.Reveal() != "mine" || access(acquire(t, s)) != "mine" {
				t.Fatal("the flight won")
			}
		},
		"logout_wins_over_a_flight_that_is_saving": func(t *testing.T) {
			store := &faultyStore{Store: NewMemoryStore(), latency: time.Second}
			s := open(t, SessionConfig{Source: &tokens{life: time.Hour}, Store: store})
			s.Renew()
			synctest.Wait()
			if err := s.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r, _ := store.Load(t.Context(), s.key); !r.Token.Access.IsZero() || r.Ended != StatusClosed || s.Peek() != nil {
				t.Fatal("the flight won")
			}
		},
		"what_somebody_else_stored_during_the_flight_is_adopted": func(t *testing.T) {
			k, store := &tokens{latency: time.Second, life: time.Hour}, NewMemoryStore()
			s := open(t, SessionConfig{Source: k, Store: store})
			s.Renew()
			synctest.Wait()
			other := Record{Generation: 40, Token: Token{Access: redact.NewSecret("theirs")}, Obtained: time.Now()}
			if err := store.Save(t.Context(), s.key, 0, other); err != nil {
				t.Fatal(err)
			}
			if n := acquire(t, s); access(n) != "theirs" || n.Generation() != 40 {
				t.Fatalf("got %v", n)
			}
		},
		"a_token_set_by_hand_replaces_what_stands_in_the_store": func(t *testing.T) {
			store := NewMemoryStore()
			s := open(t, SessionConfig{Source: &tokens{}, Store: store})
			_ = store.Save(t.Context(), s.key, 0, Record{Generation: 40, Token: Token{Access: redact.NewSecret("theirs")}})
			if err := s.Set(t.Context(), Token{Access: redact.NewSecret("mine")}); err != nil {
				t.Fatal(err)
			}
			if r, _ := store.Load(t.Context(), s.key); r.Token.Access.Reveal() != "mine" || r.Generation != 41 {
				t.Fatalf("got %+v", r)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}
