package credential

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// BearerConfig configures type "bearer": a token that somebody else made, read from its place again whenever it is refused.
type BearerConfig struct {
	// Token is the token, by reference. Required.
	Token Ref `toml:"token"`
	// Header is the header field that carries it. Default "Authorization".
	Header string `toml:"header"`
	// Prefix stands before the token in the header. Default "Bearer ".
	Prefix string `toml:"prefix"`
	// Lifetime is how long the token counts as good; it is read again in the background shortly before. 0, the default, reads it again
	// only when it was refused.
	Lifetime time.Duration `toml:"lifetime"`
}

// Validate reports a missing token, an impossible header and a negative lifetime.
func (c BearerConfig) Validate() error {
	var wrong mistakes
	wrong.add(c.Token.IsZero(), "token", "token is missing", refHint)
	wrong.add(c.Lifetime < 0, "lifetime", "lifetime must not be negative", "")
	wrong.placement(c.Header, c.Prefix)
	return wrong.join()
}

func bearerFactory() Factory {
	defaults := BearerConfig{Header: "Authorization", Prefix: "Bearer "}
	return Define("bearer", defaults, func(c BearerConfig, s Settings) (Source, Placement, error) {
		if err := c.Validate(); err != nil {
			return nil, Placement{}, err
		}
		read := func(ctx context.Context) (Token, error) {
			token, err := headerSecret(ctx, s.Secrets, c.Token)
			return Token{Access: token, Lifetime: c.Lifetime}, err
		}
		return reader(read), Placement{Header: http.CanonicalHeaderKey(c.Header), Prefix: c.Prefix}, nil
	})
}

// reader is a Source without a server: obtaining and refreshing are both reading again.
type reader func(context.Context) (Token, error)

// Obtain reads the credential.
func (r reader) Obtain(ctx context.Context) (Token, error) { return r(ctx) }

// Refresh reads the credential again.
func (r reader) Refresh(ctx context.Context, _ Token) (Token, error) { return r(ctx) }

// headerSecret resolves ref to a value that a header can carry.
func headerSecret(ctx context.Context, s *Secrets, ref Ref) (redact.Secret, error) {
	secret, err := s.Resolve(ctx, ref)
	if err != nil {
		return redact.Secret{}, unread(err)
	}
	if !fitsHeader(secret.Reveal()) {
		return redact.Secret{}, unread(fmt.Errorf("%v holds a line break or control character, which no header carries", ref))
	}
	return secret, nil
}

// placement notes header names and prefixes that net/http would refuse on every send.
func (m *mistakes) placement(header, prefix string) {
	m.add(!IsToken(header), "header", fmt.Sprintf("%q is no header name", header), "")
	m.add(!fitsHeader(prefix), "prefix", "prefix holds a control character", "")
}

// IsToken reports whether s is a token (RFC 9110 §5.6.2), as methods and names of headers are.
func IsToken(s string) bool {
	for i := range len(s) {
		b := s[i]
		if b <= ' ' || b >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, b) >= 0 {
			return false
		}
	}
	return s != ""
}
