package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/redact"
)

// canary is the secret that no text may hold.
const canary = "c4nary-hunter2"

// upstream is a token endpoint in a function; it notes what it was sent.
type upstream struct {
	answer   func(*http.Request) (*http.Response, error)
	requests []*http.Request
	bodies   []string
}

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		body = string(data)
	}
	u.requests, u.bodies = append(u.requests, req), append(u.bodies, body)
	return u.answer(req)
}

// trackedBody tells whether it was read to its end and closed.
type trackedBody struct {
	io.Reader
	ended, closed bool
}

func (b *trackedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.ended = b.ended || err == io.EOF
	return n, err
}

func (b *trackedBody) Close() error { b.closed = true; return nil }

func reply(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: &trackedBody{Reader: strings.NewReader(body)}}
}

func replying(status int, body string, header ...string) *upstream {
	return &upstream{answer: func(*http.Request) (*http.Response, error) { return reply(status, body, header...), nil }}
}

func failing(err error) *upstream {
	return &upstream{answer: func(*http.Request) (*http.Response, error) { return nil, err }}
}

func mustOrigins(t *testing.T, origins ...string) []Origin {
	t.Helper()
	var out []Origin
	for _, s := range origins {
		o, err := ParseOrigin(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

func factoryOf(t *testing.T, typ string) Factory {
	t.Helper()
	for _, f := range BuiltIn() {
		if f.Type() == typ {
			return f
		}
	}
	t.Fatalf("no type %q", typ)
	return Factory{}
}

// checkHidden fails if a value shows a canary in any form that a program could print.
func checkHidden(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		texts := []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v), fmt.Sprintf("%q", v)}
		if data, err := json.Marshal(v); err == nil {
			texts = append(texts, string(data))
		}
		for err, ok := v.(error); ok && err != nil; err = errors.Unwrap(err) {
			texts = append(texts, err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err))
		}
		for _, text := range texts {
			if strings.Contains(text, canary) || strings.Contains(text, "Y2FuYXJ5") || strings.Contains(text, "YzRuYXJ5") {
				t.Errorf("%T shows the canary: %s", v, text)
			}
		}
	}
}

func secretsWith(given map[string]string) *Secrets { return NewSecrets("", nil, byName(given), nil) }

func byName(m map[string]string) func(reference, name string) (string, bool) {
	return func(_, name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func reveal(fields map[string]string) map[string]redact.Secret {
	out := map[string]redact.Secret{}
	for k, v := range fields {
		out[k] = redact.NewSecret(v)
	}
	return out
}
