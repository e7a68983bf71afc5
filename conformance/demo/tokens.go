package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"time"
)

// session is a family of tokens: what one login gave and what its refreshes gave since.
type session struct {
	id       string
	lifetime time.Duration // of each access token
	current  string        // the one refresh token that is still good, "" if the session has none
	dead     bool          // a refresh token was used twice
}

// grant is one access token.
type grant struct {
	session *session
	expires time.Time
}

// tokens is what a login or a refresh gives.
type tokens struct {
	access, refresh string
	lifetime        time.Duration
}

// open begins a session. first is the lifetime of its first access token.
func (a *API) open(first, lifetime time.Duration, refreshable bool) tokens {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issued++
	return a.issueLocked(&session{id: fmt.Sprintf("s%d", a.issued), lifetime: lifetime}, first, refreshable)
}

// rotate exchanges a refresh token for new tokens. A token that was exchanged before ends the session it belongs to, as
// servers do that take reuse for theft (RFC 9700 §4.14.2).
func (a *API) rotate(refresh string) (tokens, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.refresh[refresh]
	if s == nil || s.dead {
		a.stats.RefreshFailures++
		return tokens{}, false
	}
	if s.current != refresh {
		a.stats.RefreshFailures++
		a.stats.RefreshReuses++
		s.dead = true
		return tokens{}, false
	}
	a.stats.Refreshes++
	return a.issueLocked(s, s.lifetime, true), true
}

// sessionOf returns the id of the session that an access token gives access to at that moment.
func (a *API) sessionOf(access string, now time.Time) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g, ok := a.access[access]
	if !ok || g.session.dead || !now.Before(g.expires) {
		return "", false
	}
	return g.session.id, true
}

func (a *API) issueLocked(s *session, lifetime time.Duration, refreshable bool) tokens {
	now := time.Now()
	a.sweepLocked(now)
	t := tokens{access: a.mintLocked("demo_at_"), lifetime: lifetime}
	keep(a.access, t.access, grant{session: s, expires: now.Add(lifetime)})
	if refreshable {
		t.refresh = a.mintLocked("demo_rt_")
		s.current = t.refresh
		if len(a.refresh) >= maxKept {
			maps.DeleteFunc(a.refresh, func(token string, s *session) bool { return s.dead || s.current != token })
		}
		keep(a.refresh, t.refresh, s)
	}
	return t
}

// sweepLocked forgets expired access tokens whenever their number has doubled.
func (a *API) sweepLocked(now time.Time) {
	if len(a.access) < a.sweepAt {
		return
	}
	maps.DeleteFunc(a.access, func(_ string, g grant) bool { return !now.Before(g.expires) })
	a.sweepAt = max(64, 2*len(a.access))
}

// mintLocked makes the next token: opaque to clients, equal for equal seeds and histories.
func (a *API) mintLocked(prefix string) string {
	a.issued++
	seed := binary.BigEndian.AppendUint64(nil, a.options.Seed)
	mac := hmac.New(sha256.New, seed)
	mac.Write(binary.BigEndian.AppendUint64([]byte(prefix), a.issued))
	return prefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}
