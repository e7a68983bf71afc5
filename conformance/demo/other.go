package demo

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (a *API) serveRedirect(w http.ResponseWriter, _ *http.Request, _ string) {
	w.Header().Set("Location", a.options.OtherURL)
	w.WriteHeader(http.StatusFound)
}

// serveOther answers at the other origin: with what it should not have seen.
func (a *API) serveOther(w http.ResponseWriter, r *http.Request) {
	seen := credentialsIn(r)
	known := r.URL.Path == "/landing"
	a.count(func(s *Stats) {
		s.ForeignRequests++
		if len(seen) > 0 {
			s.ForeignCredentials++
		}
		if known {
			s.Requests["/landing"]++
		} else {
			s.Requests["unknown"]++
		}
	})
	if !known {
		answerProblem(w, http.StatusNotFound, "the other origin has only /landing")
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"id": 1, "title": "landing", "origin": "other", "credential_seen": len(seen) > 0, "seen": seen,
	})
}

// credentialsIn names what in the request is, or looks like, a credential. It never returns one.
func credentialsIn(r *http.Request) []string {
	seen := []string{}
	for name := range r.Header {
		if isCredentialHeader(name) {
			seen = append(seen, "header "+name)
		}
	}
	for name := range r.URL.Query() {
		if isCredentialParameter(name) {
			seen = append(seen, "query "+name)
		}
	}
	slices.Sort(seen)
	return seen
}

func isCredentialHeader(canonical string) bool {
	switch canonical {
	case "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key", "Apikey", "X-Auth-Token", "X-Access-Token":
		return true
	}
	return false
}

func isCredentialParameter(name string) bool {
	switch strings.ToLower(name) {
	case "access_token", "api_key", "apikey", "api-key", "key", "token":
		return true
	}
	return false
}

// serveEcho shows a request as it arrived.
func (a *API) serveEcho(w http.ResponseWriter, r *http.Request, _ string) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	headers := map[string]string{"Host": r.Host}
	for name, values := range r.Header {
		if isCredentialHeader(name) {
			values = []string{"present"}
		}
		headers[name] = strings.Join(values, ", ")
	}
	query := url.Values{}
	for name, values := range r.URL.Query() {
		if isCredentialParameter(name) {
			values = []string{"present"}
		}
		query[name] = values
	}
	authorization := "absent"
	if r.Header.Get("Authorization") != "" {
		authorization = "present"
	}
	answer(w, http.StatusOK, map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": query, "headers": headers,
		"authorization": authorization, "body": strings.ToValidUTF8(string(body), "\uFFFD"),
	})
}
