package demo

import (
	"crypto/subtle"
	"errors"
	"math"
	"net/http"
	"net/url"
	"time"
)

// maxLifetime bounds what "?lifetime=" may ask for.
const maxLifetime = 24 * time.Hour

// serveLogin is an API's own JSON login, as many have it beside or instead of OAuth.
func (a *API) serveLogin(w http.ResponseWriter, r *http.Request, _ string) {
	var form struct{ User, Password string }
	if !readJSON(w, r, &form) {
		return
	}
	lifetime, ok := lifetimeOf(w, r)
	if !ok {
		return
	}
	if !same(form.User, a.options.User) || !same(form.Password, a.options.Password) {
		a.count(func(s *Stats) { s.LoginFailures++ })
		answerProblem(w, http.StatusUnauthorized, "user or password is wrong")
		return
	}
	a.count(func(s *Stats) { s.Logins++ })
	first := orDefault(lifetime, orDefault(a.options.FirstLoginLifetime, a.options.TokenLifetime))
	answerTokens(w, a.open(first, orDefault(lifetime, a.options.TokenLifetime), true), exactSeconds)
}

func (a *API) serveRefresh(w http.ResponseWriter, r *http.Request, _ string) {
	var form struct {
		RefreshToken string `json:"refresh_token"`
	}
	if !readJSON(w, r, &form) {
		return
	}
	if form.RefreshToken == "" {
		answerOAuthError(w, http.StatusBadRequest, "invalid_request", "refresh_token is missing")
		return
	}
	t, ok := a.rotate(form.RefreshToken)
	if !ok {
		answerOAuthError(w, http.StatusBadRequest, "invalid_grant", "the refresh token is not valid")
		return
	}
	answerTokens(w, t, exactSeconds)
}

// serveToken is the token endpoint of RFC 6749 §3.2. A refresh token of any session is accepted, one from /login too.
func (a *API) serveToken(w http.ResponseWriter, r *http.Request, _ string) {
	if err := r.ParseForm(); errors.As(err, new(*http.MaxBytesError)) {
		answerBadBody(w, err)
		return
	} else if err != nil {
		answerOAuthError(w, http.StatusBadRequest, "invalid_request", "the body is not a form that can be read")
		return
	}
	lifetime, ok := lifetimeOf(w, r)
	if !ok || !a.authenticateClient(w, r) {
		return
	}
	switch form := r.PostForm; form.Get("grant_type") {
	case "client_credentials":
		a.count(func(s *Stats) { s.ClientGrants++ })
		lifetime = orDefault(lifetime, a.options.TokenLifetime)
		answerTokens(w, a.open(lifetime, lifetime, false), wholeSeconds) // no refresh token: RFC 6749 §4.4.3
	case "refresh_token":
		t, ok := a.rotate(form.Get("refresh_token"))
		if !ok {
			answerOAuthError(w, http.StatusBadRequest, "invalid_grant", "the refresh token is not valid")
			return
		}
		answerTokens(w, t, wholeSeconds)
	case "":
		answerOAuthError(w, http.StatusBadRequest, "invalid_request", "grant_type is missing")
	default:
		answerOAuthError(w, http.StatusBadRequest, "unsupported_grant_type", "client_credentials and refresh_token are supported")
	}
}

// authenticateClient checks the client's id and secret, by Basic or in the form, or answers and returns false.
func (a *API) authenticateClient(w http.ResponseWriter, r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	posted := r.PostForm.Has("client_secret")
	if basic && posted {
		answerOAuthError(w, http.StatusBadRequest, "invalid_request", "the client authenticates in two ways at once")
		return false
	}
	if basic { // RFC 6749 §2.3.1: both are form-encoded before they are joined.
		id, secret = unescape(id), unescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if same(id, ClientID) && same(secret, ClientSecret) {
		return true
	}
	a.count(func(s *Stats) { s.LoginFailures++ })
	w.Header().Set("WWW-Authenticate", `Basic realm="demo"`)
	answerOAuthError(w, http.StatusUnauthorized, "invalid_client", "the client is unknown or its secret is wrong")
	return false
}

func (a *API) serveRevoke(w http.ResponseWriter, _ *http.Request, _ string) {
	a.Revoke()
	w.WriteHeader(http.StatusNoContent)
}

// lifetimeOf reads "?lifetime="; 0 means that there is none. It answers 400 and returns false on one that makes no sense.
func lifetimeOf(w http.ResponseWriter, r *http.Request) (time.Duration, bool) {
	text := r.URL.Query().Get("lifetime")
	if text == "" {
		return 0, true
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxLifetime {
		answerProblem(w, http.StatusBadRequest, `lifetime must be a duration above 0 and up to 24h, as in "300ms"`)
		return 0, false
	}
	return d, true
}

// exactSeconds gives a fraction where there is one: 0.3 for 300 ms.
func exactSeconds(d time.Duration) any { return d.Seconds() }

// wholeSeconds rounds up: OAuth clients refuse fractions, so a token of 300 ms claims a second and is refused before that is over.
func wholeSeconds(d time.Duration) any { return int64(math.Ceil(d.Seconds())) }

// answerTokens writes the token response. expires_in comes from seconds; expires_in_ms is exact everywhere.
func answerTokens(w http.ResponseWriter, t tokens, seconds func(time.Duration) any) {
	w.Header().Set("Cache-Control", "no-store")
	body := map[string]any{
		"access_token":  t.access,
		"token_type":    "Bearer",
		"expires_in":    seconds(t.lifetime),
		"expires_in_ms": t.lifetime.Milliseconds(),
	}
	if t.refresh != "" {
		body["refresh_token"] = t.refresh
	}
	answer(w, http.StatusOK, body)
}

// answerOAuthError writes an error response of RFC 6749 §5.2.
func answerOAuthError(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Cache-Control", "no-store")
	answer(w, status, map[string]string{"error": code, "error_description": description})
}

func same(got, want string) bool { return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 }

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
