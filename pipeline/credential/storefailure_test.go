package credential

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func away(op string) error {
	return &net.OpError{Op: op, Err: errors.New("connection refused")}
}

// pair returns two processes with a session each that hold the same token.
func pair(t *testing.T, f *fleet, c SessionConfig) (a, b *process, first, second *Session) {
	t.Helper()
	a, b = f.process("a"), f.process("b")
	first, second = a.session(t, c), b.session(t, c)
	login(t, first)
	acquire(t, second)
	return a, b, first, second
}

// What a session does while its store fails, and after.
func TestStoreFailure(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"a_good_token_serves": func(t *testing.T) {
			f := newFleet(100 * time.Second)
			a, _, first, _ := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			a.set(away)
			for range 99 {
				time.Sleep(time.Second)
				acquire(t, first)
			}
			if !first.State().StoreFailing {
				t.Fatal("the state does not tell")
			}
			if n := access(acquire(t, first)); n != "access-1-1" {
				t.Fatalf("renewed without the lock although the token was good: %s", n)
			}
			wantLogged(t, a, "the store of a credential fails", 1)
			a.set(nil)
			time.Sleep(10 * time.Second)
			_, _ = first.Acquire(t.Context())
			wantLogged(t, a, "the store of a credential works again", 1)
			if first.State().StoreFailing {
				t.Fatal("the state still tells")
			}
		},
		"a_cooldown_ends_with_the_token": func(t *testing.T) {
			f := newFleet(100 * time.Second)
			a, _, first, _ := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			a.set(away)
			time.Sleep(85 * time.Second)
			for range 1000 { // long cooldowns by now
				acquire(t, first)
				time.Sleep(10 * time.Millisecond)
			}
			for range 100 {
				acquire(t, first)
				time.Sleep(100 * time.Millisecond)
			}
			wantRefreshes(t, f, 1)
		},
		"fail_waits_for_the_store": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, _ := pair(t, f, SessionConfig{})
			a.set(away)
			time.Sleep(time.Minute)
			e := refused(t, first, StatusCooldown)
			for _, want := range []string{`the store "fleet" can't be used: lease: connection refused`, `on_store_failure = "refresh"`, "next try in"} {
				if !strings.Contains(e.Error(), want) {
					t.Fatalf("%v does not say %q", e, want)
				}
			}
			for range 300 { // the cooldown is long by now
				time.Sleep(time.Second)
				refused(t, first, StatusCooldown)
			}
			wantRefreshes(t, f, 0)
			a.set(nil)
			time.Sleep(time.Second)
			_, _ = first.Acquire(t.Context())
			synctest.Wait()
			acquire(t, first) // not after the rest of the cooldown
			wantRefreshes(t, f, 1)
		},
		"refresh_renews_without_the_lock_and_saves_later": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, _ := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			a.set(away)
			time.Sleep(time.Minute)
			n := acquire(t, first)
			if !first.State().Unsaved {
				t.Fatal("not told to be unsaved")
			}
			wantRefreshes(t, f, 1)
			wantLogged(t, a, "renewing a credential without its store: another process may do so at the same time", 1)
			a.set(nil)
			time.Sleep(2 * time.Second)
			if f.record().Token.Access != n.Token().Access || first.State().Unsaved {
				t.Fatal("not saved once the store was back")
			}
		},
		"refresh_adopts_what_somebody_stored_later": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, second := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			a.set(away)
			time.Sleep(time.Minute)
			acquire(t, first)
			time.Sleep(time.Second)
			login(t, second)
			a.set(nil)
			time.Sleep(3 * time.Second)
			if x, y := acquire(t, first), acquire(t, second); access(x) != access(y) || f.record().Token.Access != x.Token().Access {
				t.Fatalf("got %s and %s", access(x), access(y))
			}
		},
		"refresh_does_not_die_of_a_token_that_may_be_old": func(t *testing.T) {
			f := newFleet(time.Minute)
			f.deaf.Store(true)
			a, _, first, second := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			time.Sleep(time.Minute)
			acquire(t, second)
			f.server.revoke() // as it does at the second use, which comes now
			a.set(away)
			refused(t, first, StatusCooldown)
			a.set(nil)
			login(t, second)
			time.Sleep(time.Second)
			_, _ = first.Acquire(t.Context())
			synctest.Wait()
			acquire(t, first)
		},
		"refresh_goes_on_with_the_newest_token_although_it_is_over": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, second := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			a.set(away)
			time.Sleep(time.Minute)
			acquire(t, first) // of the first login's family, and unsaved
			time.Sleep(time.Second)
			login(t, second)
			time.Sleep(2 * time.Minute)
			a.set(func(op string) error {
				if op == "save" {
					return away(op)
				}
				return nil
			})
			acquire(t, first)
			if !strings.HasPrefix(f.server.lastRefresh, "refresh-2-") {
				t.Fatalf("refreshed with %s", f.server.lastRefresh)
			}
		},
		"a_store_that_hangs_fails": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, _ := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			a.setHang(true)
			time.Sleep(time.Minute)
			began := time.Now()
			acquire(t, first)
			if took := time.Since(began); took > 7*time.Second {
				t.Fatalf("took %s", took)
			}
			time.Sleep(time.Minute)
			began = time.Now()
			acquire(t, first)
			if took := time.Since(began); took > 3*time.Second {
				t.Fatalf("the second time it took %s", took)
			}
		},
		"a_turn_that_another_has_for_long_is_no_failure": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, second := pair(t, f, SessionConfig{OnStoreFailure: RefreshWithoutStore})
			f.server.setLatency(9 * time.Second)
			time.Sleep(time.Minute)
			second.Renew()
			synctest.Wait()
			acquire(t, first)
			wantRefreshes(t, f, 1)
			wantLogged(t, a, "the store of a credential fails", 0)
		},
		"what_needs_no_refresh_token_is_got_all_the_same": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			first := a.session(t, SessionConfig{Source: &member{process: a, able: true}})
			a.set(away)
			acquire(t, first) // the very first one, too
			time.Sleep(time.Minute)
			acquire(t, first)
			if f.server.obtains != 2 {
				t.Fatalf("%d obtains", f.server.obtains)
			}
			wantRefreshes(t, f, 0)
			a.set(nil)
			time.Sleep(2 * time.Second)
			if f.record().Token.Access != first.Peek().Token().Access {
				t.Fatal("not saved")
			}
		},
		"a_configured_refresh_token_waits_for_the_store": func(t *testing.T) {
			for policy, want := range map[OnStoreFailure]int{"": 0, FailWithoutStore: 0, RefreshWithoutStore: 1} {
				f := newFleet(time.Minute)
				a := f.process("a")
				first := a.session(t, SessionConfig{Source: &member{process: a, able: true, spends: true}, OnStoreFailure: policy})
				a.set(away)
				_, err := first.Acquire(t.Context())
				if f.server.obtains != want || (err == nil) != (want == 1) {
					t.Fatalf("%q: %d obtains, %v", policy, f.server.obtains, err)
				}
				_ = first.Close()
			}
		},
		"an_empty_session_is_not_dead_while_the_store_is_away": func(t *testing.T) {
			f := newFleet(time.Minute)
			login(t, f.process("a").session(t, SessionConfig{}))
			for _, policy := range []OnStoreFailure{FailWithoutStore, RefreshWithoutStore} {
				b := f.process("b")
				second := b.session(t, SessionConfig{OnStoreFailure: policy})
				b.set(away)
				refused(t, second, StatusCooldown)
				b.set(nil)
				time.Sleep(time.Second)
				_, _ = second.Acquire(t.Context())
				synctest.Wait()
				acquire(t, second)
			}
		},
		"the_next_does_not_renew_from_the_token_before_one_that_could_not_be_saved": func(t *testing.T) {
			for range 50 {
				f := newFleet(time.Minute)
				a, _, first, second := pair(t, f, SessionConfig{})
				time.Sleep(time.Minute)
				a.set(func(op string) error {
					if op == "save" {
						return away(op)
					}
					return nil
				})
				acquire(t, first)
				second.Renew()
				time.Sleep(500 * time.Millisecond)
				a.set(nil)
				if x, y := acquire(t, first), acquire(t, second); access(x) != access(y) {
					t.Fatalf("got %s and %s", access(x), access(y))
				}
				wantRefreshes(t, f, 1)
				_, _ = first.Close(), second.Close()
			}
		},
		"nor_when_the_store_restarts_without_its_turns": func(t *testing.T) {
			for range 50 {
				f := newFleet(time.Minute)
				a, b, first, second := pair(t, f, SessionConfig{})
				f.server.setLatency(time.Second)
				time.Sleep(time.Minute)
				first.Renew()
				time.Sleep(600 * time.Millisecond)
				a.set(away)
				b.set(away)
				refused(t, second, StatusCooldown)
				time.Sleep(5 * time.Second)
				a.set(nil)
				b.set(nil)
				f.loseTurns()
				for second.State().Status != StatusFresh {
					_, _ = second.Acquire(t.Context())
					time.Sleep(10 * time.Millisecond)
				}
				wantRefreshes(t, f, 1)
				_, _ = first.Close(), second.Close()
			}
		},
		"an_own_flight_does_not_wait_for_a_turn_that_it_kept": func(t *testing.T) {
			f := newFleet(3 * time.Second)
			a, _, first, _ := pair(t, f, SessionConfig{})
			time.Sleep(3 * time.Second)
			a.set(func(op string) error {
				if op == "save" {
					return away(op)
				}
				return nil
			})
			acquire(t, first)
			time.Sleep(3 * time.Second)
			began := time.Now()
			acquire(t, first)
			if took := time.Since(began); took > time.Second {
				t.Fatalf("took %s", took)
			}
			wantRefreshes(t, f, 2)
		},
		"a_write_whose_answer_was_lost_is_recognised": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			first := a.session(t, SessionConfig{Store: nil})
			lost := false
			first.config.Store = &lossy{process: a, lose: func() bool { was := lost; lost = true; return !was }}
			login(t, first)
			time.Sleep(3 * time.Second)
			if st := first.State(); st.Unsaved || f.record().Generation != 1 {
				t.Fatalf("%+v, generation %d in the store", st, f.record().Generation)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// What a session does where the store lost what it held.
func TestStoreRestartedEmpty(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"the_token_is_saved_before_it_is_renewed": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, second := pair(t, f, SessionConfig{})
			f.deaf.Store(true)
			f.forget()
			time.Sleep(time.Minute)
			f.server.setLatency(time.Second)
			first.Renew()
			synctest.Wait()
			if r := f.record(); r.Token.Access.Reveal() != "access-1-1" {
				t.Fatalf("the store holds %+v while the token is renewed", r)
			}
			if x, y := acquire(t, first), acquire(t, second); access(x) != access(y) {
				t.Fatalf("got %s and %s", access(x), access(y))
			}
			wantRefreshes(t, f, 1)
			wantLogged(t, a, "the store has lost the token of a credential: it is saved again", 1)
		},
		"who_is_told_saves_at_once_and_the_newest_token_stays": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := told(t, a), told(t, b)
			login(t, first)
			synctest.Wait()
			f.deaf.Store(true)
			time.Sleep(time.Minute)
			acquire(t, second)
			f.deaf.Store(false)
			for range 9 { // and no longer, or the token is old enough to be renewed
				f.forget()
				synctest.Wait()
				time.Sleep(5 * time.Second)
				if got := f.record().Token.Access.Reveal(); got != "access-1-2" {
					t.Fatalf("the store holds %s", got)
				}
			}
			if access(acquire(t, first)) != "access-1-2" {
				t.Fatal("the one with the older token did not adopt")
			}
			wantRefreshes(t, f, 1)
		},
		"an_older_copy_is_replaced": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, _, first, second := pair(t, f, SessionConfig{})
			old := f.record()
			time.Sleep(time.Minute)
			acquire(t, first)
			acquire(t, second)
			f.mu.Lock()
			f.records[first.key] = old
			f.mu.Unlock()
			time.Sleep(time.Minute)
			acquire(t, first)
			acquire(t, second)
			wantRefreshes(t, f, 2)
			wantLogged(t, a, "the store has lost the token of a credential: it is saved again", 1)
		},
		"a_logout_is_saved_again": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			first := told(t, a)
			login(t, first)
			if err := first.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.forget()
			synctest.Wait()
			if r := f.record(); r.Ended != StatusClosed {
				t.Fatalf("the store holds %+v", r)
			}
		},
		"equal_generations_of_a_logout_and_a_later_login_are_told_apart": func(t *testing.T) {
			f := newFleet(time.Minute)
			f.deaf.Store(true)
			_, b, first, _ := pair(t, f, SessionConfig{})
			_ = first.Logout(t.Context()) // generation 2
			f.forget()
			other := b.session(t, SessionConfig{})
			time.Sleep(time.Second)
			login(t, other)
			other.Reject(other.Peek().Generation())
			n := acquire(t, other) // generation 2
			if f.record().Generation != 2 {
				t.Fatalf("generation %d", f.record().Generation)
			}
			refused(t, first, StatusClosed)
			synctest.Wait()
			if got := acquire(t, first); access(got) != access(n) {
				t.Fatalf("got %s", access(got))
			}
		},
		"equal_generations_are_not_taken_for_the_same_token": func(t *testing.T) {
			f := newFleet(time.Minute)
			f.deaf.Store(true)
			_, b, first, _ := pair(t, f, SessionConfig{})
			f.forget()
			other := b.session(t, SessionConfig{})
			if err := other.Set(t.Context(), Token{Access: redact.NewSecret("theirs"), Lifetime: time.Hour}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if n := acquire(t, first); access(n) != "theirs" {
				t.Fatalf("got %s", access(n))
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// told returns a session of a process whose pool has itself told of changes.
func told(t *testing.T, p *process) *Session {
	t.Helper()
	return session(t, pooled(t, p), "")
}

func pooled(t *testing.T, p *process) *Pool {
	pool := NewPool("demo", false, func(string) (SessionConfig, error) {
		return SessionConfig{Source: &member{process: p}, Store: p, StoreName: "fleet", Logger: logger(p)}, nil
	}, PoolOptions{})
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

// What a pool does with what its store tells.
func TestNotice(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"brings_the_new_token_before_it_is_needed": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := told(t, a), told(t, b)
			login(t, first)
			synctest.Wait()
			if second.Peek() == nil {
				t.Fatal("not told of the login")
			}
			first.Reject(acquire(t, first).Generation())
			acquire(t, first)
			synctest.Wait()
			if n := second.Peek(); n == nil || access(n) != "access-1-2" || b.did("lease") != 0 {
				t.Fatalf("got %v after %q", n, b.ops)
			}
			if got := a.did("load"); got != 0 {
				t.Fatalf("read its own writes %d times", got)
			}
		},
		"of_a_logout_ends_the_session_at_once": func(t *testing.T) {
			f := newFleet(time.Minute)
			first, second := told(t, f.process("a")), told(t, f.process("b"))
			login(t, first)
			synctest.Wait()
			_ = first.Logout(t.Context())
			synctest.Wait()
			wantStatus(t, second, StatusClosed)
			login(t, second)
			synctest.Wait()
			wantStatus(t, first, StatusFresh)
		},
		"of_a_death_leaves_a_good_token_alone": func(t *testing.T) {
			f := newFleet(time.Minute)
			first, second := told(t, f.process("a")), told(t, f.process("b"))
			login(t, first)
			synctest.Wait()
			f.server.revoke()
			first.Reject(first.Peek().Generation())
			refused(t, first, StatusDead)
			synctest.Wait()
			acquire(t, second)
			second.Reject(second.Peek().Generation())
			refused(t, second, StatusDead)
			wantRefreshes(t, f, 1)
		},
		"during_an_own_write_is_not_missed": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			first := told(t, a)
			a.set(func(op string) error {
				if op == "save" {
					f.tell(first.key) // another's change, which the own one follows
				}
				return nil
			})
			login(t, first)
			synctest.Wait()
			if got := a.did("load"); got != 1 {
				t.Fatalf("looked %d times", got)
			}
		},
		"is_not_asked_for_after_the_end": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			pool := pooled(t, a)
			session(t, pool, "")
			if len(f.told) != 1 {
				t.Fatalf("%d tellers", len(f.told))
			}
			_ = pool.Close()
			if len(f.told) != 0 {
				t.Fatal("still told")
			}
		},
		"of_one_subject_concerns_no_other": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			pool := NewPool("demo", true, func(string) (SessionConfig, error) {
				return SessionConfig{Source: &member{process: a}, Store: a}, nil
			}, PoolOptions{})
			defer func() { _ = pool.Close() }()
			for i := range 100 {
				session(t, pool, fmt.Sprint(i))
			}
			f.tell(Key{"demo", "7"})
			f.tell(Key{"demo", "unknown"})
			f.tell(Key{"other", "8"})
			synctest.Wait()
			if got := a.did("load"); got != 1 {
				t.Fatalf("%d looks", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}
