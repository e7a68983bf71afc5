package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline/redact"
)

// LoginConfig configures type "login": an API's own JSON endpoints for logging in and for refreshing. Users of the program can
// log in through it too; the program's fields then replace and extend those of login.send.
type LoginConfig struct {
	// Login is the request that turns a user's fields into a token. Required.
	Login LoginRequest `toml:"login"`
	// Refresh is the request that turns a refresh token into a newer token. Without it an expired token means a new login.
	Refresh RefreshRequest `toml:"refresh"`
	// Header is the header field that carries the token. Default "Authorization".
	Header string `toml:"header"`
	// Prefix stands before the token in the header. Default "Bearer ".
	Prefix string `toml:"prefix"`
}

// LoginRequest is the login table of type "login".
type LoginRequest struct {
	// Path is the endpoint: a path at the first of the credential's origins, or a whole URL at any of them. Required.
	Path string `toml:"path"`
	// Method is POST, PUT or PATCH. Default "POST".
	Method string `toml:"method"`
	// Send holds the fields of the JSON body: literals, and references for secrets; tables may nest. An empty string at the
	// top stands for a field that only a login gives. Without any reference, or with such a field, nobody is logged in but by a login.
	Send Fields `toml:"send"`
	// Access is where the answer holds the access token, as a dotted path. Default "access_token".
	Access string `toml:"access"`
	// Refresh is where the answer holds the refresh token. Default "refresh_token".
	Refresh string `toml:"refresh"`
	// ExpiresIn is where the answer says in how many seconds the token expires. Default "expires_in".
	ExpiresIn string `toml:"expires_in"`
	// ExpiresAt is where the answer says when the token expires, in RFC 3339 or as Unix seconds; ExpiresIn wins. Default "expires_at".
	ExpiresAt string `toml:"expires_at"`
}

// RefreshRequest is the refresh table of type "login".
type RefreshRequest struct {
	// Path is the endpoint, as in login. Without it there is no refresh.
	Path string `toml:"path"`
	// Method is POST, PUT or PATCH. Default "POST".
	Method string `toml:"method"`
	// TokenField is the field of the JSON body that carries the current refresh token. Default "refresh_token".
	TokenField string `toml:"token_field"`
	// Send holds further fields of the body, as in login. Default none.
	Send Fields `toml:"send"`
	// Access is where this answer holds the access token. Default: as in login.
	Access string `toml:"access"`
	// Refresh is where this answer holds the next refresh token, if it rotates. Default: as in login.
	Refresh string `toml:"refresh"`
	// ExpiresIn is where this answer says in how many seconds the token expires. Default: as in login.
	ExpiresIn string `toml:"expires_in"`
	// ExpiresAt is where this answer says when the token expires. Default: as in login.
	ExpiresAt string `toml:"expires_at"`
}

// Validate reports a missing path, a method without a body and an impossible header.
func (c LoginConfig) Validate() error {
	var wrong mistakes
	wrong.add(c.Login.Path == "", "login.path", "login.path is missing", `write login = { path = "/login", … }`)
	wrong.add(!sendsBody(c.Login.Method), "login.method", "login.method must be POST, PUT or PATCH", "")
	wrong.add(c.Login.Access == "", "login.access", "login.access is missing", "")
	if c.Refresh.Path != "" {
		wrong.add(!sendsBody(c.Refresh.Method), "refresh.method", "refresh.method must be POST, PUT or PATCH", "")
		wrong.add(c.Refresh.TokenField == "", "refresh.token_field", "refresh.token_field is missing", "")
	}
	wrong.placement(c.Header, c.Prefix)
	return wrong.join()
}

func sendsBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

func loginFactory() Factory {
	defaults := LoginConfig{
		Login: LoginRequest{Method: http.MethodPost, Access: "access_token", Refresh: "refresh_token",
			ExpiresIn: "expires_in", ExpiresAt: "expires_at"},
		Refresh: RefreshRequest{Method: http.MethodPost, TokenField: "refresh_token"},
		Header:  "Authorization", Prefix: "Bearer ",
	}
	return Define("login", defaults, func(c LoginConfig, s Settings) (Source, Placement, error) {
		source, err := newLogin(c, s)
		if err != nil {
			return nil, Placement{}, err
		}
		return source, Placement{Header: http.CanonicalHeaderKey(c.Header), Prefix: c.Prefix}, nil
	})
}

func newLogin(c LoginConfig, s Settings) (*loginSource, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if s.Transport == nil {
		return nil, errNoTransport
	}
	l := &loginSource{secrets: s.Secrets, transport: s.Transport}
	var err error
	if l.login.url, err = endpointURL(c.Login.Path, s.Origins); err != nil {
		return nil, &configError{path: "login.path", text: "login.path: " + err.Error(), secret: true}
	}
	l.login.method, l.login.send = c.Login.Method, c.Login.Send
	l.login.answer = answerPaths{c.Login.Access, c.Login.Refresh, c.Login.ExpiresIn, c.Login.ExpiresAt}
	if c.Refresh.Path == "" {
		l.login.answer.refresh = "" // nothing could use it
		return l, nil
	}
	if l.refresh.url, err = endpointURL(c.Refresh.Path, s.Origins); err != nil {
		return nil, &configError{path: "refresh.path", text: "refresh.path: " + err.Error(), secret: true}
	}
	l.refresh.method, l.refresh.send, l.tokenField = c.Refresh.Method, c.Refresh.Send, c.Refresh.TokenField
	l.refresh.answer = answerPaths{or(c.Refresh.Access, c.Login.Access), or(c.Refresh.Refresh, c.Login.Refresh),
		or(c.Refresh.ExpiresIn, c.Login.ExpiresIn), or(c.Refresh.ExpiresAt, c.Login.ExpiresAt)}
	return l, nil
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// endpointURL resolves a token endpoint and makes sure that the credential may go there.
func endpointURL(ref string, origins []Origin) (string, error) {
	if len(origins) == 0 {
		return "", fmt.Errorf("the credential has no origins")
	}
	base := origins[0].URL()
	u, err := base.Parse(ExpandSymbol(ref))
	if err != nil {
		return "", fmt.Errorf("not a path or URL")
	}
	relative := strings.HasPrefix(ref, "/") && !strings.HasPrefix(ref, "//")
	switch {
	case relative && origins[0].Wildcard():
		return "", fmt.Errorf("a path needs a first origin without a star; write the whole URL")
	case !relative && !strings.Contains(ref, ":"):
		return "", fmt.Errorf("a path begins with a slash")
	case u.User != nil || u.Fragment != "":
		return "", fmt.Errorf("must hold neither user information nor fragment")
	case !slices.ContainsFunc(origins, func(o Origin) bool { return o.Match(u) }):
		return "", fmt.Errorf("is at none of the credential's origins")
	}
	return u.String(), nil
}

// loginSource holds no secret; it reads what it needs for each request.
type loginSource struct {
	login, refresh loginEndpoint // refresh.url is "" without a refresh endpoint
	tokenField     string
	secrets        *Secrets
	transport      http.RoundTripper
}

type loginEndpoint struct {
	url, method string
	send        Fields
	answer      answerPaths
}

// Format shows the type alone: fmt would reach through fields, as far as the transport's.
func (l *loginSource) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "login source") }

// Obtain logs in with what is configured, if that is enough.
func (l *loginSource) Obtain(ctx context.Context) (Token, error) {
	if !hasRef(l.login.send) || missingField(l.login.send) != "" {
		return Token{}, ErrLoginRequired
	}
	return l.call(ctx, "login", l.login, l.login.send, nil)
}

// Login logs in with fields beside and in place of those configured; only the remaining references are read.
func (l *loginSource) Login(ctx context.Context, fields map[string]redact.Secret) (Token, error) {
	send := make(Fields, len(l.login.send)+len(fields))
	maps.Copy(send, l.login.send)
	var hidden []string
	for name, value := range fields {
		send[name] = value.Reveal()
		hidden = append(hidden, value.Reveal())
	}
	if name := missingField(send); name != "" {
		return Token{}, fmt.Errorf("login: field %q is not given: %w", name, ErrLoginRequired)
	}
	return l.call(ctx, "login", l.login, send, hidden)
}

// Refresh exchanges the refresh token; without a refresh endpoint it logs in again.
func (l *loginSource) Refresh(ctx context.Context, prev Token) (Token, error) {
	if l.refresh.url == "" || prev.Refresh.IsZero() {
		return l.Obtain(ctx)
	}
	send := make(Fields, len(l.refresh.send)+1)
	maps.Copy(send, l.refresh.send)
	send[l.tokenField] = prev.Refresh.Reveal()
	return l.call(ctx, "refresh", l.refresh, send, []string{prev.Refresh.Reveal()})
}

func (l *loginSource) call(ctx context.Context, op string, to loginEndpoint, send Fields, hidden []string) (Token, error) {
	filled, err := l.secrets.fill(ctx, send, &hidden)
	if err != nil {
		return Token{}, unread(err)
	}
	c := &tokenCall{op: op, refresh: op == "refresh", transport: l.transport, hidden: hidden}
	body, err := json.Marshal(filled)
	if err != nil {
		return Token{}, &Failure{Op: op, NotSent: true, Err: fmt.Errorf("the fields to send are not JSON")}
	}
	req, err := http.NewRequestWithContext(ctx, to.method, to.url, bytes.NewReader(body))
	if err != nil {
		return Token{}, &Failure{Op: op, NotSent: true, Err: fmt.Errorf("the request could not be built")}
	}
	req.Header.Set("Content-Type", "application/json")
	a, err := c.do(req)
	if err != nil {
		return Token{}, err
	}
	return c.token(a, to.answer)
}

// missingField returns the first field, by name, that is to be given at login, or "".
func missingField(send Fields) string {
	for _, name := range slices.Sorted(maps.Keys(send)) {
		if send[name] == "" {
			return name
		}
	}
	return ""
}
