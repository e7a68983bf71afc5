package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/leatdev/leat/pipeline"
)

// streamError converts itself, like net/http's private type, to any struct of the shape of http2.StreamError.
type streamError struct{ code uint32 }

func (e streamError) Error() string {
	return "stream error: stream ID 1; code " + strconv.Itoa(int(e.code))
}

func (e streamError) As(target any) bool {
	v := reflect.ValueOf(target).Elem()
	if v.Kind() != reflect.Struct || v.NumField() != 3 || v.Type().Field(0).Name != "StreamID" {
		return false
	}
	v.FieldByName("Code").SetUint(uint64(e.code))
	return true
}

type refusal struct{ error }

func (refusal) NonRetriable() {}

// traced reports to the client trace as net/http does, then fails.
func traced(wrote bool, err error) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		trace.GetConn("api.test:443")
		if wrote {
			trace.GotConn(httptrace.GotConnInfo{})
			trace.WroteHeaders()
		}
		return nil, err
	}
}

// TestClasses is the table of classes: who is sent again, by evidence and method.
func TestClasses(t *testing.T) {
	const notSent, refused, unknown, processed, terminal = pipeline.ClassNotSent, pipeline.ClassRefused, pipeline.ClassUnknown, pipeline.ClassProcessed, pipeline.ClassTerminal
	boom := errors.New("boom")
	type row struct {
		name  string
		step  any
		class pipeline.Class
	}
	rows := []row{
		{"dial refused", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, notSent},
		{"temporary dns", &net.DNSError{Err: "server misbehaving", Name: "api.test", IsTemporary: true}, notSent},
		{"dns timeout", &net.DNSError{Err: "timeout", Name: "api.test", IsTimeout: true}, notSent},
		{"proxy connect", &net.OpError{Op: "proxyconnect", Net: "tcp", Err: boom}, notSent},
		{"tls record", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, notSent},
		{"tls handshake timeout", errors.New("net/http: TLS handshake timeout"), notSent},
		{"traced, nothing written", traced(false, boom), notSent},
		{"refused stream", streamError{7}, refused},
		{"graceful goaway", errors.New("http2: Transport received Server's graceful shutdown GOAWAY"), refused},
		{"no trace at all", boom, unknown},
		{"reset after headers", traced(true, syscall.ECONNRESET), unknown},
		{"eof after headers", traced(true, io.EOF), unknown},
		{"internal h2 stream error", streamError{2}, unknown},
		{"goaway", errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1"), unknown},
		{"nxdomain", &net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true}, terminal},
		{"unknown authority", x509.UnknownAuthorityError{}, terminal},
		{"wrong host", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "api.test"}, terminal},
		{"expired certificate", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, terminal},
		{"says so itself", refusal{boom}, terminal},
		{"bad header", errors.New(`net/http: invalid header field value for "X"`), terminal},
	}
	for status, class := range map[int]pipeline.Class{
		200: processed, 204: processed, 302: processed, 400: processed, 403: processed, 404: processed, 409: processed, 413: processed, 422: processed,
		408: unknown, 500: unknown, 501: processed, 502: unknown, 503: unknown, 504: unknown, 505: processed,
		421: refused, 425: refused, 429: refused,
		401: terminal, 407: terminal, // by class refused, but not retry's
	} {
		rows = append(rows, row{strconv.Itoa(status), status, class})
	}
	for _, r := range rows {
		for _, method := range []string{"GET", "POST"} {
			t.Run(r.name+" "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					up := script(t, r.step)
					p := open(t, "max_attempts = 2", up)
					_, call, _ := run(t, p, request(t.Context(), t, method, nil))
					want, reason := 1, ""
					switch {
					case r.class == notSent, r.class == refused, r.class == unknown && method == "GET":
						want, reason = 2, ReasonMaxAttempts
					case r.class == unknown:
						reason = ReasonUnsafeMethod
					}
					if up.sends != want || call.Sends() != want || call.Attempts() != want {
						t.Errorf("sends = %d (call: %d sends, %d attempts), want %d", up.sends, call.Sends(), call.Attempts(), want)
					}
					if got := call.StopReason(); got != reason {
						t.Errorf("reason = %q, want %q", got, reason)
					}
					up.allClosed()
				})
			})
		}
	}
}

// TestWhatMakesAResendSafe is about class unknown only.
func TestWhatMakesAResendSafe(t *testing.T) {
	tests := []struct {
		name  string
		table string
		edit  func(*http.Request) *http.Request
		sends int
	}{
		{name: "a plain POST is sent once", sends: 1},
		{name: "Idempotency-Key", edit: header("Idempotency-Key"), sends: 3},
		{name: "X-Idempotency-Key", edit: header("X-Idempotency-Key"), sends: 3},
		{name: "unsafe = true", table: "unsafe = true", sends: 3},
		{name: "the file's expression", table: `idempotent = 'request.path == "/things"'`, sends: 3},
		{name: "another expression", table: `idempotent = 'request.path == "/other"'`, sends: 1},
		{name: "the caller's option", edit: with(pipeline.Idempotent()), sends: 3},
		{name: "the caller's key", edit: with(pipeline.IdempotencyKey("k")), sends: 3},
		{name: "NoRetry beats them", table: "unsafe = true", edit: with(pipeline.NoRetry()), sends: 1},
		{name: "PUT", edit: method("PUT"), sends: 3},
		{name: "DELETE", edit: method("DELETE"), sends: 3},
		{name: "QUERY", edit: method("QUERY"), sends: 3},
		{name: "PATCH", edit: method("PATCH"), sends: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t, 503)
				p := open(t, tt.table, up)
				req := request(t.Context(), t, "POST", nil)
				if tt.edit != nil {
					req = tt.edit(req)
				}
				if _, _, err := run(t, p, req); err != nil || up.sends != tt.sends {
					t.Errorf("sends = %d, err = %v, want %d sends", up.sends, err, tt.sends)
				}
			})
		})
	}
}

func header(name string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request { r.Header.Set(name, "k"); return r }
}

func method(name string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request { r.Method = name; return r }
}

func with(o pipeline.CallOption) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request { return r.WithContext(pipeline.With(r.Context(), o)) }
}

// TestInnerFailures is about errors of stages inside retry.
func TestInnerFailures(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		sends int
	}{
		{"a validation error is terminal", pipeline.Errorf(pipeline.KindValidation, "no id"), 1},
		{"a policy error is terminal", pipeline.Errorf(pipeline.KindPolicy, "the breaker is open"), 1},
		{"a read failure before commit is unknown", &pipeline.Error{Kind: pipeline.KindNetwork, Class: pipeline.ClassUnknown}, 3},
		{"a foreign error", errors.New("boom"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t, 200)
				p := openWith(t, "", "", up, inner(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
					resp, err := next.RoundTrip(req)
					if err != nil {
						return nil, err
					}
					pipeline.Drop(resp)
					return nil, tt.err
				}), outer(pass1))
				_, _, err := run(t, p, request(t.Context(), t, "GET", nil))
				if err == nil || up.sends != tt.sends {
					t.Errorf("sends = %d, err = %v, want an error after %d", up.sends, err, tt.sends)
				}
				up.allClosed()
			})
		})
	}
}

// TestRules moves outcomes to other classes.
func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name   string
		table  string
		status int
		header http.Header
		sends  int
	}{
		{"github's 403 with Retry-After", `{ match = 'response.status == 403 && response.header("retry-after") != ""', class = "refused" }`, 403, http.Header{"Retry-After": {"1"}}, 3},
		{"the same without", `{ match = 'response.status == 403 && response.header("retry-after") != ""', class = "refused" }`, 403, nil, 1},
		{"stripe says no", `{ match = 'response.header("stripe-should-retry") == "false"', class = "processed" }`, 503, http.Header{"Stripe-Should-Retry": {"false"}}, 1},
		{"the first that matches", `{ match = 'response.status == 418', class = "terminal" }, { match = 'response.status == 418', class = "refused" }`, 418, nil, 1},
		{"a success that is none", `{ match = 'response.status == 202', class = "not_sent" }`, 202, nil, 3},
		{"401 stays refresh's", `{ match = 'response.status == 401', class = "refused" }`, 401, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := script(t)
				up.script = []any{func(req *http.Request) (*http.Response, error) { return up.answer(req, tt.status, tt.header), nil }}
				p := open(t, "rules = ["+tt.table+"]", up)
				status, _, err := run(t, p, request(t.Context(), t, "POST", nil))
				if status != tt.status || err != nil || up.sends != tt.sends {
					t.Errorf("status = %d, err = %v, sends = %d, want %d sends", status, err, up.sends, tt.sends)
				}
				up.allClosed()
			})
		})
	}
}

func TestContextThatIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	up := script(t)
	up.script = []any{func(req *http.Request) (*http.Response, error) { cancel(); return up.answer(req, 503, nil), nil }}
	p := open(t, "", up)
	status, call, err := run(t, p, request(ctx, t, "GET", nil))
	if status != 503 || err != nil || up.sends != 1 || call.StopReason() != ReasonCanceled {
		t.Errorf("status = %d, err = %v, sends = %d, reason = %q", status, err, up.sends, call.StopReason())
	}
}
