package redact

import (
	"fmt"
	"log/slog"
	"unique"
)

// Mask is what stands in place of a secret wherever one would have been shown.
const Mask = "***"

// Secret is a string that shows itself as [Mask] in every text form: fmt verbs, slog, JSON and encoding.TextMarshaler.
// Only Reveal gives the value. The zero value is "no secret". It is immutable and safe to share.
//
// The value lies behind a pointer, because fmt calls no method of an unexported field: it would print a string there.
type Secret struct{ held unique.Handle[string] }

// NewSecret wraps value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{unique.Make(value)}
}

// Reveal returns the value; call it only where the secret is put to use.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.held.Value()
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns Mask, or "" for the zero value.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Mask
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
