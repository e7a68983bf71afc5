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
