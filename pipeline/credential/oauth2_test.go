package credential

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leatdev/leat/pipeline/redact"
)

func buildOAuth2(t *testing.T, u *upstream, change func(*OAuth2Config)) Source {
	t.Helper()
	f := factoryOf(t, "oauth2")
	config := f.Config().(*OAuth2Config)
	config.TokenURL, config.ClientID, config.ClientSecret = "https://id.example.com/token", Text{Literal: "id one"}, Env("SECRET")
	if change != nil {
		change(config)
	}
	secrets := secretsWith(map[string]string{"SECRET": canary, "FIRST": "R0", "ID": "from env", "ASSERTION": canary + "-a"})
	source, place, err := f.Build(config, Settings{Secrets: secrets, Transport: u})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Placement{Header: "Authorization", Prefix: "Bearer "}, place); diff != "" {
		t.Error(diff)
	}
	checkHidden(t, source, config)
	return source
}

func TestOAuth2_requests(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*OAuth2Config)
		prev   string // a refresh token: Refresh is called instead of Obtain
		form   url.Values
		user   string // of basic authentication; its password is the secret
	}{
		{"client_credentials_basic", nil, "", url.Values{"grant_type": {"client_credentials"}}, "id+one"},
		{"post", func(c *OAuth2Config) { c.ClientAuth, c.ClientID = "post", Text{Ref: Env("ID")} }, "",
			url.Values{"grant_type": {"client_credentials"}, "client_id": {"from env"}, "client_secret": {canary}}, ""},
		{"scopes_audience_params", func(c *OAuth2Config) {
			c.Scopes, c.Audience = []string{"a", "b"}, "https://api"
			c.Params = Fields{"resource": []any{"x", "y"}, "assertion": Env("ASSERTION"), "tenant": "t"}
		}, "", url.Values{"grant_type": {"client_credentials"}, "scope": {"a b"}, "audience": {"https://api"},
			"resource": {"x", "y"}, "assertion": {canary + "-a"}, "tenant": {"t"}}, "id+one"},
		{"first_refresh_token", func(c *OAuth2Config) { c.Grant, c.RefreshToken = "refresh_token", Env("FIRST") }, "",
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"R0"}}, "id+one"},
		{"refresh_with_params", func(c *OAuth2Config) {
			c.Grant, c.RefreshToken, c.Audience, c.Params = "refresh_token", Env("FIRST"), "aud", Fields{"tenant": Env("ID")}
		}, "R7", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"R7"}, "audience": {"aud"}, "tenant": {"from env"}}, "id+one"},
		{"later_refresh_token", func(c *OAuth2Config) { c.Grant, c.RefreshToken = "refresh_token", Env("FIRST") }, "R7",
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"R7"}}, "id+one"},
		{"public_client", func(c *OAuth2Config) {
			c.Grant, c.ClientAuth, c.ClientSecret, c.Scopes = "refresh_token", "none", Ref{}, []string{"a"}
		}, "R7", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"R7"}, "client_id": {"id one"}, "scope": {"a"}}, ""},
		{"client_credentials_never_refresh", nil, "R7", url.Values{"grant_type": {"client_credentials"}}, "id+one"},
		{"symbol", func(c *OAuth2Config) { c.TokenURL = "demo:/token" }, "", url.Values{"grant_type": {"client_credentials"}}, "id+one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := replying(200, `{"access_token":"A1","token_type":"bearer","expires_in":60}`)
			source := buildOAuth2(t, u, tc.change)
			var err error
			if tc.prev != "" {
				_, err = source.Refresh(t.Context(), Token{Refresh: redact.NewSecret(tc.prev)})
			} else {
				_, err = source.Obtain(t.Context())
			}
			if err != nil || len(u.requests) != 1 {
				t.Fatalf("got %v after %d requests", err, len(u.requests))
			}
			form, err := url.ParseQuery(u.bodies[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.form, form); diff != "" {
				t.Error(diff)
			}
			req := u.requests[0]
			user, password, _ := req.BasicAuth()
			if user != tc.user || user != "" && password != canary || user == "" && req.Header.Get("Authorization") != "" {
				t.Errorf("authenticated as %q with %q", user, password)
			}
			if req.Method != "POST" || req.Header.Get("Accept") != "application/json" || len(req.URL.RawQuery) > 0 {
				t.Errorf("sent %s %s with Accept %q", req.Method, req.URL, req.Header.Get("Accept"))
			}
		})
	}
}

func TestOAuth2_tokens(t *testing.T) {
	for _, tc := range []struct {
		name, grant, body, refresh string
		scopes                     []string
		life                       time.Duration
	}{
		{"plain", "refresh_token", `{"access_token":"A1"}`, "", []string{"asked"}, 0},
		{"rotated", "refresh_token", `{"access_token":"A1","refresh_token":"R1","expires_in":60,"scope":"x y"}`, "R1", []string{"x", "y"}, time.Minute},
		{"number_as_string", "refresh_token", `{"access_token":"A1","expires_in":"60"}`, "", []string{"asked"}, time.Minute},
		{"fraction_keeps_the_rotated_token", "refresh_token", `{"access_token":"A1","refresh_token":"R1","expires_in":60.5}`, "R1", []string{"asked"}, 60500 * time.Millisecond},
		{"odd_types_keep_the_rotated_token", "refresh_token", `{"access_token":"A1","refresh_token":"R1","expires_in":{},"token_type":7,"scope":[]}`, "R1", []string{"asked"}, 0},
		{"more_than_an_int32", "refresh_token", `{"access_token":"A1","expires_in":3000000000}`, "", []string{"asked"}, 3000000000 * time.Second},
		{"own_grant_needs_no_refresh_token", "client_credentials", `{"access_token":"A1","refresh_token":"R1"}`, "", []string{"asked"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, media := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded", ""} {
				source := buildOAuth2(t, replying(200, tc.body, "Content-Type", media), func(c *OAuth2Config) {
					c.Grant, c.Scopes = tc.grant, []string{"asked"}
				})
				got, err := source.Refresh(t.Context(), Token{Refresh: redact.NewSecret("R0")})
				if err != nil {
					t.Fatal(err)
				}
				if got.Access.Reveal() != "A1" || got.Refresh.Reveal() != tc.refresh || got.Lifetime != tc.life {
					t.Errorf("%q: got %q, %q, %v", media, got.Access.Reveal(), got.Refresh.Reveal(), got.Lifetime)
				}
				if diff := cmp.Diff(tc.scopes, got.Scopes); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestOAuth2_failures(t *testing.T) {
	for _, tc := range tokenAnswers {
		t.Run(tc.name, func(t *testing.T) {
			source := buildOAuth2(t, tc.answer, nil)
			before := len(tc.answer.requests)
			_, err := source.Obtain(t.Context())
			checkFailure(t, err, tc.want, "client_credentials", tc.text)
			if n := len(tc.answer.requests) - before; n != 1 {
				t.Errorf("%d requests were sent, want 1: neither probing nor following", n)
			}
			source = buildOAuth2(t, tc.answer, func(c *OAuth2Config) { c.Grant = "refresh_token" })
			_, err = source.Refresh(t.Context(), Token{Refresh: redact.NewSecret(canary)})
			checkFailure(t, err, tc.want, "refresh", tc.text)
		})
	}
	for name, body := range map[string]string{
		"error_with_200":  `{"error":"invalid_grant","error_description":"` + canary + `"}`,
		"error_and_token": `{"error":"invalid_grant","access_token":"` + canary + `"}`,
		"no_token":        `{"token":"` + canary + `"}`,
		"token_no_string": `{"access_token":{"x":"` + canary + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := buildOAuth2(t, replying(200, body), nil).Obtain(t.Context())
			checkFailure(t, err, Failure{Status: 200}, "client_credentials", ": 200: the answer is an error or has no access_token")
		})
	}
}

func TestOAuth2_without_a_first_token(t *testing.T) {
	u := replying(200, `{}`)
	_, err := buildOAuth2(t, u, func(c *OAuth2Config) { c.Grant = "refresh_token" }).Obtain(t.Context())
	if !errors.Is(err, ErrLoginRequired) || len(u.requests) != 0 {
		t.Errorf("got %v after %d requests, want ErrLoginRequired", err, len(u.requests))
	}
}

func TestOAuth2_honours_the_context(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	u := &upstream{answer: func(req *http.Request) (*http.Response, error) {
		cancel()
		<-req.Context().Done()
		return nil, req.Context().Err()
	}}
	_, err := buildOAuth2(t, u, nil).Obtain(ctx)
	var f *Failure
	if !errors.Is(err, context.Canceled) || !errors.As(err, &f) || f.NotSent {
		t.Errorf("got %v", err)
	}
}

func TestOAuth2_unread_secret_sends_nothing(t *testing.T) {
	for name, change := range map[string]func(*OAuth2Config){
		"secret": func(c *OAuth2Config) { c.ClientSecret = Env("CRED_TEST_UNSET") },
		"id":     func(c *OAuth2Config) { c.ClientID = Text{Ref: Env("CRED_TEST_UNSET")} },
		"param":  func(c *OAuth2Config) { c.Params = Fields{"x": Env("CRED_TEST_UNSET")} },
		"token":  func(c *OAuth2Config) { c.Grant, c.RefreshToken = "refresh_token", Env("CRED_TEST_UNSET") },
	} {
		t.Run(name, func(t *testing.T) {
			u := replying(200, `{}`)
			_, err := buildOAuth2(t, u, change).Obtain(t.Context())
			var f *Failure
			if !errors.As(err, &f) || f.Op != "read" || !f.NotSent || len(u.requests) != 0 {
				t.Errorf("got %v after %d requests", err, len(u.requests))
			}
		})
	}
}

func asserting(c *OAuth2Config) {
	c.Grant, c.Assertion.Key, c.Assertion.Issuer = "jwt_bearer", Env("K"), Text{Literal: "i"}
}

func TestOAuth2Config_Validate(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		change     func(*OAuth2Config)
	}{
		{"grant", "grant", func(c *OAuth2Config) { c.Grant = "password" }},
		{"client_id", "client_id", func(c *OAuth2Config) { c.ClientID = Text{} }},
		{"client_auth", "client_auth", func(c *OAuth2Config) { c.ClientAuth = "auto" }},
		{"no_secret", "client_secret", func(c *OAuth2Config) { c.ClientSecret = Ref{} }},
		{"secret_of_public_client", "client_secret", func(c *OAuth2Config) { c.ClientAuth, c.Grant = "none", "refresh_token" }},
		{"public_client", "client_auth", func(c *OAuth2Config) { c.ClientAuth, c.ClientSecret = "none", Ref{} }},
		{"refresh_token", "refresh_token", func(c *OAuth2Config) { c.RefreshToken = Env("R") }},
		{"no_url", "token_url", func(c *OAuth2Config) { c.TokenURL = "" }},
		{"path", "token_url", func(c *OAuth2Config) { c.TokenURL = "/token" }},
		{"plain_http", "token_url", func(c *OAuth2Config) { c.TokenURL = "http://id.example.com/token" }},
		{"user", "token_url", func(c *OAuth2Config) { c.TokenURL = "https://u:" + canary + "@id.example.com/token" }},
		{"fragment", "token_url", func(c *OAuth2Config) { c.TokenURL = "https://id.example.com/token#x" }},
		{"star", "token_url", func(c *OAuth2Config) { c.TokenURL = "https://*.example.com/token" }},
		{"port", "token_url", func(c *OAuth2Config) { c.TokenURL = "https://id.example.com:0/token" }},
		{"broken", "token_url", func(c *OAuth2Config) { c.TokenURL = "https://" + canary + "@[::1" }},
		{"issuer_too", "issuer", func(c *OAuth2Config) { c.Issuer = "https://id.example.com" }},
		{"issuer_path", "issuer", func(c *OAuth2Config) { c.TokenURL, c.Issuer = "", "/id" }},
		{"issuer_plain_http", "issuer", func(c *OAuth2Config) { c.TokenURL, c.Issuer = "", "http://id.example.com" }},
		{"issuer_query", "issuer", func(c *OAuth2Config) { c.TokenURL, c.Issuer = "", "https://id.example.com/?a" }},
		{"key_missing", "client_key", func(c *OAuth2Config) { c.ClientAuth, c.ClientSecret = "private_key_jwt", Ref{} }},
		{"key_and_secret", "client_secret", func(c *OAuth2Config) { c.ClientAuth, c.ClientKey = "private_key_jwt", Env("K") }},
		{"key_of_basic", "client_key", func(c *OAuth2Config) { c.ClientKey = Env("K") }},
		{"key_id_of_basic", "client_key_id", func(c *OAuth2Config) { c.ClientKeyID = "x" }},
		{"audience_of_basic", "client_assertion_audience", func(c *OAuth2Config) { c.ClientAssertionAudience = "x" }},
		{"alg_of_basic", "signing_alg", func(c *OAuth2Config) { c.SigningAlg = "RS256" }},
		{"alg", "signing_alg", func(c *OAuth2Config) {
			c.ClientAuth, c.ClientSecret, c.ClientKey, c.SigningAlg = "private_key_jwt", Ref{}, Env("K"), "HS256"
		}},
		{"assertion_of_another_grant", "assertion", func(c *OAuth2Config) { c.Assertion.Key = Env("K") }},
		{"assertion_key", "assertion.key", func(c *OAuth2Config) { c.Grant, c.Assertion.Issuer = "jwt_bearer", Text{Literal: "i"} }},
		{"assertion_issuer", "assertion.issuer", func(c *OAuth2Config) { c.Grant, c.Assertion.Key = "jwt_bearer", Env("K") }},
		{"assertion_lifetime", "assertion.lifetime", func(c *OAuth2Config) { asserting(c); c.Assertion.Lifetime = 2 * time.Hour }},
		{"assertion_alg", "assertion.signing_alg", func(c *OAuth2Config) { asserting(c); c.Assertion.SigningAlg = "none" }},
		{"assertion_claim", "assertion.claims.exp", func(c *OAuth2Config) { asserting(c); c.Assertion.Claims = Fields{"exp": int64(1)} }},
		{"assertion_param", "params.assertion", func(c *OAuth2Config) { asserting(c); c.Params = Fields{"assertion": "x"} }},
		{"client_assertion_param", "params.client_assertion", func(c *OAuth2Config) {
			c.ClientAuth, c.ClientSecret, c.ClientKey, c.Params = "private_key_jwt", Ref{}, Env("K"), Fields{"client_assertion": "x"}
		}},
		{"assertion_with_half_a_client", "client_id", func(c *OAuth2Config) { asserting(c); c.ClientID = Text{} }},
		{"own_param", "params.scope", func(c *OAuth2Config) { c.Params = Fields{"scope": "x"} }},
		{"number_param", "params.n", func(c *OAuth2Config) { c.Params = Fields{"n": int64(1)} }},
		{"list_param", "params.n", func(c *OAuth2Config) { c.Params = Fields{"n": []any{"a", int64(1)}} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config := factoryOf(t, "oauth2").Config().(*OAuth2Config)
			config.TokenURL, config.ClientID, config.ClientSecret = "https://id.example.com/token", Text{Literal: "id"}, Env("S")
			if err := config.Validate(); err != nil {
				t.Fatal(err)
			}
			tc.change(config)
			err := config.Validate()
			var at interface{ ConfigPath() string }
			if !errors.As(err, &at) || at.ConfigPath() != tc.path {
				t.Errorf("got %v, want an error at %s", err, tc.path)
			}
			checkHidden(t, err)
		})
	}
	for _, s := range []string{"http://localhost:9000/token", "http://127.0.0.1/token", "http://[::1]:1/token", "demo:/token", "demo:other/t", "https://id.example.com/t?p=1"} {
		if fault := checkEndpoint(s); fault != "" {
			t.Errorf("%s: %s", s, fault)
		}
	}
}
