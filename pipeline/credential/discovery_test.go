package credential

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	oidcPlace  = "/.well-known/openid-configuration"
	oauthPlace = "/.well-known/oauth-authorization-server"
)

// pages answers by path; a path that it lacks is a 404.
type pages map[string]func() (*http.Response, error)

func (p pages) upstream() *upstream {
	return &upstream{answer: func(req *http.Request) (*http.Response, error) {
		if page := p[req.URL.Path]; page != nil {
			return page()
		}
		return reply(404, `not here`, "Content-Type", "text/plain"), nil
	}}
}

func page(status int, body string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return reply(status, body), nil }
}

func document(issuer, more string) string {
	return `{"issuer":"` + issuer + `","token_endpoint":"https://tokens.example.com/t"` + more + `}`
}

func places(u *upstream) (list []string) {
	for _, req := range u.requests {
		list = append(list, req.Method+" "+req.URL.String())
	}
	return list
}

func buildDiscovery(t *testing.T, u *upstream, issuer string, change func(*OAuth2Config)) Source {
	t.Helper()
	return buildOAuth2(t, u, func(c *OAuth2Config) {
		c.TokenURL, c.Issuer = "", issuer
		if change != nil {
			change(c)
		}
	})
}

func TestDiscovery_finds_the_token_endpoint(t *testing.T) {
	token := page(200, `{"access_token":"A1"}`)
	for _, tc := range []struct {
		name, issuer string
		pages        pages
		want         []string
	}{
		{"openid", "https://id.example.com", pages{oidcPlace: page(200, document("https://id.example.com", ""))},
			[]string{"GET https://id.example.com" + oidcPlace}},
		{"path", "https://id.example.com/realms/a", pages{"/realms/a" + oidcPlace: page(200, document("https://id.example.com/realms/a", ""))},
			[]string{"GET https://id.example.com/realms/a" + oidcPlace}},
		{"slash", "https://id.example.com/a/", pages{"/a" + oidcPlace: page(200, document("https://id.example.com/a/", ""))},
			[]string{"GET https://id.example.com/a" + oidcPlace}},
		{"oauth", "https://id.example.com", pages{oauthPlace: page(200, document("https://id.example.com", ""))},
			[]string{"GET https://id.example.com" + oidcPlace, "GET https://id.example.com" + oauthPlace}},
		{"oauth_path_after_a_page_for_people", "https://id.example.com/a/", pages{"/a" + oidcPlace: page(200, `<html>`),
			oauthPlace + "/a": page(200, document("https://id.example.com/a/", ""))},
			[]string{"GET https://id.example.com/a" + oidcPlace, "GET https://id.example.com" + oauthPlace + "/a"}},
		{"symbol", "demo:", pages{oidcPlace: page(200, document("http://demo.localhost", ""))}, []string{"GET http://demo.localhost" + oidcPlace}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.pages["/t"] = token
			u := tc.pages.upstream()
			source := buildDiscovery(t, u, tc.issuer, nil)
			if got, err := source.Obtain(t.Context()); err != nil || got.Access.Reveal() != "A1" {
				t.Errorf("got %q, %v", got.Access.Reveal(), err)
			}
			if diff := cmp.Diff(append(tc.want, "POST https://tokens.example.com/t"), places(u)); diff != "" {
				t.Error(diff)
			}
			if h := u.requests[0].Header; h.Get("Authorization") != "" || h.Get("Accept") != "application/json" || u.bodies[0] != "" {
				t.Errorf("the metadata were asked for with %v and %q", h, u.bodies[0])
			}
		})
	}
}

func TestDiscovery_failures(t *testing.T) {
	const issuer = "https://id.example.com"
	for _, tc := range []struct {
		name   string
		answer func() (*http.Response, error)
		want   Failure // Op and Refresh aside
		text   string
		asked  int
	}{
		{"nowhere", page(404, `{"error":"`+canary+`"}`), Failure{Status: 404},
			"discovery: 404: no metadata at https://id.example.com" + oidcPlace + " or https://id.example.com" + oauthPlace, 2},
		{"pages_for_people", page(200, `<html>`+canary), Failure{Status: 200}, "discovery: 200: no metadata at", 2},
		{"too_large", page(200, `{"issuer":"`+strings.Repeat("x", maxAnswer)), Failure{Status: 200}, "no metadata at", 2},
		{"unavailable", page(503, canary), Failure{Status: 503}, "discovery: 503", 1},
		{"too_many", page(429, canary), Failure{Status: 429}, "discovery: 429", 1},
		{"redirect", page(302, canary), Failure{Status: 302}, "redirects of token requests are not followed", 1},
		{"network", func() (*http.Response, error) { return nil, errors.New("reset " + canary) }, Failure{NotSent: true}, "discovery: ", 1},
		{"no_issuer", page(200, `{"token_endpoint":"https://id.example.com/t"}`), Failure{Status: 200}, "name no issuer", 1},
		{"other_issuer", page(200, document("https://evil.example", "")), Failure{Status: 200}, `those of issuer "https://evil.example", not of "https://id.example.com"`, 1},
		{"slash", page(200, document(issuer+"/", "")), Failure{Status: 200}, "write it exactly so", 1},
		{"no_endpoint", page(200, `{"issuer":"https://id.example.com"}`), Failure{Status: 200}, "no token_endpoint", 1},
		{"plain_http", page(200, `{"issuer":"https://id.example.com","token_endpoint":"http://id.example.com/t"}`), Failure{Status: 200}, "must be https", 1},
		{"user", page(200, `{"issuer":"https://id.example.com","token_endpoint":"https://u:`+canary+`@id.example.com/t"}`), Failure{Status: 200}, "user information", 1},
		{"relative", page(200, `{"issuer":"https://id.example.com","token_endpoint":"/t"}`), Failure{Status: 200}, "whole URL", 1},
		{"grant", page(200, document(issuer, `,"grant_types_supported":["authorization_code"]`)), Failure{Status: 200}, "do not offer the grant client_credentials", 1},
		{"method", page(200, document(issuer, `,"token_endpoint_auth_methods_supported":["private_key_jwt"]`)), Failure{Status: 200}, "do not offer the client authentication client_secret_basic", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := pages{oidcPlace: tc.answer, oauthPlace: tc.answer}.upstream()
			source := buildDiscovery(t, u, issuer, nil)
			_, err := source.Obtain(t.Context())
			f := (*Failure)(nil)
			if !errors.As(err, &f) || f.Op != "discovery" || f.Refresh || f.Status != tc.want.Status || f.NotSent != tc.want.NotSent || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v (%+v), want %q", err, f, tc.text)
			}
			if tc.name != "network" { // whose text is a stranger's
				checkHidden(t, err)
			}
			if _, again := source.Obtain(t.Context()); again == nil || len(u.requests) != 2*tc.asked {
				t.Errorf("a failure was kept: %d requests, %v", len(u.requests), places(u))
			}
		})
	}
}

func TestDiscovery_takes_what_fits(t *testing.T) {
	lists := `,"grant_types_supported":["refresh_token","client_credentials","urn:ietf:params:oauth:grant-type:jwt-bearer"],` +
		`"token_endpoint_auth_methods_supported":["client_secret_post","private_key_jwt","none"],"token_endpoint_auth_signing_alg_values_supported":["PS256"]`
	u := pages{oidcPlace: page(200, document("https://id.example.com", lists)), "/t": page(200, `{"access_token":"A1"}`)}.upstream()
	for name, change := range map[string]func(*OAuth2Config){
		"post":    func(c *OAuth2Config) { c.ClientAuth, c.ClientSecret = "post", Env("PHONE") },
		"none":    asserting2,
		"refresh": func(c *OAuth2Config) { c.Grant, c.ClientAuth, c.RefreshToken = "refresh_token", "none", Env("PHONE") },
		"key":     func(c *OAuth2Config) { c.ClientAuth, c.ClientKey = "private_key_jwt", Env("KEY") },
	} {
		source := buildJWT(t, u, "rsa", nil, func(c *OAuth2Config) {
			c.TokenURL, c.Issuer = "", "https://id.example.com"
			change(c)
		})
		if _, err := source.Obtain(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sent := form(t, u.bodies[len(u.bodies)-1])
		if name == "key" {
			if _, claims := claimsOf(t, sent.Get("client_assertion"), keys()["rsa"], "PS256"); claims["aud"] != "https://id.example.com" {
				t.Errorf("aud %v, want the issuer", claims["aud"])
			}
		}
	}
	source := buildJWT(t, u, "ed", nil, func(c *OAuth2Config) {
		c.TokenURL, c.Issuer, c.ClientAuth, c.ClientKey = "", "https://id.example.com", "private_key_jwt", Env("KEY")
	})
	if _, err := source.Obtain(t.Context()); err == nil || !strings.Contains(err.Error(), "takes no assertion that is signed with EdDSA") {
		t.Errorf("got %v", err)
	}
}

func TestDiscovery_is_kept_for_an_hour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 200
		all := pages{oidcPlace: page(200, document("https://id.example.com", ""))}
		all["/t"] = func() (*http.Response, error) { return reply(status, `{"access_token":"A1"}`), nil }
		u := all.upstream()
		source := buildDiscovery(t, u, "https://id.example.com", nil)
		obtain := func(want int) {
			t.Helper()
			u.requests = nil
			_, err := source.Obtain(t.Context())
			if len(u.requests) != want || (err == nil) != (status == 200) {
				t.Errorf("got %v after %v, want %d requests", err, places(u), want)
			}
		}
		obtain(2)
		time.Sleep(59 * time.Minute)
		obtain(1)
		time.Sleep(time.Minute)
		obtain(2)
		status = 503
		obtain(1)
		obtain(1)
		status = 404 // it may have moved
		obtain(1)
		status = 200
		obtain(2)
	})
}
