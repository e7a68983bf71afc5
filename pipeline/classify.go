package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// Outcome is what came of a send, or of the stages further in: the small value that decisions are made from.
type Outcome struct {
	Status int         // 0: there was no answer
	Header http.Header // nil: there was no answer
	Kind   Kind        // "" for success
	Class  Class
	Err    *Error // nil if there was an answer
}

// OutcomeOf returns the outcome that next gave a stage, with what stages further in have judged.
func OutcomeOf(req *http.Request, resp *http.Response, err error) Outcome {
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return Outcome{Status: e.Status, Header: e.Header, Kind: e.Kind, Class: e.Class, Err: e}
		}
		kind, class, _ := classifyError(err, req.Context(), traceFacts{})
		e := &Error{Kind: kind, Class: class, Message: err.Error(), Err: err}
		return Outcome{Kind: kind, Class: class, Err: e}
	}
	out := Outcome{Status: resp.StatusCode, Header: resp.Header, Kind: KindOfStatus(resp.StatusCode), Class: ClassOfStatus(resp.StatusCode)}
	if c := CallFrom(req.Context()); c != nil {
		c.mu.Lock()
		if c.outcome.status == resp.StatusCode {
			out.Kind, out.Class = c.outcome.kind, c.outcome.class
		}
		c.mu.Unlock()
	}
	return out
}

// traceFacts is what net/http's client trace showed of a send.
type traceFacts struct {
	seen         bool // GetConn was called: the transport reports
	wroteHeaders bool
}

// NonRetriable is implemented by errors that say of themselves that sending again can't help (the convention of Azure's azcore).
type NonRetriable interface {
	error
	NonRetriable()
}

// classifyError decides kind and class of an error that a transport returned, from positive evidence only.
func classifyError(err error, ctx context.Context, facts traceFacts) (kind Kind, class Class, reason string) { //nolint:revive // the error is what it's about
	if ctxErr := ctx.Err(); ctxErr != nil {
		if errors.Is(ctxErr, context.DeadlineExceeded) {
			return KindTimeout, ClassTerminal, "deadline"
		}
		return KindCanceled, ClassTerminal, "canceled"
	}
	if e, ok := errors.AsType[*Error](err); ok { // another pipeline serves as the transport, or one that knows our errors
		return e.Kind, e.Class, ""
	}
	unsent := facts.seen && !facts.wroteHeaders
	class = ClassUnknown
	if unsent {
		class = ClassNotSent
	}
	if isInvalid(err) {
		return KindPolicy, ClassTerminal, ""
	}
	if _, ok := errors.AsType[NonRetriable](err); ok {
		return kindOfTransport(err), ClassTerminal, ""
	}
	if isCertificate(err) {
		return KindTLS, ClassTerminal, ""
	}
	if isTLSTransport(err) {
		if facts.seen && facts.wroteHeaders {
			return KindTLS, ClassUnknown, ""
		}
		return KindTLS, ClassNotSent, ""
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound && !dns.IsTemporary {
			return KindNetwork, ClassTerminal, ""
		}
		return kindOfTransport(err), ClassNotSent, ""
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect") {
		return kindOfTransport(err), ClassNotSent, ""
	}
	if c, ok := classOfHTTP2(err); ok {
		return KindNetwork, c, ""
	}
	return kindOfTransport(err), class, ""
}

// kindOfTransport tells a timeout from every other way in which a connection fails.
func kindOfTransport(err error) Kind {
	if errors.Is(err, context.DeadlineExceeded) {
		return KindTimeout
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return KindTimeout
	}
	return KindNetwork
}

// isInvalid recognises what net/http refuses to send. It has no types for these.
func isInvalid(err error) bool {
	text := err.Error()
	for _, sign := range []string{"unsupported protocol scheme", "no Host in request URL", "invalid header field", "invalid method", "http: nil Request.URL", "net/http: invalid"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// awaitedHeaders recognises how net/http's transport says that ResponseHeaderTimeout has passed. It has no type for it.
func awaitedHeaders(err error) bool {
	return strings.HasSuffix(err.Error(), "timeout awaiting response headers")
}

func isCertificate(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return true
	}
	return false
}

func isTLSTransport(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "TLS handshake timeout") || strings.Contains(err.Error(), "remote error: tls:")
}

// h2StreamError has the shape of golang.org/x/net/http2.StreamError; net/http's private copy converts itself to it in As.
type h2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e h2StreamError) Error() string { return "http2 stream error" }

const h2RefusedStream = 0x7 // RFC 9113 §7

// classOfHTTP2 tells what an HTTP/2 error says of the request. A graceful GOAWAY has no exported type, and
// net/http flattens what it would have sent again if the body could be had again: there the text must do.
func classOfHTTP2(err error) (Class, bool) {
	if stream, ok := errors.AsType[h2StreamError](err); ok {
		if stream.Code == h2RefusedStream {
			return ClassRefused, true
		}
		return ClassUnknown, true
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "; REFUSED_STREAM; received from peer"): // within "cannot retry err [%v] after Request.Body was written"
		return ClassRefused, true
	case strings.Contains(text, "Transport received Server's graceful shutdown GOAWAY"):
		return ClassRefused, true
	case strings.Contains(text, "server sent GOAWAY and closed the connection"):
		return ClassUnknown, true
	}
	return "", false
}

// describe turns a transport's error into a line for people: what happened, without the operation's inner details.
func describe(err error) string {
	where := ""
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") && op.Addr != nil {
		where = "connect to " + op.Addr.String() + ": "
		if op.Op == "proxyconnect" {
			where = "connect to the proxy: "
		}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection closed before the whole answer arrived"
	case errors.Is(err, syscall.ECONNRESET):
		return where + "the connection was reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return where + "connection refused"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS there: is the URL an http:// one?"
	}
	return strings.TrimPrefix(err.Error(), "tls: ")
}
