package credential

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tokenAnswers is what a server may say; both sources must make the same of it.
var tokenAnswers = []struct {
	name   string
	answer *upstream
	want   Failure // without Op and Refresh; Err as text below
	text   string
}{
	{"invalid_grant", replying(400, `{"error":"invalid_grant","error_description":"`+canary+`"}`), Failure{Status: 400, Code: "invalid_grant"}, ": 400 invalid_grant"},
	{"401_with_code", replying(401, `{"error":"invalid_client"}`), Failure{Status: 401, Code: "invalid_client"}, ": 401 invalid_client"},
	{"echoed_secret_in_code", replying(400, `{"error":"bad password `+canary+`"}`), Failure{Status: 400, Code: "bad password ***"}, ": 400 bad password ***"},
	{"code_with_quote", replying(400, `{"error":"a\"b"}`), Failure{Status: 400}, ": 400"},
	{"code_with_newline", replying(400, `{"error":"a\nb"}`), Failure{Status: 400}, ": 400"},
	{"code_not_ascii", replying(400, `{"error":"é"}`), Failure{Status: 400}, ": 400"},
	{"code_not_string", replying(400, `{"error":{"code":"`+canary+`"}}`), Failure{Status: 400}, ": 400"},
	{"code_long", replying(400, `{"error":"`+strings.Repeat("x", 100)+`"}`), Failure{Status: 400, Code: strings.Repeat("x", 64)}, ": 400 " + strings.Repeat("x", 64)},
	{"code_of_5xx", replying(500, `{"error":"invalid_grant"}`), Failure{Status: 500}, ": 500"},
	{"code_as_text_plain", replying(400, `{"error":"invalid_grant"}`, "Content-Type", "text/plain"), Failure{Status: 400, Code: "invalid_grant"}, ": 400 invalid_grant"},
	{"html_403", replying(403, `<p>`+canary, "Content-Type", "text/html"), Failure{Status: 403}, ": 403"},
	{"retry_after", replying(503, canary, "Retry-After", "3"), Failure{Status: 503, RetryAfter: 3 * time.Second}, ": 503, retry after 3s"},
	{"retry_after_429", replying(429, `{}`, "Retry-After", "junk"), Failure{Status: 429}, ": 429"},
	{"redirect", replying(307, `{}`, "Location", "https://evil.example/"+canary), Failure{Status: 307}, ": 307: redirects of token requests are not followed"},
	{"304", replying(304, ``), Failure{Status: 304}, ": 304: redirects of token requests are not followed"},
	{"html_200", replying(200, `<p>`+canary, "Content-Type", "text/html; charset=utf-8"), Failure{Status: 200}, ": 200: the answer is text/html, not a JSON object"},
	{"empty_200", replying(200, ``), Failure{Status: 200}, ": 200: the answer is not a JSON object"},
	{"null", replying(200, `null`), Failure{Status: 200}, ": 200: the answer is not a JSON object"},
	{"array", replying(200, `["`+canary+`"]`), Failure{Status: 200}, ": 200: the answer is not a JSON object"},
	{"trailing_data", replying(200, `{"access_token":"A1"}{}`), Failure{Status: 200}, ": 200: the answer is not a JSON object"},
	{"large", replying(200, `{"access_token":"A1"}`+strings.Repeat(" ", maxAnswer)), Failure{Status: 200}, ": 200: the answer is larger than 1 MiB"},
	{"line_break_in_token", replying(200, `{"access_token":"`+canary+`\n"}`), Failure{Status: 200}, ": 200: the token of the answer holds characters that no header carries"},
	{"expired", replying(200, `{"access_token":"`+canary+`","expires_in":-1}`), Failure{Status: 200}, ": 200: the token of the answer has already expired"},
	{"refused", failing(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), Failure{NotSent: true}, ": connection refused"},
	{"reset", failing(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), Failure{}, ": connection reset by peer"},
	{"foreign", failing(foreign{"gave up on ?q=" + canary}), Failure{}, ": gave up on ?***"},
	{"body_breaks_off", &upstream{answer: func(*http.Request) (*http.Response, error) {
		resp := reply(200, "")
		resp.Body = &trackedBody{Reader: errReader{fmt.Errorf("lost ?%s", canary)}}
		return resp, nil
	}}, Failure{}, ": lost ?***"},
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func checkFailure(t *testing.T, err error, want Failure, op, text string) {
	t.Helper()
	var got *Failure
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a *Failure", err)
	}
	plain := *got
	plain.Err, plain.Op, plain.Refresh = nil, "", false
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Error(diff)
	}
	if got.Op != op || got.Refresh != (op == "refresh") || err.Error() != op+text {
		t.Errorf("got %q (refresh %v), want %q", err, got.Refresh, op+text)
	}
	checkHidden(t, err, *got)
}

func TestLogin_lifetimes(t *testing.T) {
	const date = "Sun, 01 Mar 2026 12:00:00 GMT"
	for fields, want := range map[string]time.Duration{
		``:                    0,
		`,"expires_in":60`:    time.Minute,
		`,"expires_in":"60"`:  time.Minute,
		`,"expires_in":0.3`:   300 * time.Millisecond,
		`,"expires_in":3.6e3`: time.Hour,
		`,"expires_in":0`:     0,
		`,"expires_in":null`:  0,
		`,"expires_in":"soon","expires_at":"2026-03-01T12:01:00Z"`: time.Minute,
		`,"expires_in":"inf"`:                                  0,
		`,"expires_in":1e999`:                                  maxLifetime,
		`,"expires_in":99999999999999999999`:                   maxLifetime,
		`,"expires_at":"2026-03-01T13:00:00+00:00"`:            time.Hour,
		`,"expires_at":"2026-03-01T12:00:30.5Z"`:               30500 * time.Millisecond,
		`,"expires_at":1772366460`:                             time.Minute,
		`,"expires_at":"1772366460"`:                           time.Minute,
		`,"expires_at":"9999-12-31T00:00:00Z"`:                 maxLifetime,
		`,"expires_at":"tomorrow"`:                             0,
		`,"expires_in":30,"expires_at":"2026-03-01T12:01:00Z"`: 30 * time.Second,
	} {
		source, _ := buildLogin(t, replying(200, `{"access_token":"A1"`+fields+`}`, "Date", date), nil)
		if got, err := source.Obtain(t.Context()); err != nil || got.Lifetime != want {
			t.Errorf("%s: got %v, %v, want %v", fields, got.Lifetime, err, want)
		}
	}
	for _, fields := range []string{`"expires_in":-5`, `"expires_at":"2026-03-01T12:00:00Z"`, `"expires_at":1`} {
		source, _ := buildLogin(t, replying(200, `{"access_token":"A1",`+fields+`}`, "Date", date), nil)
		if _, err := source.Obtain(t.Context()); !errors.Is(err, errExpired) {
			t.Errorf("%s: got %v, want errExpired", fields, err)
		}
	}
}
