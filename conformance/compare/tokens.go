package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/leatdev/leat/conformance/demo"
)

// callers is how many share the dead token.
const callers = 30

// tokenHabit is a way to keep a token: it makes a client of the tokens that a login gave.
type tokenHabit struct {
	name   string
	client func(ctx context.Context, config *oauth2.Config, base http.RoundTripper, token *oauth2.Token) *http.Client
}

var tokenHabits = []tokenHabit{
	{"x/oauth2", func(ctx context.Context, config *oauth2.Config, base http.RoundTripper, token *oauth2.Token) *http.Client {
		return config.Client(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: base}), token)
	}},
	{"x/oauth2; on a 401: refresh, resend", func(_ context.Context, config *oauth2.Config, base http.RoundTripper, token *oauth2.Token) *http.Client {
		return &http.Client{Transport: &refreshOn401{config: config, base: base, token: token}}
	}},
	{"the same, refreshing under a mutex", func(_ context.Context, config *oauth2.Config, base http.RoundTripper, token *oauth2.Token) *http.Client {
		return &http.Client{Transport: &refreshOn401{config: config, base: base, token: token, alone: true}}
	}},
}

// compareDeadToken has thirty callers use a token that was revoked although it had not expired. The server rotates refresh
// tokens, and one that comes twice ends the session (RFC 9700 §4.14.2).
func compareDeadToken(ctx context.Context) ([]row, error) {
	leat, err := newTokenServer().withLeat(ctx)
	if err != nil {
		return nil, fmt.Errorf("dead token: leat: %w", err)
	}
	what := fmt.Sprintf("%d callers, one dead token", callers)
	var rows []row
	for _, h := range tokenHabits {
		habit, err := newTokenServer().withHabit(ctx, h)
		if err != nil {
			return nil, fmt.Errorf("dead token: %s: %w", h.name, err)
		}
		rows = append(rows, row{what, h.name, habit, leat})
	}
	return rows, nil
}

// tokenServer is the misbehaving API with a counted token endpoint.
type tokenServer struct {
	api    *demo.API
	net    *network
	tokens *crowd
	ready  atomic.Bool // whether the token was revoked, and counting begins
}

func newTokenServer() *tokenServer {
	api := demo.New(demo.Options{Seed: 1})
	s := &tokenServer{api: api, net: newNetwork(), tokens: newCrowd(callers, time.Second, api)}
	posts := newCrowd(callers, 10*time.Second, api)
	s.net.serve("api.localhost:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.ready.Load():
			api.ServeHTTP(w, r)
		case r.URL.Path == "/token":
			s.tokens.ServeHTTP(w, r)
		default:
			posts.ServeHTTP(w, r)
		}
	}))
	return s
}

func (s *tokenServer) withHabit(ctx context.Context, h tokenHabit) (string, error) {
	defer s.net.close()
	token, err := logIn(ctx, s.net.transport())
	if err != nil {
		return "", err
	}
	config := &oauth2.Config{
		ClientID: demo.ClientID, ClientSecret: demo.ClientSecret,
		Endpoint: oauth2.Endpoint{TokenURL: apiURL + "/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	return s.revoked(ctx, h.client(ctx, config, s.net.transport(), token))
}

func (s *tokenServer) withLeat(ctx context.Context) (string, error) {
	defer s.net.close()
	token, err := logIn(ctx, s.net.transport())
	if err != nil {
		return "", err
	}
	runner, err := open(ctx, s.net.transport(), map[string]string{"DEMO_REFRESH_TOKEN": token.RefreshToken})
	if err != nil {
		return "", err
	}
	defer func() { _ = runner.Close() }()
	p, err := runner.Pipeline("renewed")
	if err != nil {
		return "", err
	}
	return s.revoked(ctx, p.Client())
}

// revoked uses the token once, revokes it, and has all callers ask at once.
func (s *tokenServer) revoked(ctx context.Context, client *http.Client) (string, error) {
	if err := getPosts(ctx, client); err != nil {
		return "", fmt.Errorf("before the token was revoked: %w", err)
	}
	s.api.Revoke()
	s.api.Reset()
	s.ready.Store(true)

	var failed atomic.Int32
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if getPosts(ctx, client) != nil {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	return fmt.Sprintf("%s%s, %s failed", number(s.tokens.arrived(), "refresh", "refreshes"), s.refused(), number(int(failed.Load()), "caller", "callers")), nil
}

// refused tells how many refreshes came with a refresh token that was used up.
func (s *tokenServer) refused() string {
	if n := s.api.Stats().RefreshFailures; n > 0 {
		return fmt.Sprintf(" (%d refused)", n)
	}
	return ""
}

func getPosts(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, apiURL+"/posts", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer drop(resp)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s", resp.Status)
	}
	return nil
}
