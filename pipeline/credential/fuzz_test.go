package credential

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
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
