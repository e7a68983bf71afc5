package credential

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/leatdev/leat/pipeline/redact"
)

const (
	assertionType     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	jwtBearerGrant    = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // a name, no secret
	assertionLifetime = 5 * time.Minute                               // of a client's: it is used at once, and clocks differ
	maxAssertion      = time.Hour                                     // what Google takes at most
)

// AssertionConfig is the assertion table of type "oauth2": the JWT (RFC 7523) that a token is asked for with, as Google's service
// accounts and Salesforce want it. A new one is signed for each request, with iat, exp and a random jti.
type AssertionConfig struct {
	// Key is the private key that signs it, by reference: PEM, a JWK, or the file of a Google service account. It is read again
	// each time. Required.
	Key Ref `toml:"key"`
	// KeyID is the header kid. Default: what the key's file says, if anything.
	KeyID string `toml:"key_id"`
	// SigningAlg is the algorithm, such as "PS256". Default: by the key, "RS256", "ES256" and its like, or "EdDSA".
	SigningAlg string `toml:"signing_alg"`
	// Issuer is the claim iss, literal or by reference: the service account or client. Required.
	Issuer Text `toml:"issuer"`
	// Subject is the claim sub, literal or by reference: whose token is asked for. Default: the call's subject where the credential
	// is per subject, else none.
	Subject Text `toml:"subject"`
	// Audience is the claim aud. Default: the token endpoint, or the issuer where that is configured.
	Audience string `toml:"audience"`
	// Lifetime is how long the assertion counts, at most 1 h. Default "5m".
	Lifetime time.Duration `toml:"lifetime"`
	// Claims are further claims: any values, and references; Google takes the scopes here, as scope. Default none.
	Claims Fields `toml:"claims"`
}

// ownClaims are the claims that have keys of their own, or are made for each assertion.
var ownClaims = [...]string{"iss", "sub", "aud", "exp", "iat", "jti"}

func (c AssertionConfig) isZero() bool {
	return c.Key.IsZero() && c.KeyID == "" && c.SigningAlg == "" && c.Issuer.IsZero() && c.Subject.IsZero() && c.Audience == "" && len(c.Claims) == 0
}

func (m *mistakes) assertion(c AssertionConfig) {
	m.add(c.Key.IsZero(), "assertion.key", "assertion.key is missing", refHint)
	m.add(c.Issuer.IsZero(), "assertion.issuer", "assertion.issuer is missing", "")
	m.add(c.Lifetime <= 0 || c.Lifetime > maxAssertion, "assertion.lifetime", "assertion.lifetime must be more than 0 and at most 1h", "")
	m.signingAlg("assertion.signing_alg", c.SigningAlg)
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		m.add(slices.Contains(ownClaims[:], name), "assertion.claims."+quoteKey(name), fmt.Sprintf("claims must not set %q", name), "it has a key of its own, or is made by itself")
	}
}

func (m *mistakes) signingAlg(path, alg string) {
	m.add(alg != "" && !slices.Contains(signingAlgs[:], alg), path, fmt.Sprintf("unknown algorithm %q", alg),
		"write RS256, PS256, ES256, EdDSA or their like, or leave it out")
}

// jwtSpec is what a JWT is made of.
type jwtSpec struct {
	key        Ref
	keyID, alg string
	takes      []string // the algorithms that the server says it takes; empty: it does not say
	iss, sub   string
	aud        string
	lifetime   time.Duration
	claims     map[string]any
}

// sign makes a JWT. What it read and made is learnt, and added to hidden.
func (s *Secrets) sign(ctx context.Context, spec jwtSpec, hidden *[]string) (string, error) {
	key, text, err := s.signingKey(ctx, spec.key)
	if err != nil {
		return "", err
	}
	*hidden = append(*hidden, text)
	alg, err := key.algorithm(spec.alg, spec.takes)
	if err != nil {
		return "", fmt.Errorf("%v: %w", spec.key, err)
	}
	opts := (&jose.SignerOptions{}).WithType("JWT")
	if id := or(spec.keyID, key.id); id != "" {
		opts = opts.WithHeader("kid", id)
	}
	now := time.Now()
	claims := make(map[string]any, len(spec.claims)+len(ownClaims))
	maps.Copy(claims, spec.claims)
	claims["iss"], claims["aud"], claims["jti"] = spec.iss, spec.aud, rand.Text()
	claims["iat"], claims["exp"] = now.Unix(), now.Add(spec.lifetime).Unix()
	if spec.sub != "" {
		claims["sub"] = spec.sub
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", errors.New("the assertion's claims are not JSON")
	}
	signed, err := signJWS(jose.SigningKey{Algorithm: alg, Key: key.key}, opts, payload)
	if err != nil {
		return "", fmt.Errorf("%v: the assertion could not be signed", spec.key)
	}
	s.tell(redact.NewSecret(signed))
	*hidden = append(*hidden, signed)
	return signed, nil
}

func signJWS(key jose.SigningKey, opts *jose.SignerOptions, payload []byte) (string, error) {
	signer, err := jose.NewSigner(key, opts)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
