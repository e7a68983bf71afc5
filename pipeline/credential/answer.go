package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

const (
	maxAnswer   = 1 << 20
	maxCode     = 64
	maxLifetime = 100 * 365 * 24 * time.Hour
)

var (
	errNoTransport = errors.New("the settings hold no transport for token requests")
	errRedirect    = errors.New("redirects of token requests are not followed")
	errTooLarge    = errors.New("the answer is larger than 1 MiB")
	errExpired     = errors.New("the token of the answer has already expired")
	errUnfit       = errors.New("the token of the answer holds characters that no header carries")
)

// tokenCall is one token request: outside every pipeline, nothing attached, no redirect followed.
type tokenCall struct {
	op        string
	refresh   bool
	transport http.RoundTripper
	hidden    []string // the secrets in the request, for clearing texts that others wrote
}

// answer is a 2xx answer that is a JSON object.
type answer struct {
	fields map[string]any // numbers are json.Number
	base   time.Time      // absolute expiry times count from here: the server's clock if it told it
	status int
}

// do sends req and reads the answer to its end; everything but a 2xx JSON object is a *Failure.
func (c *tokenCall) do(req *http.Request) (*answer, error) {
	req.Header.Set("Accept", "application/json")
	sent := time.Now()
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		f := c.failure(0, networkCause(req.Context(), err, c.hidden))
		f.NotSent = notSent(err)
		return nil, f
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	fields := readObject(body)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, c.refused(resp, fields)
	case err != nil:
		return nil, c.failure(0, networkCause(req.Context(), err, c.hidden)) // half an answer is none: who knows what was rotated
	case len(body) > maxAnswer:
		return nil, c.failure(resp.StatusCode, errTooLarge)
	case fields == nil:
		return nil, c.failure(resp.StatusCode, notJSON(resp.Header))
	}
	return &answer{fields: fields, base: serverTime(resp.Header, sent), status: resp.StatusCode}, nil
}

func (c *tokenCall) failure(status int, err error) *Failure {
	return &Failure{Op: c.op, Refresh: c.refresh, Status: status, Err: err}
}

func (c *tokenCall) refused(resp *http.Response, fields map[string]any) *Failure {
	f := c.failure(resp.StatusCode, nil)
	switch {
	case resp.StatusCode < 400:
		f.Err = errRedirect
	case resp.StatusCode < 500:
		f.Code = c.errorCode(fields)
		fallthrough
	default:
		f.RetryAfter = RetryAfter(resp.Header, time.Now())
	}
	return f
}

// errorCode returns the error member of RFC 6749 §5.2, "" unless it keeps to that section's characters. A server that repeats
// what it was sent must not make us print it.
func (c *tokenCall) errorCode(fields map[string]any) string {
	code, _ := fields["error"].(string)
	for i := range len(code) {
		if b := code[i]; b < 0x20 || b > 0x7e || b == '"' || b == '\\' {
			return ""
		}
	}
	for _, value := range c.hidden {
		if value != "" {
			code = strings.ReplaceAll(code, value, redact.Mask)
		}
	}
	return strings.TrimSpace(code[:min(len(code), maxCode)])
}

// token builds a Token from the answer's fields, each named by a path.
func (c *tokenCall) token(a *answer, at answerPaths) (Token, error) {
	access, _ := lookup(a.fields, at.access).(string)
	switch {
	case access == "":
		return Token{}, c.failure(a.status, fmt.Errorf("the answer has no string %q", at.access))
	case !fitsHeader(access):
		return Token{}, c.failure(a.status, errUnfit)
	}
	refresh, _ := lookup(a.fields, at.refresh).(string)
	lifetime, ok := a.lifetime(at)
	if !ok {
		return Token{}, c.failure(a.status, errExpired)
	}
	return Token{Access: redact.NewSecret(access), Refresh: redact.NewSecret(refresh), Lifetime: lifetime}, nil
}

// answerPaths name an answer's fields; "" names none.
type answerPaths struct{ access, refresh, expiresIn, expiresAt string }

// lifetime returns how long the token lives, 0 if the answer does not say, and false if it is over. A value that cannot be
// read counts as unsaid: dropping a token that a server has already rotated would be worse.
func (a *answer) lifetime(at answerPaths) (time.Duration, bool) {
	if seconds, ok := number(lookup(a.fields, at.expiresIn)); ok {
		return duration(seconds), seconds >= 0
	}
	v := lookup(a.fields, at.expiresAt)
	if s, ok := v.(string); ok {
		if moment, err := time.Parse(time.RFC3339, s); err == nil {
			left := min(moment.Sub(a.base), maxLifetime)
			return left, left > 0
		}
	}
	if unix, ok := number(v); ok {
		left := duration(unix - float64(a.base.Unix()))
		return left, left > 0
	}
	return 0, true
}

// duration converts seconds; it saturates.
func duration(seconds float64) time.Duration {
	if seconds >= maxLifetime.Seconds() {
		return maxLifetime
	}
	if seconds <= 0 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// number reads a JSON number or a string that holds one.
func number(v any) (float64, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
		if s == "" || strings.Trim(s, "0123456789.+-") != "" { // ParseFloat would take "inf", "nan" and hexadecimal too
			return 0, false
		}
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return f, true
}

// lookup follows a dotted path through objects, and by index through arrays; nil if it leads nowhere.
func lookup(v any, path string) any {
	if path == "" {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// readObject returns the body's members, or nil if it is not one whole JSON object. The content type is not asked: servers
// send JSON as text/plain.
func readObject(body []byte) map[string]any {
	if len(body) > maxAnswer {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var fields map[string]any
	if dec.Decode(&fields) != nil {
		return nil
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return fields
}

func notJSON(h http.Header) error {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || len(media) > maxCode || media == "application/json" {
		return errors.New("the answer is not a JSON object")
	}
	return fmt.Errorf("the answer is %s, not a JSON object", media)
}

// fitsHeader reports whether a header field can carry value (RFC 9110 §5.5).
func fitsHeader(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < 0x20 && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}
