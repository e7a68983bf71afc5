//go:build unix

package fleet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// provider is the other side: a token endpoint whose refresh tokens are good once, and the API behind it. The second use of a
// refresh token revokes everything, as RFC 9700 asks of servers.
type provider struct {
	life time.Duration // of an access token

	mu       sync.Mutex
	current  int // the number of the one refresh token that is good
	access   map[string]time.Time
	revoked  string // why, once it was
	requests []time.Time
	inside   int // token requests under way
	most     int
	refused  int // calls with a token that is over
}

func newProvider(life time.Duration) *provider {
	return &provider{life: life, access: map[string]time.Time{}}
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		p.token(w, r)
		return
	}
	p.mu.Lock()
	end, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	good := ok && time.Now().Before(end) && p.revoked == ""
	if !good {
		p.refused++
	}
	p.mu.Unlock()
	if !good {
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.inside++
	p.most = max(p.most, p.inside)
	p.requests = append(p.requests, time.Now())
	p.mu.Unlock()
	time.Sleep(20 * time.Millisecond) // long enough for a second request to come in between
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inside--
	w.Header().Set("Content-Type", "application/json")
	if got := r.PostFormValue("refresh_token"); p.revoked != "" || got != fmt.Sprintf("refresh-%d", p.current) {
		if p.revoked == "" {
			p.revoked = fmt.Sprintf("request %d used %q while refresh-%d was good", len(p.requests), got, p.current)
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	p.current++
	token := fmt.Sprintf("access-%d", p.current)
	p.access[token] = time.Now().Add(p.life)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": p.life.Seconds(), "refresh_token": fmt.Sprintf("refresh-%d", p.current),
	})
}

// await returns once n tokens were got and each process has had time to take over the last one: nobody asks then.
func (p *provider) await(t testing.TB, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Duration(10*n) * p.life); p.tokens() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d tokens by now, want %d", p.tokens(), n)
		}
	}
	time.Sleep(p.life / 8)
}

func (p *provider) tokens() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}
