package refresh

import (
	"strings"
	"testing"
)

func TestHasError(t *testing.T) {
	const want = "insufficient_scope"
	for field, has := range map[string]bool{
		`Bearer error="insufficient_scope"`:                                       true,
		`Bearer error=insufficient_scope`:                                         true,
		`Bearer realm="x", ERROR = "insufficient_scope", scope="a b"`:             true,
		`bearer realm="a \"quoted\" word",error="insufficient_scope"`:             true,
		`Basic realm="x", Bearer error="insufficient_scope"`:                      true,
		`Negotiate YIIJvwYGKwYBBQUCoIIJszCC==, Bearer error="insufficient_scope"`: true,
		`, ,Bearer  error="insufficient_scope",`:                                  true,
		`Bearer error="insufficient_\scope"`:                                      true, // a quoted pair
		`Bearer error="insufficient_scope`:                                        true, // somebody forgot the end
		`Bearer error="invalid_token", error_description="insufficient_scope"`:    false,
		`Bearer realm="error=insufficient_scope"`:                                 false,
		`Bearer realm="insufficient_scope"`:                                       false,
		`Bearer error_uri="x", Error="INSUFFICIENT_SCOPE"`:                        true,
		`insufficient_scope`:                                                      false,
		`Bearer`:                                                                  false,
		`Bearer error`:                                                            false,
		`Bearer error=`:                                                           false,
		`="insufficient_scope"`:                                                   false,
		`"error"="insufficient_scope"`:                                            false,
		``:                                                                        false,
	} {
		if got := hasError(field, want); got != has {
			t.Errorf("%s: got %v, want %v", field, got, has)
		}
	}
}

// Whatever a server sends: the reading ends, yields nothing that does not stand there, and goes on alike behind a list's comma.
func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{`Bearer error="insufficient_scope"`, `Basic realm="x", Bearer error=a`, `Negotiate a==`, `a="\`, `,=,"`, `Bearer realm="a, b", x=y`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		n := 0
		for name, value := range params(field) {
			if n++; n > len(field) {
				t.Fatal("there are more parameters than characters")
			}
			if !strings.Contains(field, name) || len(value) > len(field) || name == "" {
				t.Fatalf("%q = %q does not stand in %q", name, value, field)
			}
		}
		if !hasError(`Bearer error="insufficient_scope", `+field, "insufficient_scope") {
			t.Fatalf("what stands behind hides what stands before: %q", field)
		}
		if strings.Count(field, `"`) == 0 && !hasError(field+`, Bearer error="insufficient_scope"`, "insufficient_scope") {
			t.Fatalf("what stands before hides what stands behind: %q", field)
		}
	})
}
