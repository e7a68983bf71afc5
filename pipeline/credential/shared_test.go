package credential

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// login logs in through s.
func login(t *testing.T, s *Session) {
	t.Helper()
	if err := s.Login(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// refused asks s in vain and returns the error.
func refused(t *testing.T, s *Session, status Status) *Error {
	t.Helper()
	n, err := s.Acquire(t.Context())
	if n != nil {
		t.Fatalf("got %v, want none", n)
	}
	return wantError(t, err, status)
}

func wantRefreshes(t *testing.T, f *fleet, want int) {
	t.Helper()
	refreshes, reuses, most := f.server.counts()
	if refreshes != want || reuses != 0 || most > 1 {
		t.Fatalf("%d refreshes, want %d; %d with a used token; %d at once", refreshes, want, reuses, most)
	}
}

func wantLogged(t *testing.T, p *process, message string, times int) {
	t.Helper()
	if got := p.logs.count(message); got != times {
		t.Fatalf("%q was logged %d times, want %d, by %s: %q", message, got, times, p.name, p.logs.lines)
	}
}

// What several processes that share a store owe each other, a test to each rule.
func TestSharedSession(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"adopts_what_another_renewed": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			for range 20 {
				time.Sleep(time.Minute)
				if x, y := acquire(t, first), acquire(t, second); access(x) != access(y) {
					t.Fatalf("got %s and %s", access(x), access(y))
				}
			}
			wantRefreshes(t, f, 20)
		},
		"a_lost_turn_sends_nothing": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			f.server.answers = []string{"503"}
			time.Sleep(time.Minute)
			done := make(chan *Snapshot)
			go func() { done <- acquire(t, first) }()
			time.Sleep(time.Millisecond) // between the 503 and the second try
			f.loseTurns()
			n := acquire(t, second)
			if got := <-done; access(got) != access(n) {
				t.Fatalf("got %s and %s", access(got), access(n))
			}
			wantRefreshes(t, f, 2)
			wantLogged(t, a, "the turn to renew a credential was lost before the token request left: it is taken again", 1)
		},
		"a_turn_lost_in_flight_is_settled_by_the_store": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			f.server.setLatency(time.Second)
			time.Sleep(time.Minute)
			first.Renew()
			time.Sleep(600 * time.Millisecond) // the server has rotated, its answer is under way
			f.loseTurns()
			f.server.setLatency(0)
			login(t, second) // a new family, meanwhile
			if n := acquire(t, first); access(n) != access(acquire(t, second)) || f.record().Token.Access != n.Token().Access {
				t.Fatalf("got %s, the store holds another", access(n))
			}
		},
		"renews_in_place_of_a_stored_token_that_is_over": func(t *testing.T) {
			f := newFleet(time.Minute)
			login(t, f.process("a").session(t, SessionConfig{}))
			time.Sleep(time.Hour)
			b := f.process("b")
			acquire(t, b.session(t, SessionConfig{}))
			if f.server.lastRefresh != "refresh-1-1" {
				t.Fatalf("refreshed with %s", f.server.lastRefresh)
			}
			wantRefreshes(t, f, 1)
			wantLogged(t, b, "credential renews in place of a stored token that is over", 1)
		},
		"a_failed_renewal_goes_on_with_the_stored_refresh_token": func(t *testing.T) {
			f := newFleet(time.Minute)
			f.deaf.Store(true)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			time.Sleep(time.Minute)
			acquire(t, first)
			time.Sleep(time.Minute)
			f.server.answers = []string{"403"}
			refused(t, second, StatusCooldown)
			time.Sleep(time.Minute)
			acquire(t, second)
			wantRefreshes(t, f, 3)
		},
		"shares_death": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			f.server.revoke()
			time.Sleep(time.Minute)
			refused(t, first, StatusDead)
			if e := refused(t, second, StatusDead); !errors.Is(e, ErrLoginRequired) {
				t.Fatal(e)
			}
			refused(t, f.process("c").session(t, SessionConfig{}), StatusDead)
			wantRefreshes(t, f, 1)
			if r := f.record(); r.Ended != StatusDead {
				t.Fatalf("the store holds %+v", r)
			}
		},
		"what_is_configured_revives_the_dead": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first := a.session(t, SessionConfig{})
			login(t, first)
			f.server.revoke()
			time.Sleep(time.Minute)
			refused(t, first, StatusDead)
			want := access(acquire(t, b.session(t, SessionConfig{Source: &member{process: b, able: true}})))
			wantRefreshes(t, f, 1)
			time.Sleep(time.Second)
			refused(t, first, StatusDead)
			synctest.Wait()
			if n := acquire(t, first); access(n) != want {
				t.Fatalf("got %s, want %s", access(n), want)
			}
		},
		"a_death_of_an_older_token_is_outlived": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			first := a.session(t, SessionConfig{})
			login(t, first)
			f.server.setLatency(time.Second)
			time.Sleep(time.Minute)
			first.Renew()
			time.Sleep(600 * time.Millisecond)
			r := f.record()
			r.Generation, r.Ended = r.Generation+1, StatusDead
			if err := a.Save(t.Context(), first.key, r.Generation-1, r); err != nil {
				t.Fatal(err)
			}
			acquire(t, first)
			if r := f.record(); r.Ended != "" || r.Token.Access.Reveal() != "access-1-2" {
				t.Fatalf("the store holds %+v", r)
			}
		},
		"shares_logout": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			if err := first.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			for _, s := range []*Session{second, f.process("c").session(t, SessionConfig{})} {
				if e := refused(t, s, StatusClosed); !strings.Contains(e.Error(), "logged out elsewhere") {
					t.Fatal(e)
				}
			}
			wantLogged(t, b, "credential was logged out elsewhere", 1)
			wantRefreshes(t, f, 0)
		},
		"comes_back_when_somebody_logs_in": func(t *testing.T) {
			for _, end := range []func(*fleet, *Session){
				func(_ *fleet, s *Session) { _ = s.Logout(t.Context()) },
				func(f *fleet, s *Session) { f.server.revoke(); time.Sleep(time.Minute); _, _ = s.Acquire(t.Context()) },
				func(*fleet, *Session) {}, // nobody was logged in
			} {
				f := newFleet(time.Minute)
				a, b := f.process("a"), f.process("b")
				first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
				if end(f, first); f.record().Generation == 0 {
					_, _ = first.Acquire(t.Context())
				}
				_, err := first.Acquire(t.Context())
				if err == nil {
					t.Fatal("still has a token")
				}
				_, _ = second.Acquire(t.Context())
				time.Sleep(time.Second)
				login(t, second)
				_, err = first.Acquire(t.Context())
				if e := (*Error)(nil); !errors.As(err, &e) || e.Status != StatusDead && e.Status != StatusClosed {
					t.Fatalf("did not fail fast: %v", err)
				}
				synctest.Wait()
				acquire(t, first)
				wantLogged(t, a, "credential is back: somebody else stored a token", 1)
			}
		},
		"comes_back_to_a_token_that_is_over": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			refused(t, first, StatusDead)
			login(t, second)
			time.Sleep(time.Hour)
			refused(t, first, StatusDead)
			synctest.Wait()
			wantStatus(t, first, StatusExpired)
			acquire(t, first)
			wantRefreshes(t, f, 1)
		},
		"looks_once_a_second_at_most": func(t *testing.T) {
			f := newFleet(time.Minute)
			a := f.process("a")
			first := a.session(t, SessionConfig{})
			refused(t, first, StatusDead)
			for range 10_000 {
				refused(t, first, StatusDead)
				time.Sleep(time.Millisecond)
			}
			if got := a.did("load"); got < 8 || got > 10 {
				t.Fatalf("looked %d times in 10 s", got)
			}
			time.Sleep(time.Hour)
			if got := a.did("load"); got > 10 {
				t.Fatal("looked without being asked")
			}
		},
		"login_and_set_open_what_others_closed": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			if err := first.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			refused(t, second, StatusClosed)
			login(t, second)
			if r := f.record(); r.Ended != "" || r.Token.Access != acquire(t, second).Token().Access {
				t.Fatalf("the store holds %+v", r)
			}
			_ = first.Logout(t.Context())
			if err := first.Set(t.Context(), Token{Access: redact.NewSecret("mine")}); err != nil {
				t.Fatal(err)
			}
			if r := f.record(); r.Ended != "" || r.Token.Access.Reveal() != "mine" {
				t.Fatalf("the store holds %+v", r)
			}
		},
		"a_killed_process_leaves_its_turn_after_a_while": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			f.server.setLatency(time.Second)
			time.Sleep(time.Minute)
			first.Renew()
			time.Sleep(100 * time.Millisecond) // the request has not arrived
			a.kill()
			began := time.Now()
			acquire(t, second)
			if took := time.Since(began); took < turnOutlives || took > turnOutlives+4*time.Second {
				t.Fatalf("took %s", took)
			}
			wantRefreshes(t, f, 1)
		},
		"closing_does_not_wait_for_the_turn": func(t *testing.T) {
			f := newFleet(time.Minute)
			a, b := f.process("a"), f.process("b")
			first, second := a.session(t, SessionConfig{}), b.session(t, SessionConfig{})
			login(t, first)
			acquire(t, second)
			f.server.setLatency(8 * time.Second)
			time.Sleep(time.Minute)
			first.Renew()
			synctest.Wait()
			second.Renew()
			synctest.Wait()
			began := time.Now()
			_ = second.Close()
			if took := time.Since(began); took != 0 {
				t.Fatalf("took %s", took)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}
