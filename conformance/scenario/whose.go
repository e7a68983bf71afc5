package scenario

import (
	"net/http"
	"net/url"
	"strings"
)

// issuerOf returns whose token r asks for, nil if it is an ordinary request. Several credentials may share an endpoint: then it is the one
// that gave the refresh token out, or whose client, scope, audience or fields of a login the request holds.
func (w *world) issuerOf(o *origin, r *http.Request, in *arrival) (found *issuer) {
	best := -2 // if none looks like it, the first: a program may log in with other fields
	var sent map[string]string
	for _, s := range w.issuers {
		if s.origin != o.url || !s.takes(r) {
			continue
		}
		if sent == nil {
			o.read(in, r)
			sent = sentFields(r, in.body)
		}
		if n := s.likeness(sent, w.value); n > best {
			found, best = s, n
		}
	}
	return found
}

// likeness says how much a token request looks like one of this issuer's: -1 if it does not.
func (s *issuer) likeness(sent map[string]string, value func(any) (string, bool)) (n int) {
	s.mu.Lock()
	known := s.refresh[sent[s.tokenField]] != nil
	s.mu.Unlock()
	if known {
		return 1 << 10
	}
	for field, mark := range s.marks {
		want, ok := value(mark)
		got, there := sent[field]
		switch {
		case !ok || !there: // another one of its requests, or a field that is given elsewhere
		case want != got:
			return -1
		default:
			n++
		}
	}
	return n
}

// marks are the fields of an oauth2 credential's requests that tell it from others.
func marks(c map[string]any) map[string]any {
	m := map[string]any{"client_id": c["client_id"], "grant_type": c["grant"]}
	switch c["grant"] {
	case nil:
		m["grant_type"] = "client_credentials"
	case "jwt_bearer":
		m["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	}
	if scopes, ok := c["scopes"].([]any); ok {
		var words []string
		for _, s := range scopes {
			word, _ := s.(string)
			words = append(words, word)
		}
		m["scope"] = strings.Join(words, " ")
	}
	if audience, ok := c["audience"]; ok {
		m["audience"] = audience
	}
	return m
}

// value is a text of the pipelines: a literal, or the secret that a reference leads to.
func (w *world) value(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case map[string]any:
		for _, form := range secretForms {
			if ref, ok := v[form]; ok {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.lookUp(form + " " + secretName(ref)), true
			}
		}
	}
	return "", false
}

// clientOf is the client that a token request names in its Authorization header (RFC 6749 §2.3.1).
func clientOf(r *http.Request) (string, bool) {
	user, _, ok := r.BasicAuth()
	if plain, err := url.QueryUnescape(user); err == nil {
		user = plain
	}
	return user, ok
}
