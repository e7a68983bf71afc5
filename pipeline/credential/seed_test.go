package credential

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// rotating is a server that takes each refresh token once, and a source whose first one is configured.
type rotating struct {
	seed  string
	alive string // "": none
	asked []string
	n     int
}

func (r *rotating) Seed(context.Context) (redact.Secret, error) { return redact.NewSecret(r.seed), nil }
func (r *rotating) Obtain(context.Context) (Token, error)       { return r.take(r.seed) }
func (r *rotating) Refresh(_ context.Context, prev Token) (Token, error) {
	return r.take(prev.Refresh.Reveal())
}

func (r *rotating) take(refresh string) (Token, error) {
	r.asked = append(r.asked, refresh)
	if refresh != r.alive {
		r.alive = ""
		return Token{}, &Failure{Op: "refresh", Refresh: true, Status: http.StatusBadRequest, Code: "invalid_grant"}
	}
	r.n++
	r.alive = string(rune('a' + r.n))
	return Token{Access: redact.NewSecret("access " + r.alive), Refresh: redact.NewSecret(r.alive), Lifetime: time.Minute}, nil
}

// A configured refresh token begins a session once. When the session is over it is not tried again, by this process or another: it
// was used long ago. One that was configured since is.
func TestConfigured_refresh_token_is_used_once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, store := &rotating{seed: "a", alive: "a"}, NewMemoryStore()
		first := open(t, SessionConfig{Source: server, Store: store})
		if got := access(acquire(t, first)); got != "access b" {
			t.Fatalf("got %s", got)
		}
		server.alive = "" // revoked
		time.Sleep(time.Hour)
		for range 3 {
			if _, err := first.Acquire(t.Context()); !errors.Is(wantError(t, err, StatusDead), ErrLoginRequired) {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		other := open(t, SessionConfig{Source: server, Store: store})
		if _, err := other.Acquire(t.Context()); !errors.Is(wantError(t, err, StatusDead), ErrLoginRequired) {
			t.Fatal(err)
		}
		if len(server.asked) != 2 {
			t.Fatalf("the server was asked with %q, want a and b", server.asked)
		}
		server.seed, server.alive = "new", "new"
		third := open(t, SessionConfig{Source: server, Store: store})
		if got := access(acquire(t, third)); got != "access c" {
			t.Fatalf("got %s", got)
		}
		time.Sleep(time.Second)
		_, _ = other.Acquire(t.Context()) // fails, and looks into the store behind
		synctest.Wait()
		if got := access(acquire(t, other)); got != "access c" {
			t.Fatalf("the dead session got %s", got)
		}
	})
}

// A configured refresh token that the server refuses ends the session: it is not tried again and again.
func TestConfigured_refresh_token_that_is_dead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &rotating{seed: "a", alive: "b"}
		s := open(t, SessionConfig{Source: server})
		for range 3 {
			if _, err := s.Acquire(t.Context()); !errors.Is(wantError(t, err, StatusDead), ErrLoginRequired) {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if len(server.asked) != 1 {
			t.Fatalf("the server was asked %d times, want 1", len(server.asked))
		}
	})
}

// refusing is a source whose server answers each refresh grant with an error.
type refusing struct{ code string }

func (r *refusing) Obtain(context.Context) (Token, error) { return Token{}, ErrLoginRequired }
func (r *refusing) Refresh(context.Context, Token) (Token, error) {
	return Token{}, &Failure{Op: "refresh", Refresh: true, Status: http.StatusUnauthorized, Code: r.code}
}

// A process whose client secret is wrong must not end the session of all others: the record stays alive.
func TestOnly_a_refused_token_is_dead(t *testing.T) {
	for code, want := range map[string]Status{
		"invalid_client": StatusCooldown, "invalid_scope": StatusCooldown, "temporarily_unavailable": StatusCooldown,
		"invalid_grant": StatusDead, "unauthorized_client": StatusDead, "invalid_request": StatusDead, "bad_refresh_token": StatusDead,
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := NewMemoryStore()
				s := open(t, SessionConfig{Source: &refusing{code}, Store: store})
				token := Token{Access: redact.NewSecret("a"), Refresh: redact.NewSecret("r"), Lifetime: time.Minute}
				if err := s.Set(t.Context(), token); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				_, err := s.Acquire(t.Context())
				wantError(t, err, want)
				rec, _ := store.Load(t.Context(), s.key)
				if dead := rec.Ended == StatusDead; dead != (want == StatusDead) {
					t.Errorf("the record is %q", rec.Ended)
				}
			})
		})
	}
}

// loggedInto is a source whose login takes a while.
type loggedInto struct{ refusing }

func (*loggedInto) Login(context.Context, map[string]redact.Secret) (Token, error) {
	time.Sleep(200 * time.Millisecond)
	return Token{Access: redact.NewSecret("new"), Refresh: redact.NewSecret("new"), Lifetime: time.Hour}, nil
}

// What the store holds, or comes to hold, does not take a login's token away: a person has just asked for it.
func TestLogin_wins_over_what_the_store_holds(t *testing.T) {
	for name, held := range map[string]Record{
		"a token":    {Generation: 7, Token: Token{Access: redact.NewSecret("old"), Refresh: redact.NewSecret("old"), Lifetime: time.Hour}},
		"a logout":   {Generation: 7, Ended: StatusClosed},
		"a dead one": {Generation: 7, Token: Token{Access: redact.NewSecret("old"), Refresh: redact.NewSecret("old")}, Ended: StatusDead},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := NewMemoryStore()
				held.Obtained = time.Now()
				if err := store.Save(t.Context(), Key{Credential: "demo"}, 0, held); err != nil {
					t.Fatal(err)
				}
				pool := NewPool("demo", false, func(string) (SessionConfig, error) {
					return SessionConfig{Source: &loggedInto{}, Store: store}, nil
				}, PoolOptions{})
				t.Cleanup(func() { _ = pool.Close() })
				s, err := pool.Session("")
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(50*time.Millisecond, func() { s.told() })
				time.AfterFunc(100*time.Millisecond, func() {
					newer := held
					newer.Generation++
					_ = store.Save(t.Context(), Key{Credential: "demo"}, 7, newer)
				})
				if err := s.Login(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if rec, _ := store.Load(t.Context(), s.key); rec.Token.Access.Reveal() != "new" || access(acquire(t, s)) != "new" {
					t.Errorf("the store holds %+v", rec)
				}
			})
		})
	}
}
