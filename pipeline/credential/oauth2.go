package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/leatdev/leat/pipeline/redact"
)

// OAuth2Config configures type "oauth2": tokens of an OAuth 2.0 server (RFC 6749) for a client's own account, or from a refresh
// token that somebody's consent once gave.
type OAuth2Config struct {
	// Grant is "client_credentials" or "refresh_token". Default "client_credentials".
	Grant string `toml:"grant"`
	// TokenURL is the token endpoint, a whole URL; plain http only on this machine. Required.
	TokenURL string `toml:"token_url"`
	// ClientID is the client's identifier, literal or by reference. Required.
	ClientID Text `toml:"client_id"`
	// ClientSecret is the client's secret, by reference. Required unless client_auth is "none".
	ClientSecret Ref `toml:"client_secret"`
	// ClientAuth is how the client proves itself: "basic" in the Authorization header, "post" in the body, "none" for a public
	// client. It is never probed. Default "basic".
	ClientAuth string `toml:"client_auth"`
	// Scopes are the permissions to ask for. Default: what the server gives by itself.
	Scopes []string `toml:"scopes"`
	// Audience is the parameter of that name, which some servers need. Default none.
	Audience string `toml:"audience"`
	// Params are further parameters of the token request: strings, lists of strings, references. Default none.
	Params Fields `toml:"params"`
	// RefreshToken is the first refresh token of grant refresh_token, by reference. Without it a token must be set by the program.
	RefreshToken Ref `toml:"refresh_token"`
}

// ownParams are the parameters that have keys of their own, or belong to the grant.
var ownParams = [...]string{"grant_type", "client_id", "client_secret", "scope", "audience", "refresh_token"}

// Validate reports what is missing, contradictory or unsafe.
func (c OAuth2Config) Validate() error {
	var wrong mistakes
	public, own := c.ClientAuth == "none", c.Grant == "client_credentials"
	wrong.add(!own && c.Grant != "refresh_token", "grant", fmt.Sprintf("unknown grant %q", c.Grant), `write "client_credentials" or "refresh_token"`)
	wrong.add(c.ClientID.IsZero(), "client_id", "client_id is missing", "")
	wrong.add(!public && c.ClientAuth != "basic" && c.ClientAuth != "post", "client_auth",
		fmt.Sprintf("unknown client_auth %q", c.ClientAuth), `write "basic", "post" or "none"`)
	wrong.add(public && own, "client_auth", "a public client has no client_credentials grant (RFC 6749 §4.4)", "")
	wrong.add(public && !c.ClientSecret.IsZero(), "client_secret", `client_secret is not sent with client_auth = "none"`, "remove one of them")
	wrong.add(!public && c.ClientSecret.IsZero(), "client_secret", "client_secret is missing", refHint)
	wrong.add(own && !c.RefreshToken.IsZero(), "refresh_token", `refresh_token goes with grant = "refresh_token"`, "")
	wrong.append(checkTokenURL(c.TokenURL))
	wrong.params(c.Params)
	return wrong.join()
}

func checkTokenURL(s string) error {
	wrong := func(text, hint string) error {
		return &configError{path: "token_url", text: "token_url " + text, hint: hint, secret: true}
	}
	if s == "" {
		return wrong("is missing", "")
	}
	u, err := url.Parse(ExpandSymbol(s))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return wrong("must be a whole URL", "begin with https://")
	}
	if u.User != nil || u.Fragment != "" {
		return wrong("must hold neither user information nor fragment", "")
	}
	origin, err := ParseOrigin(u.Scheme + "://" + u.Host)
	if err != nil || origin.Wildcard() {
		return wrong("must name one host, and a port of 1 to 65535 if any", "")
	}
	if u.Scheme == "http" && !origin.IsLoopback() {
		return wrong("must be https: secrets are sent there", "begin with https://")
	}
	return nil
}

func (m *mistakes) params(params Fields) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		path := "params." + quoteKey(name)
		m.add(slices.Contains(ownParams[:], name), path, fmt.Sprintf("params must not set %q", name), "it has a key of its own")
		m.add(!fitsParam(params[name]), path, fmt.Sprintf("parameter %q must be a string, a list of strings or a reference", name), "")
	}
}

func fitsParam(v any) bool {
	switch v := v.(type) {
	case string, Ref, []string, redact.Secret:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(string); return !ok })
	}
	return false
}

func oauth2Factory() Factory {
	defaults := OAuth2Config{Grant: "client_credentials", ClientAuth: "basic"}
	return Define("oauth2", defaults, func(c OAuth2Config, s Settings) (Source, Placement, error) {
		if err := c.Validate(); err != nil {
			return nil, Placement{}, err
		}
		if s.Transport == nil {
			return nil, Placement{}, errNoTransport
		}
		source := &oauth2Source{config: c, secrets: s.Secrets, transport: s.Transport}
		return source, Placement{Header: "Authorization", Prefix: "Bearer "}, nil
	})
}

// oauth2Source holds no secret; it reads what it needs for each request.
type oauth2Source struct {
	config    OAuth2Config
	secrets   *Secrets
	transport http.RoundTripper
}

// Format shows the type alone: fmt would reach through fields, as far as the transport's.
func (o *oauth2Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "oauth2 source") }

// Obtain runs the configured grant.
func (o *oauth2Source) Obtain(ctx context.Context) (Token, error) {
	if o.config.Grant == "client_credentials" {
		return o.request(ctx, "")
	}
	if o.config.RefreshToken.IsZero() {
		return Token{}, ErrLoginRequired
	}
	first, err := o.secrets.Resolve(ctx, o.config.RefreshToken)
	if err != nil {
		return Token{}, unread(err)
	}
	return o.request(ctx, first.Reveal())
}

// Refresh runs the refresh grant with prev's refresh token, or client_credentials again.
func (o *oauth2Source) Refresh(ctx context.Context, prev Token) (Token, error) {
	if o.config.Grant == "client_credentials" || prev.Refresh.IsZero() {
		return o.Obtain(ctx)
	}
	return o.request(ctx, prev.Refresh.Reveal())
}

// request makes one token request through x/oauth2's retriever. Its client_credentials config serves both grants, since it lets
// grant_type be set and its refresh config has no place for scopes and parameters. Its answers and errors are not used: they
// print bodies and URLs, and lose a rotated token over a fractional expires_in.
func (o *oauth2Source) request(ctx context.Context, refresh string) (Token, error) {
	call := &tokenCall{op: "client_credentials", transport: o.transport}
	params := url.Values{}
	if refresh != "" {
		call.op, call.refresh, call.hidden = "refresh", true, []string{refresh}
		params.Set("grant_type", "refresh_token")
		params.Set("refresh_token", refresh)
	}
	config, err := o.prepare(ctx, params, &call.hidden)
	if err != nil {
		return Token{}, unread(err)
	}
	link := &oauth2Link{call: call}
	client := &http.Client{Transport: link, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	_, err = config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	switch {
	case link.err != nil:
		return Token{}, link.err
	case link.answer == nil && ctx.Err() != nil:
		return Token{}, &Failure{Op: call.op, Refresh: call.refresh, NotSent: true, Err: ctx.Err()}
	case link.answer == nil:
		return Token{}, &Failure{Op: call.op, Refresh: call.refresh, NotSent: true, Err: errors.New("the request could not be built")}
	case err != nil:
		return Token{}, call.failure(link.answer.status, errors.New("the answer is an error or has no access_token"))
	}
	return o.token(call, link.answer)
}

func (o *oauth2Source) prepare(ctx context.Context, params url.Values, hidden *[]string) (*clientcredentials.Config, error) {
	id, err := o.secrets.text(ctx, o.config.ClientID)
	if err != nil {
		return nil, err
	}
	config := &clientcredentials.Config{
		ClientID: id, TokenURL: ExpandSymbol(o.config.TokenURL), Scopes: o.config.Scopes,
		EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams, // never the zero value: it would probe
	}
	if o.config.ClientAuth == "basic" {
		config.AuthStyle = oauth2.AuthStyleInHeader
	}
	if o.config.ClientAuth != "none" {
		secret, err := o.secrets.Resolve(ctx, o.config.ClientSecret)
		if err != nil {
			return nil, err
		}
		config.ClientSecret = secret.Reveal()
		*hidden = append(*hidden, config.ClientSecret, url.QueryEscape(id)+":"+url.QueryEscape(config.ClientSecret))
	}
	if o.config.Audience != "" {
		params.Set("audience", o.config.Audience)
	}
	filled, err := o.secrets.fill(ctx, map[string]any(o.config.Params), hidden)
	if err != nil {
		return nil, err
	}
	for name, v := range filled.(map[string]any) {
		switch v := v.(type) {
		case string:
			params.Set(name, v)
		case []string:
			params[name] = v
		case []any:
			for _, e := range v {
				params.Add(name, e.(string))
			}
		}
	}
	return config, nil
}

// token reads the fields of RFC 6749 §5.1.
func (o *oauth2Source) token(call *tokenCall, a *answer) (Token, error) {
	t, err := call.token(a, answerPaths{access: "access_token", refresh: "refresh_token", expiresIn: "expires_in"})
	if err != nil {
		return Token{}, err
	}
	t.Scopes = slices.Clone(o.config.Scopes) // an answer without scope grants what was asked for (§5.1)
	if scope, ok := a.fields["scope"].(string); ok {
		t.Scopes = strings.Fields(scope)
	}
	if !call.refresh {
		t.Refresh = Token{}.Refresh // §4.4.3: the client's own grant needs none
	}
	return t, nil
}

// oauth2Link is the transport below the retriever: it reads the answer itself and shows the retriever only what it can't
// misread or print.
type oauth2Link struct {
	call   *tokenCall
	answer *answer
	err    error
}

var errSeen = errors.New("the token request failed")

// RoundTrip sends the token request.
func (l *oauth2Link) RoundTrip(req *http.Request) (*http.Response, error) {
	l.answer, l.err = l.call.do(req.Clone(req.Context())) // do adds a header
	if l.err != nil {
		return nil, errSeen
	}
	shown := map[string]any{}
	for _, name := range []string{"access_token", "error"} {
		if v, ok := l.answer.fields[name].(string); ok && v != "" {
			shown[name] = "x"
		}
	}
	body, err := json.Marshal(shown)
	if err != nil {
		return nil, errSeen
	}
	return &http.Response{
		Status: http.StatusText(http.StatusOK), StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: req,
	}, nil
}
