package credential

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// FuzzTokenAnswer feeds answers of any shape to both sources that talk to servers: each is a usable token or a *Failure that
// shows nothing of the body but a well-formed error code.
func FuzzTokenAnswer(f *testing.F) {
	for _, tc := range tokenAnswers {
		if resp, err := tc.answer.answer(nil); err == nil {
			body := new(strings.Builder)
			buf := make([]byte, 4096)
			n, _ := resp.Body.Read(buf)
			body.Write(buf[:n])
			f.Add(resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Retry-After"), body.String())
		}
	}
	f.Add(200, "application/json", "", `{"access_token":"A","refresh_token":"R","expires_in":1e3,"expires_at":"2026-03-01T12:00:00Z","scope":"a b"}`)
	f.Add(503, "", "Sun, 01 Mar 2026 12:00:00 GMT", "")
	f.Fuzz(func(t *testing.T, status int, media, after, body string) {
		u := replying(status, body, "Content-Type", media, "Retry-After", after)
		login, _ := buildLogin(t, u, nil)
		for _, source := range []Source{login, buildOAuth2(t, u, nil)} {
			token, err := source.Obtain(t.Context())
			if err == nil {
				if status < 200 || status > 299 || token.Access.IsZero() || token.Lifetime < 0 || token.Lifetime > maxLifetime || !fitsHeader(token.Access.Reveal()) {
					t.Errorf("status %d gave %q for %v", status, token.Access.Reveal(), token.Lifetime)
				}
				continue
			}
			var failure *Failure
			if !errors.As(err, &failure) {
				t.Fatalf("%v is no *Failure", err)
			}
			if failure.Status != status || failure.RetryAfter < 0 || failure.RetryAfter > maxRetryAfter || failure.NotSent {
				t.Errorf("status %d gave %+v", status, *failure)
			}
			if failure.Code != "" && (status < 400 || status > 499 || len(failure.Code) > maxCode || strings.ContainsAny(failure.Code, "\"\\\n")) {
				t.Errorf("status %d gave code %q", status, failure.Code)
			}
			if text := fmt.Sprintf("%+v", err); !utf8.ValidString(text) || strings.Contains(text, canary) || len(text) > 300 {
				t.Errorf("error text %q", text)
			}
		}
	})
}

// FuzzMetadata feeds metadata of any shape: what comes of them is an endpoint that secrets may go to, or a *Failure that quotes little.
func FuzzMetadata(f *testing.F) {
	for _, more := range []string{"", `,"grant_types_supported":["client_credentials"]`, `,"token_endpoint_auth_methods_supported":[1,{},"client_secret_basic"]`} {
		f.Add(200, document("https://id.example.com", more))
	}
	f.Add(200, `{"issuer":"https://id.example.com","token_endpoint":"http://localhost:1/t?x=1"}`)
	f.Add(200, `{"issuer":["x"],"token_endpoint":{}}`)
	f.Add(404, "")
	f.Add(503, `{"error":"`+canary+`"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 999 {
			return // net/http reads no such answer
		}
		d := &discovery{issuer: "https://id.example.com", transport: replying(status, body)}
		m, err := d.find(t.Context())
		if err == nil {
			if status < 200 || status > 299 || checkEndpoint(m.tokenURL) != "" {
				t.Errorf("status %d gave %q", status, m.tokenURL)
			}
			return
		}
		f := (*Failure)(nil)
		if !errors.As(err, &f) || f.Op != "discovery" || f.Refresh || f.NotSent || f.Status != status {
			t.Fatalf("status %d gave %+v", status, err)
		}
		if text := err.Error(); !utf8.ValidString(text) || len(text) > 500 {
			t.Errorf("error text %q", text)
		}
	})
}

// FuzzSigningKey feeds anything for a private key: what is taken can sign, and no error quotes it.
func FuzzSigningKey(f *testing.F) {
	f.Add("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n")
	f.Add(`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}`) // RFC 8037 A.1
	f.Add(`{"private_key":"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----","private_key_id":"x"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB","p":"Aw","q":"BQ"}`)
	f.Add(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseSigningKey(text)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("error text %q", err)
			}
			return
		}
		alg, err := key.algorithm("", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signJWS(jose.SigningKey{Algorithm: alg, Key: key.key}, nil, []byte("{}")); err != nil {
			t.Errorf("a key that was taken can't sign: %v", err)
		}
	})
}

// FuzzCommandOutput feeds what programs print: a token that a header carries, or an error that shows nothing of it.
func FuzzCommandOutput(f *testing.F) {
	for _, out := range []string{"token\n", `{"access_token":"A","expires_in":60}`, `{"status":{"token":"A","expirationTimestamp":"2026-03-01T12:15:00Z"}}`, `{"token":"A\n"}`} {
		for _, format := range []string{"text", "json", "exec-credential"} {
			f.Add(format, out)
		}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, format, out string) {
		config := CommandConfig{Format: format, ExpiresIn: "expires_in", ExpiresAt: "expires_at"}
		token, err := config.parse([]byte(out), now)
		if err == nil && (token.Access.IsZero() || !fitsHeader(token.Access.Reveal()) || token.Lifetime < 0 || token.Lifetime > maxLifetime) {
			t.Errorf("%q gave %q for %v", out, token.Access.Reveal(), token.Lifetime)
		}
		if err != nil && len(err.Error()) > 100 {
			t.Errorf("error text %q", err)
		}
	})
}
