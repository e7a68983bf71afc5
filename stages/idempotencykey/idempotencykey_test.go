package idempotencykey_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/idempotencykey"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func request(t testing.TB, method, header, value string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://api.example.com/a", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		req.Header.Set(header, value)
	}
	return req
}

// sent runs the stage as a Go program may, without a file and without a call, and returns the headers that went on.
func sent(t testing.TB, c idempotencykey.Config, req *http.Request) http.Header {
	t.Helper()
	stage, err := idempotencykey.New(c, pipeline.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var got http.Header
	resp, err := stage.Do(req, roundTripper(func(r *http.Request) (*http.Response, error) {
		got = r.Header
		return &http.Response{StatusCode: 201, Body: http.NoBody}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return got
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestStage_without_a_call(t *testing.T) {
	c := idempotencykey.Defaults()
	first := sent(t, c, request(t, "POST", "", "")).Get("Idempotency-Key")
	if !uuid.MatchString(first) {
		t.Errorf("got %q, want a UUID of version 4", first)
	}
	if second := sent(t, c, request(t, "POST", "", "")).Get("Idempotency-Key"); second == first {
		t.Error("two requests have one key")
	}
	if got := sent(t, c, request(t, "POST", "Idempotency-Key", "mine")).Get("Idempotency-Key"); got != "mine" {
		t.Errorf("got %q, want the caller's own", got)
	}
	req := request(t, "PATCH", "", "")
	req.Header = nil
	if got := sent(t, c, req).Get("Idempotency-Key"); !uuid.MatchString(got) {
		t.Errorf("without headers: got %q", got)
	}
	for _, method := range []string{"", "GET", "HEAD", "PUT", "DELETE", "QUERY"} {
		if got, ok := sent(t, c, request(t, method, "", ""))["Idempotency-Key"]; ok {
			t.Errorf("%s: got %q, want none", method, got)
		}
	}
}

// TestKeys_are_random: what is drawn differs in every bit that is not the version's or the variant's.
func TestKeys_are_random(t *testing.T) {
	c := idempotencykey.Defaults()
	seen := map[string]bool{}
	digits := make([]map[byte]bool, 36)
	for range 2000 {
		key := sent(t, c, request(t, "POST", "", "")).Get("Idempotency-Key")
		if seen[key] || !uuid.MatchString(key) {
			t.Fatalf("%q came twice or is none", key)
		}
		seen[key] = true
		for i := range digits {
			if digits[i] == nil {
				digits[i] = map[byte]bool{}
			}
			digits[i][key[i]] = true
		}
	}
	for i, got := range digits {
		want := 16
		switch i {
		case 8, 13, 18, 23, 14: // the hyphens, and the version
			want = 1
		case 19: // the variant
			want = 4
		}
		if len(got) != want {
			t.Errorf("digit %d takes %d values, want %d", i, len(got), want)
		}
	}
}

// TestQuoted: what a structured field's reader (RFC 9651 §4.2.5) gets is the key, whatever printable characters it has.
func TestQuoted(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		key := rapid.StringOfN(rapid.RuneFrom([]rune(`ab"\ ~!`)), 1, 20, -1).Draw(r, "key")
		value, err := idempotencykey.FormatQuoted.Write(key)
		if err != nil {
			r.Fatal(err)
		}
		if got, ok := unquote(value); !ok || got != key {
			r.Fatalf("%s reads as %q, %v; want %q", value, got, ok, key)
		}
	})
	for _, key := range []string{"a\nb", "\x00", "a\x7f", "clé"} {
		_, err := idempotencykey.FormatQuoted.Write(key)
		if !errors.Is(err, pipeline.KindPolicy) || strings.Contains(err.Error(), key) {
			t.Errorf("%q: got %v, want kind policy, and no word of the key", key, err)
		}
	}
	if _, err := idempotencykey.FormatRaw.Write("a\r\nb"); !errors.Is(err, pipeline.KindPolicy) {
		t.Errorf("raw, with a line break: got %v", err)
	}
	if got, err := idempotencykey.FormatRaw.Write("clé"); got != "clé" || err != nil {
		t.Errorf("raw: got %q, %v", got, err)
	}
}

// unquote reads a string of a structured field.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' {
		return "", false
	}
	var out []byte
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return string(out), i == len(s)-1
		case '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		out = append(out, s[i])
	}
	return "", false
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		header  string
		methods []string
		want    string // in the message; "" for a config that is right
	}{
		"default":         {"Idempotency-Key", []string{"POST"}, ""},
		"another header":  {"X-Request-Id", []string{"POST", "PUT", "LINK"}, ""},
		"no header":       {"", []string{"POST"}, "no header name"},
		"a space":         {"Idempotency Key", []string{"POST"}, "no header name"},
		"a credential":    {"authorization", []string{"POST"}, "Authorization has a meaning of its own"},
		"the body's":      {"content-type", []string{"POST"}, "Content-Type has a meaning of its own"},
		"a condition":     {"If-Match", []string{"POST"}, "meaning of its own"},
		"a proxy's":       {"Proxy-Authorization", []string{"POST"}, "meaning of its own"},
		"the host":        {"host", []string{"POST"}, "meaning of its own"},
		"no methods":      {"Idempotency-Key", nil, "methods is empty"},
		"no method":       {"Idempotency-Key", []string{"PO ST"}, "is no method"},
		"an empty method": {"Idempotency-Key", []string{""}, "is no method"},
		"lower case":      {"Idempotency-Key", []string{"post"}, `"post" is none`},
		"twice":           {"Idempotency-Key", []string{"POST", "POST"}, "POST stands there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := idempotencykey.New(idempotencykey.Config{Header: c.header, Format: idempotencykey.FormatRaw, Methods: c.methods}, pipeline.Settings{})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func BenchmarkStage(b *testing.B) {
	stage, err := idempotencykey.New(idempotencykey.Defaults(), pipeline.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	answer := &http.Response{StatusCode: 201, Body: http.NoBody}
	next := roundTripper(func(*http.Request) (*http.Response, error) { return answer, nil })
	req := request(b, "POST", "", "")
	b.ReportAllocs()
	for b.Loop() {
		delete(req.Header, "Idempotency-Key")
		_, _ = stage.Do(req, next)
	}
}
