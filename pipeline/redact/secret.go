package redact

import (
	"fmt"
	"log/slog"
)

// Mask is what stands in place of a secret wherever one would have been shown.
const Mask = "***"

// Secret is a string that shows itself as [Mask] in every text form: fmt verbs, slog, JSON and encoding.TextMarshaler.
// Only Reveal gives the value. The zero value is "no secret". It is immutable and safe to share.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value; call it only where the secret is put to use.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns Mask, or "" for the zero value.
func (s Secret) String() string {
	if s.value == "" {
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
