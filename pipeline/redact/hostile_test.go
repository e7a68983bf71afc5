package redact_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// TestHostileTextIsReadOnce: no text makes the redactor read far ahead again and again.
func TestHostileTextIsReadOnce(t *testing.T) {
	r := redact.New(redact.Rules{})
	for i := range 2000 {
		r.Learn(redact.NewSecret("eyJhbG" + strings.Repeat("a", i%100) + "b" + strings.Repeat("c", i/100)))
	}
	const size = 1 << 16
	for _, part := range []string{
		"a", "://", "://a:b", "://a:b@", "://a:b?", "Bearer=realm=", "bearer+token+", "Basic ", "token", "token=", `"token":`, `"token":"`, `\"`, `\\`,
		"a%25", "%3D", "%", "eyJ", "eyJhbG", "eyJhbGaaa", "x-token:", "?key=", "a&", "=", `password="\`, "[", `{"a":`, `"`, `"\u0061`, "\xff",
		"a]]]]]]]]", "a\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
	} {
		in := strings.Repeat(part, size/len(part))
		start := time.Now()
		r.Text(in)
		r.Body("application/json", []byte(in), size)
		r.Body("application/json", []byte(`["`+in), size)
		r.Body("application/json", []byte(`["`+in+`"]`), size)
		r.Body("application/x-www-form-urlencoded", []byte(in), size)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%q: took %v", part, took)
		}
	}
}
