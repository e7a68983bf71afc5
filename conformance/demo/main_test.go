package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/conformance/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caller is a plain client of one API: no retries, no redirects, what it got is what the server said.
type caller struct {
	t      *testing.T
	base   string
	client *http.Client
	access string
}

// onLoopback serves the API on a real socket.
func onLoopback(t *testing.T, api http.Handler) *caller {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return newCaller(t, server.URL, server.Client())
}

// inMemory serves the API over net.Pipe, for use in a synctest bubble. stop ends every goroutine it began.
func inMemory(t *testing.T, api http.Handler) (c *caller, stop func()) {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: api}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, srv := net.Pipe()
		l.conns <- srv
		return client, nil
	}}
	return newCaller(t, "http://demo.localhost", &http.Client{Transport: transport}), func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	}
}

func newCaller(t *testing.T, base string, client *http.Client) *caller {
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &caller{t: t, base: base, client: client}
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// reply is a response that was read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("body %q is not a JSON object: %v", r.body, err)
	}
	return v
}

func (c *caller) do(method, path, body string, headers ...string) reply {
	c.t.Helper()
	r, err := c.try(c.t.Context(), method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// try sends a request with the caller's access token and the given header names and values.
func (c *caller) try(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.access != "" {
		req.Header.Set("Authorization", "Bearer "+c.access)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, bytes.Clone(text)}, err
}

// login logs in, uses the access token from then on, and returns the refresh token.
func (c *caller) login(query string) string {
	c.t.Helper()
	r := c.do("POST", "/login"+query, `{"user":"ada","password":"lovelace"}`)
	if r.status != http.StatusOK {
		c.t.Fatalf("login: %d %s", r.status, r.body)
	}
	return c.use(r)
}

func (c *caller) use(r reply) string {
	c.t.Helper()
	v := r.json(c.t)
	c.access = v["access_token"].(string)
	refresh, _ := v["refresh_token"].(string)
	return refresh
}

func (c *caller) refresh(token string) reply {
	c.t.Helper()
	return c.do("POST", "/refresh", `{"refresh_token":"`+token+`"}`)
}

func (c *caller) form(path string, values url.Values, headers ...string) reply {
	c.t.Helper()
	return c.do("POST", path, values.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func wantStatus(t *testing.T, r reply, want int) {
	t.Helper()
	if r.status != want {
		t.Fatalf("got %d %s, want %d", r.status, r.body, want)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func loggedIn(t *testing.T, o demo.Options) (*caller, *demo.API) {
	t.Helper()
	api := demo.New(o)
	c := onLoopback(t, api)
	c.login("")
	return c, api
}
