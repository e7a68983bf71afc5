package demo

import (
	"maps"
	"net/http"
)

// Stats are the counters since the start or the last Reset. GET /_stats gives them as JSON. Reading them, resetting them and
// GET / are not counted as requests.
type Stats struct {
	// Requests counts requests by the path of their route ("/posts", "/posts/{id}"), "unknown" where there is none.
	Requests map[string]int `json:"requests"`
	// Logins counts logins that succeeded.
	Logins int `json:"logins"`
	// LoginFailures counts logins and client authentications that were refused.
	LoginFailures int `json:"login_failures"`
	// ClientGrants counts client_credentials grants that succeeded.
	ClientGrants int `json:"client_grants"`
	// Refreshes counts refreshes that succeeded, at /refresh and /token together.
	Refreshes int `json:"refreshes"`
	// RefreshReuses counts refresh tokens that were sent again after they had been exchanged. Each ends its session.
	RefreshReuses int `json:"refresh_reuses"`
	// RefreshFailures counts refreshes that were refused for any reason, reuse included.
	RefreshFailures int `json:"refresh_failures"`
	// Revocations counts calls of Revoke.
	Revocations int `json:"revocations"`
	// Unauthorized counts 401 answers to requests that needed an access token.
	Unauthorized int `json:"unauthorized"`
	// ForeignRequests counts requests that reached the other origin.
	ForeignRequests int `json:"foreign_requests"`
	// ForeignCredentials counts those that carried a credential: an Authorization, an API key or a cookie.
	ForeignCredentials int `json:"foreign_credentials"`
	// Writes counts writes that were carried out, by path, whatever was answered.
	Writes map[string]int `json:"writes"`
	// WritesByKey counts writes that were carried out, by Idempotency-Key. It never holds more than 1 for a key and path.
	WritesByKey map[string]int `json:"writes_by_key"`
	// DuplicateWrites counts writes without Idempotency-Key that were carried out although an equal one (same path,
	// query and body) had been before.
	DuplicateWrites int `json:"duplicate_writes"`
	// EarlyRetries counts requests that came before the Retry-After of the previous answer of their sequence had passed.
	EarlyRetries int `json:"early_retries"`
	// Abandoned counts /slow and /drip requests whose client left before the end.
	Abandoned int `json:"abandoned"`
}

func newStats() Stats {
	return Stats{Requests: map[string]int{}, Writes: map[string]int{}, WritesByKey: map[string]int{}}
}

// Stats returns a copy of the counters that belongs to the caller. Its maps are never nil.
func (a *API) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.stats
	s.Requests = maps.Clone(s.Requests)
	s.Writes = maps.Clone(s.Writes)
	s.WritesByKey = maps.Clone(s.WritesByKey)
	return s
}

func (a *API) count(change func(*Stats)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.stats)
}

func (a *API) serveStats(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, http.StatusOK, a.Stats())
}

func (a *API) serveResetStats(w http.ResponseWriter, _ *http.Request, _ string) {
	a.Reset()
	w.WriteHeader(http.StatusNoContent)
}
