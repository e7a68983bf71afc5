package main

import (
	"context"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
)

// refreshOn401 is the round-tripper that a program grows beside x/oauth2 once it has learnt that a server may revoke a token
// before it expires: on a 401 it renews the token and sends the request again. Each caller does so for itself. With alone,
// callers renew one after the other, each with the refresh token that the one before got.
type refreshOn401 struct {
	config *oauth2.Config
	base   http.RoundTripper
	alone  bool

	renewing sync.Mutex
	mu       sync.Mutex
	token    *oauth2.Token
}

// RoundTrip sends the request, and once more after a 401. Its requests have no body.
func (t *refreshOn401) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.send(req, t.current())
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	drop(resp)
	fresh, err := t.renew(req.Context())
	if err != nil {
		return nil, err
	}
	return t.send(req, fresh)
}

func (t *refreshOn401) send(req *http.Request, token *oauth2.Token) (*http.Response, error) {
	req = req.Clone(req.Context())
	token.SetAuthHeader(req)
	return t.base.RoundTrip(req)
}

func (t *refreshOn401) renew(ctx context.Context) (*oauth2.Token, error) {
	if t.alone {
		t.renewing.Lock()
		defer t.renewing.Unlock()
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: t.base})
	source := t.config.TokenSource(ctx, &oauth2.Token{RefreshToken: t.current().RefreshToken})
	fresh, err := source.Token()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = fresh
	return fresh, nil
}

func (t *refreshOn401) current() *oauth2.Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token
}
