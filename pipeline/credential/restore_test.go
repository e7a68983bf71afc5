package credential

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// amid runs other while the first save of p is under way, before the store looks at it.
func amid(p *process, other func()) {
	p.set(func(op string) error {
		if op == "save" {
			p.set(nil)
			other()
		}
		return nil
	})
}

// What stays of several memories of a store that lost what it held: the newest, whoever comes first.
func TestRestoreKeepsTheNewest(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, old, recent *Session){
		"an_old_login_and_what_was_renewed_from_it": func(t *testing.T, _, recent *Session) {
			time.Sleep(time.Minute)
			acquire(t, recent)
		},
		"an_old_logout_and_a_later_login": func(t *testing.T, old, recent *Session) {
			if err := old.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			login(t, recent)
		},
		"an_old_login_and_a_later_logout": func(t *testing.T, _, recent *Session) {
			time.Sleep(time.Second)
			if err := recent.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for order, look := range map[string]func(a, b *process, old, recent *Session){
			"old_first":    func(_, _ *process, old, recent *Session) { old.look(); recent.look(); old.look() },
			"recent_first": func(_, _ *process, old, recent *Session) { recent.look(); old.look(); recent.look() },
			"recent_while_the_old_is_saved": func(a, _ *process, old, recent *Session) {
				amid(a, recent.look)
				old.look()
				recent.look()
			},
			"old_while_the_recent_is_saved": func(_, b *process, old, recent *Session) {
				amid(b, old.look)
				recent.look()
				old.look()
			},
		} {
			t.Run(name+"/"+order, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(time.Minute)
					f.deaf.Store(true)
					a, b, old, recent := pair(t, f, SessionConfig{})
					prepare(t, old, recent)
					want := f.record()
					time.Sleep(time.Second)
					f.forget()
					look(a, b, old, recent)
					if got := f.record(); got.Token.Access != want.Token.Access || got.Ended != want.Ended || !got.Obtained.Equal(want.Obtained) {
						t.Fatalf("the store holds %+v with %q, want %+v with %q", got, got.Token.Access.Reveal(), want, want.Token.Access.Reveal())
					}
					for _, s := range []*Session{old, recent} {
						if want.Ended != "" {
							wantStatus(t, s, want.Ended)
						} else if n := acquire(t, s); n.Token().Access != want.Token.Access {
							t.Fatalf("a session holds %s", access(n))
						}
						if s.State().Unsaved {
							t.Fatalf("%+v", s.State())
						}
					}
				})
			})
		}
	}
}

// What a login or a logout could not save yet still wins after the loss: it is not the memory of an old one.
func TestRestoreLeavesWhatIsStillToBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(time.Minute)
		f.deaf.Store(true)
		a, _, first, second := pair(t, f, SessionConfig{})
		a.set(away)
		_ = first.Logout(t.Context())
		second.Reject(second.Peek().Generation())
		acquire(t, second) // later than the logout
		f.forget()
		second.look()
		a.set(nil)
		time.Sleep(2 * time.Second)
		second.look()
		if r := f.record(); r.Ended != StatusClosed {
			t.Fatalf("the store holds %+v", r)
		}
		wantStatus(t, second, StatusClosed)
	})
}

// A loss that was found before somebody wrote says nothing about what is stored since.
func TestRestoreIgnoresWhatIsOutOfDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(time.Minute)
		a := f.process("a")
		first := a.session(t, SessionConfig{})
		login(t, first)
		_, known, _ := first.now(1)
		f.forget()
		first.look()
		if err := first.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		login(t, first)
		v, seen, _ := first.now(0)
		first.restore(t.Context(), v.snap.generation, known, Record{})
		if _, still, _ := first.now(0); still != seen || first.State().Unsaved {
			t.Fatalf("went back to generation %d from %d", still.generation, seen.generation)
		}
		wantLogged(t, a, "the store has lost the token of a credential: it is saved again", 1)
	})
}

// Closing is no failure of the renewal that it ends.
func TestCloseIsNoFailedRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(time.Minute)
		f.server.setLatency(time.Second)
		a, _, first, second := pair(t, f, SessionConfig{})
		var warnings bytes.Buffer
		first.config.Logger = slog.New(slog.NewTextHandler(&warnings, &slog.HandlerOptions{Level: slog.LevelWarn}))
		time.Sleep(time.Minute)
		second.Renew()
		synctest.Wait()
		first.Renew() // waits for the turn
		synctest.Wait()
		if got := a.did("lease"); got == 0 {
			t.Fatal("does not wait for the turn")
		}
		_ = first.Close()
		if warnings.Len() != 0 {
			t.Fatal(warnings.String())
		}
		if _, err := first.Acquire(t.Context()); err == nil {
			t.Fatal("serves although closed")
		}
	})
}
