package vectors_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/retry"
)

type outcomeIn struct {
	Status  int    `json:"status,omitempty"`
	Failure string `json:"failure,omitempty"`
	Trace   string `json:"trace,omitempty"`
}

type outcomeOut struct {
	Class  string `json:"class"`
	Kind   string `json:"kind"`
	Resend string `json:"resend"`
}

// Whether retry may send again; the words are of the file.
const (
	resendAny   = "any_method"
	resendSafe  = "idempotent"
	resendNever = "never"
)

func classification() file {
	return table[outcomeIn, outcomeOut]{
		file: "classification.json",
		text: "What is known of a send: by the status of the answer, or by the failure where there was none. trace is what the transport reported: nothing (\"none\"), that a connection " +
			"was asked for (\"asked\"), that the headers were written too (\"written\"). resend says which requests retry sends again, as far as this outcome goes.",
		rules: []string{
			"send.one_verdict", "send.kind", "send.class_not_sent", "send.class_refused", "send.class_unknown", "send.class_processed", "send.class_terminal",
			"retry.class", "retry.auth",
		},
		run:   runOutcome,
		check: checkOutcome,
		cases: append(statuses(), failures()...),
	}
}

func statuses() []sample[outcomeIn, outcomeOut] {
	var list []sample[outcomeIn, outcomeOut]
	add := func(class, kind, resend string, codes ...int) {
		for _, code := range codes {
			name := fmt.Sprint(code)
			if text := http.StatusText(code); text != "" {
				name += " " + text
			}
			list = append(list, sample[outcomeIn, outcomeOut]{name, outcomeIn{Status: code}, &outcomeOut{class, kind, resend}})
		}
	}
	const processed, refused, unknown = "processed", "refused", "unknown"
	add(processed, "", resendNever, 101, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 299)
	add(processed, "", resendNever, 300, 301, 302, 303, 304, 305, 307, 308, 399)
	add(processed, "client", resendNever, 400, 402, 405, 406, 411, 413, 414, 415, 416, 417, 418, 422, 423, 424, 426, 428, 431, 451, 499)
	add(processed, "forbidden", resendNever, 403)
	add(processed, "not_found", resendNever, 404, 410)
	add(processed, "conflict", resendNever, 409, 412)
	add(refused, "unauthorized", resendNever, 401)
	add(refused, "client", resendNever, 407)
	add(refused, "client", resendAny, 421, 425)
	add(refused, "rate_limited", resendAny, 429)
	add(unknown, "timeout", resendSafe, 408, 504)
	add(unknown, "server", resendSafe, 500, 502, 503)
	add(processed, "server", resendNever, 501, 505, 506, 507, 508, 510, 511, 520, 522, 524, 529, 599)
	return list
}

func failures() []sample[outcomeIn, outcomeOut] {
	var list []sample[outcomeIn, outcomeOut]
	add := func(class, kind, resend, trace string, words ...string) {
		for _, word := range words {
			list = append(list, sample[outcomeIn, outcomeOut]{word + ", trace " + trace, outcomeIn{Failure: word, Trace: trace}, &outcomeOut{class, kind, resend}})
		}
	}
	const notSent, refused, unknown, terminal = "not_sent", "refused", "unknown", "terminal"
	add(notSent, "network", resendAny, "none", "connection_refused", "name_lookup_failed", "proxy_refused")
	add(notSent, "timeout", resendAny, "none", "connect_timeout", "name_lookup_timeout")
	add(notSent, "tls", resendAny, "none", "tls_not_spoken", "tls_handshake_timeout", "tls_alert")
	add(notSent, "network", resendAny, "asked", "connection_reset", "connection_closed", "other")
	add(notSent, "timeout", resendAny, "asked", "read_timeout", "attempt_timeout")
	add(refused, "network", resendAny, "written", "h2_refused_stream", "h2_goaway_graceful")
	add(unknown, "network", resendSafe, "written", "connection_reset", "connection_closed", "other", "h2_internal_error", "h2_cancel", "h2_goaway")
	add(unknown, "timeout", resendSafe, "written", "read_timeout", "attempt_timeout")
	add(unknown, "tls", resendSafe, "written", "tls_alert")
	add(unknown, "network", resendSafe, "none", "connection_reset", "connection_closed", "other")
	add(unknown, "timeout", resendSafe, "none", "read_timeout", "attempt_timeout")
	add(terminal, "network", resendNever, "none", "name_not_found", "says_never")
	add(terminal, "tls", resendNever, "none", "certificate_untrusted", "certificate_of_another_host", "certificate_expired")
	add(terminal, "tls", resendNever, "asked", "certificate_untrusted")
	add(terminal, "policy", resendNever, "none", "bad_header", "bad_method")
	add(terminal, "canceled", resendNever, "asked", "caller_canceled")
	add(terminal, "canceled", resendNever, "written", "caller_canceled")
	add(terminal, "timeout", resendNever, "written", "caller_deadline")
	return list
}

// failureOf makes the error that a word of the file stands for, as a transport of net/http returns it.
func failureOf(word string) error {
	return map[string]error{
		"connection_refused":          &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		"connect_timeout":             &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded},
		"proxy_refused":               &net.OpError{Op: "proxyconnect", Net: "tcp", Err: errors.New("Forbidden")},
		"name_not_found":              &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true},
		"name_lookup_failed":          &net.DNSError{Err: "server misbehaving", Name: "api.example.com", IsTemporary: true},
		"name_lookup_timeout":         &net.DNSError{Err: "i/o timeout", Name: "api.example.com", IsTimeout: true},
		"tls_not_spoken":              tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"tls_handshake_timeout":       errors.New("net/http: TLS handshake timeout"),
		"tls_alert":                   tls.AlertError(40),
		"certificate_untrusted":       x509.UnknownAuthorityError{},
		"certificate_of_another_host": x509.HostnameError{Certificate: &x509.Certificate{}, Host: "api.example.com"},
		"certificate_expired":         &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		"connection_reset":            &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET},
		"connection_closed":           io.ErrUnexpectedEOF,
		"read_timeout":                &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded},
		"h2_refused_stream":           streamError{0x7},
		"h2_internal_error":           streamError{0x2},
		"h2_cancel":                   streamError{0x8},
		"h2_goaway_graceful":          errors.New("http2: Transport received Server's graceful shutdown GOAWAY"),
		"h2_goaway":                   errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR"),
		"bad_header":                  errors.New(`net/http: invalid header field value for "X"`),
		"bad_method":                  errors.New(`net/http: invalid method "G E T"`),
		"says_never":                  outOfOrder{},
		"other":                       errors.New("the tube is blocked"),
	}[word]
}

// outOfOrder says of itself that sending again can't help.
type outOfOrder struct{}

func (outOfOrder) Error() string { return "out of order for good" }
func (outOfOrder) NonRetriable() {}

// streamError converts itself, as net/http's private type does, to any struct of the shape of http2.StreamError.
type streamError struct{ code uint32 }

func (e streamError) Error() string { return fmt.Sprintf("stream error: stream ID 1; code %d", e.code) }

func (e streamError) As(target any) bool {
	v := reflect.ValueOf(target).Elem()
	if v.Kind() != reflect.Struct || v.NumField() != 3 || v.Type().Field(0).Name != "StreamID" {
		return false
	}
	v.FieldByName("Code").SetUint(uint64(e.code))
	return true
}

// runOutcome sends a request through a pipeline whose transport answers or fails in that way, and reads what the call says of it.
func runOutcome(t *testing.T, in outcomeIn) (out outcomeOut) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if in.Failure == "caller_deadline" {
			ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			defer cancel()
		}
		p := openPipeline(t, "attempt_timeout = \"2s\"", roundTrip(func(req *http.Request) (*http.Response, error) {
			report(req.Context(), in.Trace)
			switch in.Failure {
			case "":
				return &http.Response{StatusCode: in.Status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			case "caller_canceled":
				cancel()
				return nil, req.Context().Err()
			case "caller_deadline", "attempt_timeout":
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			err := failureOf(in.Failure)
			if err == nil {
				t.Errorf("no failure is called %s", in.Failure)
			}
			return nil, err
		}), func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			o := pipeline.OutcomeOf(req, resp, err)
			out = outcomeOut{Class: string(o.Class), Kind: string(o.Kind), Resend: resends(o)}
			return resp, err
		})
		send(ctx, t, p, http.MethodGet, nil)
	})
	return out
}

func report(ctx context.Context, trace string) {
	hooks := httptrace.ContextClientTrace(ctx)
	if trace == "" || trace == "none" {
		return
	}
	hooks.GetConn("api.example.com:443")
	if trace == "written" {
		hooks.GotConn(httptrace.GotConnInfo{})
		hooks.WroteHeaders()
	}
}

// resends asks retry's gate about a first attempt that nothing else stands against.
func resends(o pipeline.Outcome) string {
	a := retry.Attempt{Status: o.Status, Class: o.Class, Kind: o.Kind, Attempts: 1, Replayable: true}
	if retry.Decide(retry.Defaults(), a).Retry {
		return resendAny
	}
	a.Idempotent = true
	if retry.Decide(retry.Defaults(), a).Retry {
		return resendSafe
	}
	return resendNever
}

func checkOutcome(in outcomeIn, out outcomeOut) string {
	switch {
	case in.Status != 0 && in.Status < 400 && (out.Kind != "" || out.Class != "processed"):
		return "a success has no kind and was processed"
	case (in.Status >= 400 || in.Failure != "") && out.Kind == "":
		return "a failure has a kind"
	case in.Trace == "written" && out.Class == "not_sent":
		return "its headers were written"
	case out.Resend == resendAny && out.Class == "unknown":
		return "it may have been processed"
	case out.Resend != resendNever && (out.Class == "processed" || out.Class == "terminal"):
		return "sending it again can't help"
	}
	return ""
}

// openPipeline opens a pipeline of one stage over a transport.
func openPipeline(t *testing.T, settings string, rt http.RoundTripper, do pipeline.StageFunc) *pipeline.Pipeline {
	t.Helper()
	src := "version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = [\"look\"]\n" + settings
	look := pipeline.Define("look", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil })
	r, err := pipeline.OpenBytes(t.Context(), "p.toml", []byte(src), pipeline.WithStages(look), pipeline.WithTransport("default", rt), pipeline.WithEnviron(nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func send(ctx context.Context, t *testing.T, p *pipeline.Pipeline, method string, header http.Header) {
	t.Helper()
	req, err := p.NewRequest(ctx, http.MethodGet, "/posts", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Method = method
	maps.Copy(req.Header, header)
	if resp, err := p.RoundTrip(req); err == nil {
		_ = resp.Body.Close()
	}
}
