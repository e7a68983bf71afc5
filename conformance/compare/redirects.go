package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"
)

// landing is the other origin: it notes which credentials it was shown.
type landing struct {
	mu       sync.Mutex
	requests int
	seen     map[string]bool
}

// ServeHTTP notes the names of the headers that carry a credential.
func (l *landing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	for _, name := range []string{"Authorization", "X-Api-Key"} {
		if r.Header.Get(name) != "" {
			l.seen[name] = true
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (l *landing) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) == 0 {
		return "no credential"
	}
	names := make([]string, 0, len(l.seen))
	for name := range l.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " and ")
}

// redirectCase is a GET that the API redirects to another origin.
type redirectCase struct {
	what, to, habit string
	client          func(http.RoundTripper) *http.Client
	header          http.Header
}

var redirectCases = []redirectCase{
	{
		// oauth2.Transport attaches its token below the client, on every hop, whatever the host. A header of one's own is
		// copied from hop to hop by net/http, which knows a key by the header's name only.
		"redirect to another host", "elsewhere.localhost:80", "x/oauth2, X-Api-Key on the request",
		func(base http.RoundTripper) *http.Client {
			source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "habit-token"})
			return &http.Client{Transport: &oauth2.Transport{Source: source, Base: base}}
		},
		http.Header{"X-Api-Key": {"habit-key"}},
	},
	{
		// net/http takes Authorization off where the host is another, and not below it; a port makes no difference to it.
		"redirect to another port", "api.localhost:8080", "net/http, both set on the request",
		func(base http.RoundTripper) *http.Client { return &http.Client{Transport: base} },
		http.Header{"Authorization": {"Bearer habit-token"}, "X-Api-Key": {"habit-key"}},
	},
}

// compareRedirects notes which credentials the other origin was shown.
func compareRedirects(ctx context.Context) ([]row, error) {
	var rows []row
	for _, c := range redirectCases {
		habit, err := c.measure(func(net *network) error { return c.withHabit(ctx, net) })
		if err != nil {
			return nil, fmt.Errorf("%s: the habit: %w", c.what, err)
		}
		leat, err := c.measure(func(net *network) error { return c.withLeat(ctx, net) })
		if err != nil {
			return nil, fmt.Errorf("%s: leat: %w", c.what, err)
		}
		rows = append(rows, row{c.what, c.habit, habit, leat})
	}
	return rows, nil
}

func (c redirectCase) measure(send func(*network) error) (string, error) {
	other, net := &landing{seen: map[string]bool{}}, newNetwork()
	defer net.close()
	net.serve("api.localhost:80", http.RedirectHandler("http://"+c.to+"/landing", http.StatusFound))
	net.serve(c.to, other)
	if err := send(net); err != nil {
		return "", err
	}
	if other.requests == 0 {
		return "", fmt.Errorf("the redirect to %s was not followed", c.to)
	}
	return other.String(), nil
}

func (c redirectCase) withHabit(ctx context.Context, net *network) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, apiURL+"/", http.NoBody)
	if err != nil {
		return err
	}
	req.Header = c.header.Clone()
	resp, err := c.client(net.transport()).Do(req)
	if err != nil {
		return err
	}
	drop(resp)
	return nil
}

// withLeat sends the request twice, as a pipeline carries one credential: with a bearer token, and with a key in X-Api-Key.
func (c redirectCase) withLeat(ctx context.Context, net *network) error {
	runner, err := open(ctx, net.transport(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = runner.Close() }()
	for _, name := range []string{"bearer", "key"} {
		p, err := runner.Pipeline(name)
		if err != nil {
			return err
		}
		req, err := p.NewRequest(ctx, http.MethodGet, "/", nil)
		if err != nil {
			return err
		}
		resp, err := p.Client().Do(req)
		if err != nil {
			return err
		}
		drop(resp)
	}
	return nil
}
