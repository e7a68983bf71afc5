package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/leatdev/leat/pipeline/redact"
)

// keys are made once: a test of keys needs no two of a kind.
var keys = sync.OnceValue(func() map[string]crypto.Signer {
	ec := func(curve elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	}
	bits := func(n int) crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, n)
		if err != nil {
			panic(err)
		}
		return key
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{
		"rsa": bits(2048), "small": bits(1024), "p256": ec(elliptic.P256()), "p384": ec(elliptic.P384()),
		"p521": ec(elliptic.P521()), "p224": ec(elliptic.P224()), "ed": ed,
	}
})

func asPEM(t *testing.T, kind string, data []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
}

func pkcs8(t *testing.T, name string) string {
	t.Helper()
	data, err := x509.MarshalPKCS8PrivateKey(keys()[name])
	return asPEM(t, "PRIVATE KEY", data, err)
}

func asJWK(t *testing.T, key any, id, alg string) string {
	t.Helper()
	data, err := jose.JSONWebKey{Key: key, KeyID: id, Algorithm: alg}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSigningKey_reads(t *testing.T) {
	sec1, err := x509.MarshalECPrivateKey(keys()["p384"].(*ecdsa.PrivateKey))
	google, jsonErr := json.Marshal(map[string]string{"type": "service_account", "private_key": pkcs8(t, "rsa"), "private_key_id": "g1"})
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	for _, tc := range []struct {
		name, text, asked string
		takes             []string
		id                string
		alg               jose.SignatureAlgorithm
	}{
		{"pkcs8_rsa", pkcs8(t, "rsa"), "", nil, "", jose.RS256},
		{"pkcs1_rsa", asPEM(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(keys()["rsa"].(*rsa.PrivateKey)), nil), "PS512", nil, "", jose.PS512},
		{"pkcs8_p256", pkcs8(t, "p256"), "", nil, "", jose.ES256},
		{"sec1_with_parameters", asPEM(t, "EC PARAMETERS", []byte{6}, nil) + asPEM(t, "EC PRIVATE KEY", sec1, err), "", nil, "", jose.ES384},
		{"pkcs8_p521", pkcs8(t, "p521"), "", nil, "", jose.ES512},
		{"pkcs8_ed25519", pkcs8(t, "ed"), "", nil, "", jose.EdDSA},
		{"behind_its_certificate", asPEM(t, "CERTIFICATE", []byte("x"), nil) + pkcs8(t, "ed"), "", nil, "", jose.EdDSA},
		{"jwk", asJWK(t, keys()["p256"], "k1", ""), "", nil, "k1", jose.ES256},
		{"jwk_alg", "\n " + asJWK(t, keys()["rsa"], "k1", "PS256"), "", nil, "k1", jose.PS256},
		{"asked_wins_over_the_jwk", asJWK(t, keys()["rsa"], "k1", "PS256"), "RS512", nil, "k1", jose.RS512},
		{"google", string(google), "", nil, "g1", jose.RS256},
		{"what_the_server_takes", pkcs8(t, "rsa"), "", []string{"ES256", "PS256", "RS384"}, "", jose.RS384},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := parseSigningKey(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			alg, err := key.algorithm(tc.asked, tc.takes)
			if err != nil || key.id != tc.id || alg != tc.alg {
				t.Errorf("got kid %q, %s, %v, want %q, %s", key.id, alg, err, tc.id, tc.alg)
			}
		})
	}
}

func TestSigningKey_refuses(t *testing.T) {
	public, err := x509.MarshalPKIXPublicKey(keys()["rsa"].Public())
	locked := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte(canary)}))
	for _, tc := range []struct {
		name, text, asked string
		takes             []string
		want              string
	}{
		{"no_pem", canary, "", nil, "holds no private key"},
		{"empty_pem", "-----BEGIN PRIVATE KEY-----\n" + canary, "", nil, "holds no private key"},
		{"damaged", asPEM(t, "PRIVATE KEY", []byte(canary), nil), "", nil, "can't be read"},
		{"wrong_first_line", strings.ReplaceAll(pkcs8(t, "p256"), "PRIVATE KEY", "RSA PRIVATE KEY"), "", nil, "can't be read"},
		{"encrypted", asPEM(t, "ENCRYPTED PRIVATE KEY", []byte(canary), nil), "", nil, "is encrypted"},
		{"encrypted_pkcs1", locked, "", nil, "is encrypted"},
		{"openssh", asPEM(t, "OPENSSH PRIVATE KEY", []byte(canary), nil), "", nil, "ssh-keygen"},
		{"public", asPEM(t, "PUBLIC KEY", public, err), "", nil, "a public key"},
		{"certificate", asPEM(t, "CERTIFICATE", []byte(canary), nil), "", nil, "a certificate"},
		{"small", pkcs8(t, "small"), "", nil, "1024 bits"},
		{"curve", pkcs8(t, "p224"), "", nil, "P-224"},
		{"json", `{"a":"` + canary, "", nil, "no JSON object"},
		{"no_jwk", `{"kty":"` + canary + `"}`, "", nil, "can't be read"},
		{"half_a_jwk", `{"kty":"EC","crv":"P-256","x":"` + canary + `","d":"` + canary + `"}`, "", nil, "can't be read"},
		{"public_jwk", asJWK(t, keys()["rsa"].Public(), "", ""), "", nil, "is a public key"},
		{"shared_secret", `{"kty":"oct","k":"` + canary + `"}`, "", nil, "shared secret"},
		{"key_set", `{"keys":[]}`, "", nil, "set of keys"},
		{"encryption", strings.Replace(asJWK(t, keys()["rsa"], "", ""), "{", `{"use":"enc",`, 1), "", nil, `not "sig"`},
		{"jwk_alg", asJWK(t, keys()["rsa"], "", "ES256"), "", nil, "the JWK's alg does not go with its key, which is RSA: it may be RS256, RS384, RS512, PS256, PS384, PS512"},
		{"asked_alg", pkcs8(t, "p256"), "RS256", nil, "signing_alg RS256 does not go with an EC P-256 key: write ES256, or leave it out"},
		{"asked_curve", pkcs8(t, "p384"), "ES256", nil, "write ES384"},
		{"not_taken", pkcs8(t, "ed"), "", []string{"RS256"}, "takes no assertion that is signed with EdDSA"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := parseSigningKey(tc.text)
			if err == nil {
				_, err = key.algorithm(tc.asked, tc.takes)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			checkHidden(t, err)
		})
	}
}

// claimsOf verifies a JWT with the public half of a key.
func claimsOf(t *testing.T, token string, key crypto.Signer, alg jose.SignatureAlgorithm) (header jose.Header, claims map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return jws.Signatures[0].Header, claims
}

func form(t *testing.T, body string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// without returns m without the members that differ each time, which it checks: they must be there.
func without(t *testing.T, m map[string]any, names ...string) map[string]any {
	t.Helper()
	for _, name := range names {
		if m[name] == nil {
			t.Errorf("%s is missing", name)
		}
		delete(m, name)
	}
	return m
}

func TestOAuth2_private_key_jwt(t *testing.T) {
	for _, tc := range []struct {
		name, key string
		alg       jose.SignatureAlgorithm
		aud       string
		change    func(*OAuth2Config)
	}{
		{"rsa", "rsa", jose.RS256, "https://id.example.com/token", nil},
		{"pss_and_audience", "rsa", jose.PS256, "https://id.example.com", func(c *OAuth2Config) {
			c.SigningAlg, c.ClientAssertionAudience = "PS256", "https://id.example.com"
		}},
		{"p256", "p256", jose.ES256, "https://id.example.com/token", nil},
		{"ed25519", "ed", jose.EdDSA, "https://id.example.com/token", nil},
		{"refresh", "p256", jose.ES256, "https://id.example.com/token", func(c *OAuth2Config) { c.Grant = "refresh_token" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := replying(200, `{"access_token":"A1"}`)
				learnt := map[string]bool{}
				source := buildJWT(t, u, tc.key, learnt, func(c *OAuth2Config) {
					c.ClientAuth, c.ClientKey, c.ClientKeyID = "private_key_jwt", Env("KEY"), "k1"
					if tc.change != nil {
						tc.change(c)
					}
				})
				for range 2 {
					if _, err := source.Refresh(t.Context(), Token{Refresh: redact.NewSecret("R1")}); err != nil {
						t.Fatal(err)
					}
				}
				var ids []any
				for i, body := range u.bodies {
					sent := form(t, body)
					if u.requests[i].Header.Get("Authorization") != "" || sent.Get("client_secret") != "" || sent.Get("client_id") != "id one" {
						t.Errorf("sent %v with %v", sent, u.requests[i].Header)
					}
					if sent.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
						t.Errorf("type %q", sent.Get("client_assertion_type"))
					}
					header, claims := claimsOf(t, sent.Get("client_assertion"), keys()[tc.key], tc.alg)
					if header.KeyID != "k1" || header.ExtraHeaders["typ"] != "JWT" {
						t.Errorf("header %+v", header)
					}
					ids = append(ids, claims["jti"])
					now := float64(time.Now().Unix())
					want := map[string]any{"iss": "id one", "sub": "id one", "aud": tc.aud, "iat": now, "exp": now + 300}
					if diff := cmp.Diff(want, without(t, claims, "jti")); diff != "" {
						t.Error(diff)
					}
					if !learnt[sent.Get("client_assertion")] {
						t.Error("the assertion was not learnt")
					}
				}
				if ids[0] == ids[1] {
					t.Errorf("jti %v was used twice", ids[0])
				}
			})
		})
	}
}

func buildJWT(t *testing.T, u *upstream, key string, learnt map[string]bool, change func(*OAuth2Config)) Source {
	t.Helper()
	f := factoryOf(t, "oauth2")
	config := f.Config().(*OAuth2Config)
	config.TokenURL, config.ClientID = "https://id.example.com/token", Text{Literal: "id one"}
	change(config)
	secrets := NewSecrets("", nil, byName(map[string]string{"KEY": pkcs8(t, key), "PHONE": canary}), func(s redact.Secret) {
		if learnt != nil {
			learnt[s.Reveal()] = true
		}
	})
	source, _, err := f.Build(config, Settings{Subject: "bob", Secrets: secrets, Transport: u})
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, source, config)
	return source
}

func TestOAuth2_jwt_bearer(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*OAuth2Config)
		form   url.Values
		claims map[string]any
		life   float64
	}{
		{"google", func(c *OAuth2Config) {
			c.ClientID, c.Assertion.Subject = Text{}, Text{Literal: "ada@example.com"}
			c.Assertion.Claims = Fields{"scope": "a b", "list": []any{"x", int64(1)}, "phone": Env("PHONE")}
			c.Assertion.Lifetime = time.Hour
		}, url.Values{}, map[string]any{"sub": "ada@example.com", "aud": "https://id.example.com/token", "scope": "a b",
			"list": []any{"x", 1.0}, "phone": canary}, 3600},
		{"subject_of_the_call_and_scopes", func(c *OAuth2Config) {
			c.Scopes, c.Assertion.Audience, c.Params = []string{"a", "b"}, "https://aud", Fields{"tenant": "t"}
		}, url.Values{"client_id": {"id one"}, "scope": {"a b"}, "tenant": {"t"}}, map[string]any{"sub": "bob", "aud": "https://aud"}, 300},
		{"client_secret_too", func(c *OAuth2Config) { c.ClientAuth, c.ClientSecret = "post", Env("PHONE") },
			url.Values{"client_id": {"id one"}, "client_secret": {canary}}, map[string]any{"sub": "bob", "aud": "https://id.example.com/token"}, 300},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := replying(200, `{"access_token":"A1","refresh_token":"R1","expires_in":60}`)
				source := buildJWT(t, u, "rsa", nil, func(c *OAuth2Config) {
					c.Grant, c.Assertion.Key, c.Assertion.Issuer = "jwt_bearer", Env("KEY"), Text{Literal: "svc"}
					tc.change(c)
				})
				got, err := source.Obtain(t.Context())
				if err != nil || got.Access.Reveal() != "A1" || !got.Refresh.IsZero() || got.Lifetime != time.Minute {
					t.Errorf("got %q, %q, %v", got.Access.Reveal(), got.Refresh.Reveal(), err)
				}
				sent := form(t, u.bodies[0])
				_, claims := claimsOf(t, sent.Get("assertion"), keys()["rsa"], jose.RS256)
				now := float64(time.Now().Unix())
				tc.claims["iss"], tc.claims["iat"], tc.claims["exp"] = "svc", now, now+tc.life
				if diff := cmp.Diff(tc.claims, without(t, claims, "jti")); diff != "" {
					t.Error(diff)
				}
				if sent.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
					t.Errorf("grant %q", sent.Get("grant_type"))
				}
				delete(sent, "assertion")
				delete(sent, "grant_type")
				if diff := cmp.Diff(tc.form, sent); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestOAuth2_assertions_stay_out_of_errors(t *testing.T) {
	var assertion string
	u := &upstream{}
	u.answer = func(*http.Request) (*http.Response, error) {
		assertion = form(t, u.bodies[len(u.bodies)-1]).Get("assertion")
		if len(u.bodies) == 1 {
			return nil, fmt.Errorf("no luck with %s", assertion)
		}
		return reply(400, `{"error":"bad `+assertion+`"}`), nil
	}
	source := buildJWT(t, u, "p256", nil, asserting2)
	for range 2 {
		_, err := source.Obtain(t.Context())
		f := (*Failure)(nil)
		if !errors.As(err, &f) || f.Op != "jwt_bearer" || f.Refresh {
			t.Errorf("got %#v", err)
		}
		if text := fmt.Sprintf("%+v", err); assertion == "" || strings.Contains(text, assertion[:40]) {
			t.Errorf("the error shows the assertion: %s", text)
		}
	}
}

func asserting2(c *OAuth2Config) {
	c.Grant, c.Assertion.Key, c.Assertion.Issuer = "jwt_bearer", Env("KEY"), Text{Literal: "svc"}
}

func TestOAuth2_reads_the_key_for_each_request(t *testing.T) {
	u := replying(200, `{"access_token":"A1"}`)
	f := factoryOf(t, "oauth2")
	config := f.Config().(*OAuth2Config)
	config.TokenURL = "https://id.example.com/token"
	asserting2(config)
	current := "p256"
	secrets := NewSecrets("", nil, func(string, string) (string, bool) {
		if current == "none" {
			return "rubbish " + canary, true
		}
		return pkcs8(t, current), true
	}, nil)
	source, _, err := f.Build(config, Settings{Secrets: secrets, Transport: u})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"p256", "ed"} {
		current = name
		if _, err := source.Obtain(t.Context()); err != nil {
			t.Fatal(err)
		}
		alg := []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA}[i]
		_, claims := claimsOf(t, form(t, u.bodies[i]).Get("assertion"), keys()[name], alg)
		if _, there := claims["sub"]; there {
			t.Errorf("claims %v, but nobody named a subject", claims)
		}
	}
	current = "none"
	_, err = source.Obtain(t.Context())
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Op != "read" || !f.NotSent || len(u.requests) != 2 || !strings.Contains(err.Error(), "env KEY: it holds no private key") {
		t.Errorf("got %v after %d requests", err, len(u.requests))
	}
	checkHidden(t, err)
}
