package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/leatdev/leat/pipeline/redact"
)

func oauth2Factory() Factory {
	defaults := OAuth2Config{Grant: "client_credentials", Assertion: AssertionConfig{Lifetime: assertionLifetime}}
	return Define("oauth2", defaults, func(c OAuth2Config, s Settings) (Source, Placement, error) {
		if err := c.Validate(); err != nil {
			return nil, Placement{}, err
		}
		if s.Transport == nil {
			return nil, Placement{}, errNoTransport
		}
		source := &oauth2Source{config: c, subject: s.Subject, secrets: s.Secrets, transport: s.Transport}
		if c.Issuer != "" {
			source.discovery = &discovery{issuer: ExpandSymbol(c.Issuer), transport: s.Transport}
		}
		return source, Placement{Header: "Authorization", Prefix: "Bearer "}, nil
	})
}

// oauth2Source holds no secret; it reads what it needs for each request.
type oauth2Source struct {
	config    OAuth2Config
	subject   string
	secrets   *Secrets
	transport http.RoundTripper
	discovery *discovery // nil: the file names the token endpoint
}

// Format shows the type alone: fmt would reach through fields, as far as the transport's.
func (o *oauth2Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "oauth2 source") }

// Obtain runs the configured grant.
func (o *oauth2Source) Obtain(ctx context.Context) (Token, error) {
	if o.config.Grant != "refresh_token" {
		return o.request(ctx, "")
	}
	if o.config.RefreshToken.IsZero() {
		return Token{}, ErrLoginRequired
	}
	first, err := o.Seed(ctx)
	if err != nil {
		return Token{}, err
	}
	return o.request(ctx, first.Reveal())
}

// Seed reads the configured refresh token.
func (o *oauth2Source) Seed(ctx context.Context) (redact.Secret, error) {
	if o.config.Grant != "refresh_token" || o.config.RefreshToken.IsZero() {
		return redact.Secret{}, nil
	}
	first, err := o.secrets.Resolve(ctx, o.config.RefreshToken)
	if err != nil {
		return redact.Secret{}, unread(err)
	}
	return first, nil
}

// Refresh runs the refresh grant with prev's refresh token, or the client's own grant again.
func (o *oauth2Source) Refresh(ctx context.Context, prev Token) (Token, error) {
	if o.config.Grant != "refresh_token" || prev.Refresh.IsZero() {
		return o.Obtain(ctx)
	}
	return o.request(ctx, prev.Refresh.Reveal())
}

// request makes one token request through x/oauth2's retriever. Its client_credentials config serves all grants, since it lets
// grant_type be set and its refresh config has no place for scopes and parameters. Its answers and errors are not used: they
// print bodies and URLs, and lose a rotated token over a fractional expires_in.
func (o *oauth2Source) request(ctx context.Context, refresh string) (Token, error) {
	call := &tokenCall{op: o.config.Grant, transport: o.transport}
	params := url.Values{}
	if refresh != "" {
		call.op, call.refresh, call.hidden = "refresh", true, []string{refresh}
		params.Set("grant_type", "refresh_token")
		params.Set("refresh_token", refresh)
	}
	server, err := o.server(ctx)
	if err != nil {
		return Token{}, err
	}
	config, err := o.prepare(ctx, server, params, &call.hidden)
	if err != nil {
		return Token{}, unread(err)
	}
	link := &oauth2Link{call: call}
	client := &http.Client{Transport: link, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	_, err = config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	switch {
	case link.err != nil:
		o.doubt(link.err)
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

// server says where the token endpoint is, and that it takes what is configured, as far as that is known.
func (o *oauth2Source) server(ctx context.Context) (*metadata, error) {
	if o.discovery == nil {
		return &metadata{tokenURL: ExpandSymbol(o.config.TokenURL)}, nil
	}
	m, err := o.discovery.find(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.allows(registered[o.config.Grant], registered[o.config.auth()]); err != nil {
		o.discovery.forget()
		return nil, &Failure{Op: "discovery", Status: http.StatusOK, Err: err}
	}
	return m, nil
}

// doubt has the endpoint looked for again where it may have moved.
func (o *oauth2Source) doubt(err error) {
	f := (*Failure)(nil)
	if o.discovery != nil && errors.As(err, &f) && (f.NotSent || f.Status == http.StatusNotFound || f.Status == http.StatusGone) {
		o.discovery.forget()
	}
}

func (o *oauth2Source) prepare(ctx context.Context, server *metadata, params url.Values, hidden *[]string) (*clientcredentials.Config, error) {
	id, err := o.secrets.text(ctx, o.config.ClientID)
	if err != nil {
		return nil, err
	}
	config := &clientcredentials.Config{
		ClientID: id, TokenURL: server.tokenURL, Scopes: o.config.Scopes,
		EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams, // never the zero value: it would probe
	}
	switch o.config.auth() {
	case "basic":
		config.AuthStyle = oauth2.AuthStyleInHeader
		fallthrough
	case "post":
		secret, err := o.secrets.Resolve(ctx, o.config.ClientSecret)
		if err != nil {
			return nil, err
		}
		config.ClientSecret = secret.Reveal()
		*hidden = append(*hidden, config.ClientSecret, url.QueryEscape(id)+":"+url.QueryEscape(config.ClientSecret))
	case "private_key_jwt":
		if err := o.proveByKey(ctx, id, server, params, hidden); err != nil {
			return nil, err
		}
	}
	if o.config.Grant == "jwt_bearer" {
		if err := o.assert(ctx, server, params, hidden); err != nil {
			return nil, err
		}
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

// audience is whom an assertion is for: what is configured, else the issuer, which no other server can make us write (an attacker's
// metadata could name the endpoint of another), else the token endpoint.
func (o *oauth2Source) audience(configured string, server *metadata) string {
	switch {
	case configured != "":
		return configured
	case o.discovery != nil:
		return o.discovery.issuer
	}
	return server.tokenURL
}

// proveByKey adds the client's assertion of RFC 7523 §2.2.
func (o *oauth2Source) proveByKey(ctx context.Context, id string, server *metadata, params url.Values, hidden *[]string) error {
	signed, err := o.secrets.sign(ctx, jwtSpec{
		key: o.config.ClientKey, keyID: o.config.ClientKeyID, alg: o.config.SigningAlg, takes: server.algs,
		iss: id, sub: id, aud: o.audience(o.config.ClientAssertionAudience, server), lifetime: assertionLifetime,
	}, hidden)
	params.Set("client_assertion_type", assertionType)
	params.Set("client_assertion", signed)
	return err
}

// assert adds the assertion of RFC 7523 §2.1.
func (o *oauth2Source) assert(ctx context.Context, server *metadata, params url.Values, hidden *[]string) error {
	c := o.config.Assertion
	issuer, err := o.secrets.text(ctx, c.Issuer)
	if err != nil {
		return err
	}
	subject, err := o.secrets.text(ctx, c.Subject)
	if err != nil {
		return err
	}
	claims, err := o.secrets.fill(ctx, map[string]any(c.Claims), hidden)
	if err != nil {
		return err
	}
	signed, err := o.secrets.sign(ctx, jwtSpec{
		key: c.Key, keyID: c.KeyID, alg: c.SigningAlg, lifetime: c.Lifetime,
		iss: issuer, sub: or(subject, o.subject), aud: o.audience(c.Audience, server), claims: claims.(map[string]any),
	}, hidden)
	params.Set("grant_type", jwtBearerGrant)
	params.Set("assertion", signed)
	return err
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
		t.Refresh = Token{}.Refresh // §4.4.3: the client's own grants need none
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
