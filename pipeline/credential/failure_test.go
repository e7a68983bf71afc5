package credential

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFailure_Error(t *testing.T) {
	for want, f := range map[string]*Failure{
		"refresh: 400 invalid_grant":             {Op: "refresh", Refresh: true, Status: 400, Code: "invalid_grant"},
		"login: 503, retry after 3s":             {Op: "login", Status: 503, RetryAfter: 3 * time.Second},
		"login: connection refused":              {Op: "login", Err: syscall.ECONNREFUSED},
		"login: 429 slow_down, retry after 1m0s": {Op: "login", Status: 429, Code: "slow_down", RetryAfter: time.Minute},
		"login: 302: redirects … not followed":   {Op: "login", Status: 302, Err: errors.New("redirects … not followed")},
		"read: env X is not set":                 {Op: "read", Err: errors.New("env X is not set")},
		"client_credentials: no answer":          {Op: "client_credentials"},
		"client_credentials: 500":                {Op: "client_credentials", Status: 500},
	} {
		if got := f.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := error(&Failure{Op: "login", Err: syscall.ECONNREFUSED}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error("the cause can't be found")
	}
}

// foreign is an error whose text somebody else wrote.
type foreign struct{ text string }

func (f foreign) Error() string { return f.text }

func TestNetworkCause(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	at := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://api.example.com/token?key=" + canary, Err: err}
	}
	for _, tc := range []struct {
		name    string
		err     error
		text    string
		is      error
		notSent bool
	}{
		{"refused", at(dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))), "connection refused", syscall.ECONNREFUSED, true},
		{"no_such_host", at(dial(&net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true})), "lookup api.example.com: no such host", nil, true},
		{"proxy", &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(syscall.ECONNREFUSED)}, "connection refused", syscall.ECONNREFUSED, true},
		{"dial_timeout", dial(os.ErrDeadlineExceeded), "dial timed out", context.DeadlineExceeded, true},
		{"reset", at(&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}), "connection reset by peer", syscall.ECONNRESET, false},
		{"read_timeout", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "read timed out", context.DeadlineExceeded, false},
		{"eof", at(io.EOF), "the connection ended before the whole answer", io.ErrUnexpectedEOF, false},
		{"deadline", at(context.DeadlineExceeded), "timed out", context.DeadlineExceeded, false},
		{"nested_urls", at(at(errors.New("odd"))), "odd", nil, false},
		{"foreign_query", foreign{"GET https://x.example/y?key=" + canary + " broke"}, "GET https://x.example/y?*** broke", nil, false},
		{"foreign_secret", foreign{"sent " + canary + "\n and YzRuYXJ5LWh1bnRlcjI="}, "sent ***  and ***", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := networkCause(t.Context(), tc.err, []string{canary, ""})
			if got.Error() != tc.text {
				t.Errorf("got %q, want %q", got, tc.text)
			}
			if tc.is != nil && !errors.Is(got, tc.is) {
				t.Errorf("%v is not %v", got, tc.is)
			}
			if notSent(tc.err) != tc.notSent {
				t.Errorf("notSent = %v, want %v", notSent(tc.err), tc.notSent)
			}
			checkHidden(t, got, &Failure{Op: "login", Err: got}, Failure{Op: "login", Err: got})
		})
	}
	long := networkCause(t.Context(), foreign{strings.Repeat("é", 500)}, nil)
	if n := len(long.Error()); n > 210 {
		t.Errorf("a foreign text of %d bytes was kept", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := networkCause(ctx, foreign{canary}, nil); !errors.Is(got, context.Canceled) || got.Error() != "context canceled" {
		t.Errorf("got %v after the context ended", got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const skewed = "Sun, 01 Mar 2026 18:00:00 GMT"
	for _, tc := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"none", "", "", 0},
		{"seconds", "3", "", 3 * time.Second},
		{"spaces", " 3 ", "", 3 * time.Second},
		{"zero", "0", "", 0},
		{"negative", "-3", "", 0},
		{"plus", "+3", "", 0},
		{"fraction", "1.5", "", 0},
		{"junk", "soon", "", 0},
		{"huge", "9223372037", "", maxRetryAfter},
		{"overflow", strings.Repeat("9", 40), "", maxRetryAfter},
		{"imf_date", "Sun, 01 Mar 2026 12:00:07 GMT", "", 7 * time.Second},
		{"rfc850_date", "Sunday, 01-Mar-26 12:00:07 GMT", "", 7 * time.Second},
		{"asctime_date", "Sun Mar  1 12:00:07 2026", "", 7 * time.Second},
		{"date_of_a_skewed_server", "Sun, 01 Mar 2026 18:00:07 GMT", skewed, 7 * time.Second},
		{"past", "Sun, 01 Mar 2026 11:00:00 GMT", "", 0},
		{"far_date", "Fri, 31 Dec 9999 23:59:59 GMT", "", maxRetryAfter},
		{"junk_date_header", "Sun, 01 Mar 2026 12:00:07 GMT", "today", 7 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{"Retry-After": {tc.value}, "Date": {tc.date}}
			if got := RetryAfter(h, now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
