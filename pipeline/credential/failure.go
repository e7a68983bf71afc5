package credential

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// Error returns what was being done and how it ended: "refresh: 400 invalid_grant", "login: 503, retry after 3s".
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.Op)
	if f.Status != 0 {
		b.WriteString(": " + strconv.Itoa(f.Status))
	}
	if f.Code != "" {
		b.WriteString(" " + f.Code)
	}
	if f.RetryAfter > 0 {
		b.WriteString(", retry after " + f.RetryAfter.String())
	}
	switch {
	case f.Err != nil:
		b.WriteString(": " + f.Err.Error())
	case f.Status == 0:
		b.WriteString(": no answer")
	case f.Op == "login" && f.Code == "" && (f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden):
		b.WriteString(": the server refuses the user or the password")
	}
	return b.String()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// unread is the failure to read a secret: nothing was sent, so trying again costs nothing.
func unread(err error) error { return &Failure{Op: "read", NotSent: true, Err: err} }

// cause is a network error whose text was cleaned. It unwraps only to errors known to hold no URL.
type cause struct {
	text string
	err  error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }

// networkCause tells why a request failed. A *url.Error prints the whole URL and a custom transport's error anything, so that
// unknown texts are cut at the query and cleared of the hidden values.
func networkCause(ctx context.Context, err error, hidden []string) error {
	for ue := (*url.Error)(nil); errors.As(err, &ue) && ue.Err != nil; {
		err = ue.Err
	}
	if ctx.Err() != nil {
		return &cause{text: ctx.Err().Error(), err: ctx.Err()}
	}
	var (
		errno syscall.Errno
		dns   *net.DNSError
		cert  *tls.CertificateVerificationError
		op    *net.OpError
	)
	switch {
	case errors.As(err, &dns):
		return &cause{text: dns.Error(), err: dns}
	case errors.As(err, &errno):
		return &cause{text: errno.Error(), err: errno}
	case errors.As(err, &cert):
		return &cause{text: cert.Error(), err: cert}
	case errors.Is(err, context.DeadlineExceeded):
		return &cause{text: "timed out", err: context.DeadlineExceeded}
	case errors.Is(err, context.Canceled):
		return &cause{text: "canceled", err: context.Canceled}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &cause{text: "the connection ended before the whole answer", err: io.ErrUnexpectedEOF}
	case errors.As(err, &op) && op.Timeout():
		return &cause{text: op.Op + " timed out", err: context.DeadlineExceeded}
	}
	return &cause{text: scrub(err.Error(), hidden)}
}

// notSent reports positive evidence that no byte of a request left.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

var query = regexp.MustCompile(`\?[^\s"']+`)

// scrub makes a foreign text fit for an error: no hidden value in any usual encoding, no URL query, one line, bounded.
func scrub(text string, hidden []string) string {
	for _, value := range hidden {
		if value == "" {
			continue
		}
		quoted := strconv.Quote(value)
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), quoted[1 : len(quoted)-1],
			base64.StdEncoding.EncodeToString([]byte(value))} {
			text = strings.ReplaceAll(text, form, redact.Mask)
		}
	}
	text = query.ReplaceAllString(text, "?"+redact.Mask)
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}

// maxRetryAfter keeps an absurd Retry-After from overflowing whatever it is added to.
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter reads Retry-After (RFC 9110 §10.2.3): whole seconds, or a date, which counts from the answer's own Date so that
// clock skew cancels. Junk, negative and past values are 0.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if isDigits(v) {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(serverTime(h, now)), 0), maxRetryAfter)
}

// serverTime returns the answer's Date, or now if it has none.
func serverTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}
