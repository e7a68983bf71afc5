package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const discoveryLifetime = time.Hour

// discovery finds the token endpoint of an issuer through its metadata (OpenID Connect Discovery 1.0 §4, RFC 8414 §3). A source
// calls it from one goroutine at a time.
type discovery struct {
	issuer    string
	transport http.RoundTripper

	found *metadata
	until time.Time
}

// metadata is what a server says of itself, as far as it matters here; an empty list says nothing.
type metadata struct {
	tokenURL              string
	grants, methods, algs []string
}

// find returns the metadata, at most an hour old. A failure is kept for nobody.
func (d *discovery) find(ctx context.Context) (*metadata, error) {
	if d.found != nil && time.Now().Before(d.until) {
		return d.found, nil
	}
	d.found = nil
	m, err := d.fetch(ctx)
	if err != nil {
		return nil, err
	}
	d.found, d.until = m, time.Now().Add(discoveryLifetime)
	return m, nil
}

// forget makes the next find ask again.
func (d *discovery) forget() { d.found = nil }

func (d *discovery) fetch(ctx context.Context) (*metadata, error) {
	places, err := metadataURLs(d.issuer)
	if err != nil {
		return nil, &Failure{Op: "discovery", NotSent: true, Err: err}
	}
	f := (*Failure)(nil)
	for _, place := range places {
		a, err := d.get(ctx, place)
		if err == nil {
			return d.read(a)
		}
		if !errors.As(err, &f) || !elsewhere(f) {
			return nil, err
		}
	}
	return nil, &Failure{Op: f.Op, Status: f.Status, Err: fmt.Errorf("no metadata at %s", strings.Join(places, " or "))}
}

func (d *discovery) get(ctx context.Context, place string) (*answer, error) {
	c := &tokenCall{op: "discovery", transport: d.transport}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return nil, &Failure{Op: c.op, NotSent: true, Err: errors.New("the request could not be built")}
	}
	a, err := c.do(req)
	f := (*Failure)(nil)
	if errors.As(err, &f) && f.Status == 0 {
		f.NotSent = true // no secret, no refresh token: whatever became of this request, it can be sent again
	}
	return a, err
}

// elsewhere reports whether a failure says that the document is not at this place, which is no failure of the server.
func elsewhere(f *Failure) bool {
	if f.Status == http.StatusRequestTimeout || f.Status == http.StatusTooManyRequests {
		return false
	}
	return f.Status/100 == 4 || f.Status/100 == 2 // 2xx: a page for people
}

// read checks the document. What it says may be anybody's text, so that errors quote little of it.
func (d *discovery) read(a *answer) (*metadata, error) {
	wrong := func(err error) error { return &Failure{Op: "discovery", Status: a.status, Err: err} }
	issuer, _ := a.fields["issuer"].(string)
	endpoint, _ := a.fields["token_endpoint"].(string)
	switch {
	case issuer == "":
		return nil, wrong(errors.New("the metadata name no issuer"))
	case issuer != d.issuer: // RFC 8414 §3.3: else somebody else's metadata would do
		return nil, wrong(fmt.Errorf("the metadata are those of issuer %q, not of %q: write it exactly so, if that is the one", scrub(issuer, nil), d.issuer))
	case endpoint == "":
		return nil, wrong(errors.New("the metadata name no token_endpoint"))
	case checkEndpoint(endpoint) != "":
		return nil, wrong(errors.New("the metadata's token_endpoint " + checkEndpoint(endpoint)))
	}
	return &metadata{
		tokenURL: endpoint,
		grants:   texts(a.fields["grant_types_supported"]),
		methods:  texts(a.fields["token_endpoint_auth_methods_supported"]),
		algs:     texts(a.fields["token_endpoint_auth_signing_alg_values_supported"]),
	}, nil
}

func texts(v any) (list []string) {
	all, _ := v.([]any)
	for _, e := range all {
		if s, ok := e.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

// allows reports what the metadata say against a grant and a way of client authentication, by their names in the registries of OAuth.
func (m *metadata) allows(grant, method string) error {
	const hint = "change it, or name the endpoint by token_url if the metadata are wrong"
	switch {
	case len(m.grants) > 0 && !slices.Contains(m.grants, grant):
		return fmt.Errorf("the metadata do not offer the grant %s: %s", grant, hint)
	case len(m.methods) > 0 && !slices.Contains(m.methods, method):
		return fmt.Errorf("the metadata do not offer the client authentication %s: %s", method, hint)
	}
	return nil
}

// metadataURLs are the places of an issuer's metadata, in the order in which they are asked.
func metadataURLs(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, errors.New("the issuer is no URL")
	}
	root, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	return []string{root + path + "/.well-known/openid-configuration", root + "/.well-known/oauth-authorization-server" + path}, nil
}
