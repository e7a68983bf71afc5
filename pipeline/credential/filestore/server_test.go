package filestore

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// tokenServer rotates one refresh token. It takes the use of a spent one for theft and ends the family, as RFC 9700 §4.14.2 says, unless
// the token is the last one and grace is on.
type tokenServer struct {
	*httptest.Server
	life    time.Duration
	grace   bool
	latency time.Duration
	// hold, unless nil, is asked after each rotation whether the answer is never to come.
	hold func(rotation int) bool

	mu       sync.Mutex
	n        int // rotations
	revoked  bool
	requests []string // who asked, and what came of it
	rotated  []time.Time
	refused  int // calls of the API with a token that is not good
}

func (s *tokenServer) start(t *testing.T) *tokenServer {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("GET /api", s.api)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func access(n int) string  { return fmt.Sprint("access-", n) }
func refresh(n int) string { return fmt.Sprint("refresh-", n) }

func (s *tokenServer) token(w http.ResponseWriter, r *http.Request) {
	pid := r.Header.Get("X-Process")
	n, ok := s.rotate(pid, r.FormValue("refresh_token"))
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	if s.hold != nil && s.hold(n) {
		<-r.Context().Done() // of the connection that its process's death closes
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token_type": "Bearer", "access_token": access(n), "refresh_token": refresh(n), "expires_in": s.life.Seconds(),
	})
}

func (s *tokenServer) rotate(pid, token string) (int, bool) {
	timer := time.NewTimer(s.latency) // so that whoever renews too is seen
	<-timer.C
	s.mu.Lock()
	defer s.mu.Unlock()
	spent := s.grace && s.n > 0 && token == refresh(s.n-1)
	if s.revoked || token != refresh(s.n) && !spent {
		s.revoked = true
		s.requests = append(s.requests, pid+" refused "+token)
		return 0, false
	}
	s.requests = append(s.requests, pid+" rotated "+token)
	s.n++
	s.rotated = append(s.rotated, time.Now())
	return s.n, true
}

// api takes the newest token and the one before.
func (s *tokenServer) api(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if auth := r.Header.Get("Authorization"); s.revoked || auth != "Bearer "+access(s.n) && auth != "Bearer "+access(s.n-1) {
		s.refused++
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// state is what came of the requests so far.
type state struct {
	n, refused int
	revoked    bool
	requests   []string
	rotated    []time.Time
}

func (s *tokenServer) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return state{s.n, s.refused, s.revoked, slices.Clone(s.requests), slices.Clone(s.rotated)}
}
