package credential

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// signingKey is a private key, with what its file says of it beside.
type signingKey struct {
	key  any // *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey
	id   string
	alg  jose.SignatureAlgorithm // "": the file does not say
	kind string                  // "RSA", "EC P-256" or "Ed25519", for messages
	fits []jose.SignatureAlgorithm
}

// signingAlgs are the names of the algorithms that a file may ask for: those of a private key, RFC 7518 §3.1 and RFC 8037.
var signingAlgs = [...]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// signingKey reads the private key that r refers to. No error holds anything of it.
func (s *Secrets) signingKey(ctx context.Context, r Ref) (signingKey, string, error) {
	secret, err := s.Resolve(ctx, r)
	if err != nil {
		return signingKey{}, "", err
	}
	key, err := parseSigningKey(secret.Reveal())
	if err != nil {
		return signingKey{}, "", fmt.Errorf("%v: %w", r, err)
	}
	return key, secret.Reveal(), nil
}

// parseSigningKey reads PEM (PKCS #8, PKCS #1, SEC 1), a JWK (RFC 7517), or the file of a Google service account.
func parseSigningKey(text string) (signingKey, error) {
	if data := bytes.TrimSpace([]byte(text)); bytes.HasPrefix(data, []byte("{")) {
		return parseKeyObject(data)
	}
	return parseKeyPEM([]byte(text))
}

var (
	errEncryptedKey = errors.New(`the private key is encrypted: give it decrypted, for instance by { cmd = ["openssl", "pkey", "-in", "key.pem", "-passin", …] }`)
	errNoKey        = errors.New("it holds no private key: give PEM, which begins with -----BEGIN PRIVATE KEY-----, or a JWK")
	errBrokenKey    = errors.New("the private key can't be read: it is damaged, or of another kind than its first line says")
)

func parseKeyPEM(rest []byte) (signingKey, error) {
	none := errNoKey
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return signingKey{}, none
		}
		var key any
		var err error
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return signingKey{}, errEncryptedKey
		case block.Type == "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case block.Type == "OPENSSH PRIVATE KEY":
			return signingKey{}, errors.New("the key is in the format of OpenSSH: write it as PEM, with ssh-keygen -p -m PKCS8 -f KEY")
		case block.Type == "PUBLIC KEY" || block.Type == "RSA PUBLIC KEY":
			none = errors.New("it holds a public key: give the private one that belongs to it")
			continue
		case block.Type == "CERTIFICATE":
			none = errors.New("it holds a certificate: give the private key that belongs to it")
			continue
		default: // EC PARAMETERS, and what else stands beside a key
			continue
		}
		if err != nil {
			return signingKey{}, errBrokenKey
		}
		return newSigningKey(key)
	}
}

// parseKeyObject reads a JWK or the file of a service account. The texts of the library's errors may quote the key.
func parseKeyObject(data []byte) (signingKey, error) {
	var object struct {
		Kty          string            `json:"kty"`
		Use          string            `json:"use"`
		Keys         []json.RawMessage `json:"keys"`
		PrivateKey   string            `json:"private_key"`
		PrivateKeyID string            `json:"private_key_id"`
	}
	switch err := json.Unmarshal(data, &object); {
	case err != nil:
		return signingKey{}, errors.New("it is no JSON object that describes a key")
	case object.PrivateKey != "":
		key, err := parseKeyPEM([]byte(object.PrivateKey))
		key.id = object.PrivateKeyID
		return key, err
	case object.Keys != nil:
		return signingKey{}, errors.New("it holds a set of keys: give one JWK")
	case object.Kty == "oct":
		return signingKey{}, errors.New("the JWK is a shared secret: give a private key")
	case object.Use != "" && object.Use != "sig":
		return signingKey{}, errors.New(`the JWK's use is not "sig"`)
	}
	var jwk jose.JSONWebKey
	if jwk.UnmarshalJSON(data) != nil || !jwk.Valid() {
		return signingKey{}, errors.New("the JWK can't be read: a member is missing or wrong")
	}
	if jwk.IsPublic() {
		return signingKey{}, errors.New("the JWK is a public key: give the private one that belongs to it")
	}
	key, err := newSigningKey(jwk.Key)
	if err != nil {
		return signingKey{}, err
	}
	key.id, key.alg = jwk.KeyID, jose.SignatureAlgorithm(jwk.Algorithm)
	if key.alg != "" && !slices.Contains(key.fits, key.alg) {
		return signingKey{}, fmt.Errorf("the JWK's alg does not go with its key, which is %s: it may be %s", key.kind, listAlgs(key.fits))
	}
	return key, nil
}

func newSigningKey(key any) (signingKey, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < 2048 {
			return signingKey{}, fmt.Errorf("the RSA key has %d bits: at least 2048 are needed (RFC 7518 §3.3)", bits)
		}
		return signingKey{key: key, kind: "RSA", fits: []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}}, nil
	case *ecdsa.PrivateKey:
		name := key.Curve.Params().Name
		alg, ok := map[string]jose.SignatureAlgorithm{"P-256": jose.ES256, "P-384": jose.ES384, "P-521": jose.ES512}[name]
		if !ok {
			return signingKey{}, fmt.Errorf("no algorithm signs with an EC key on curve %s", name)
		}
		return signingKey{key: key, kind: "EC " + name, fits: []jose.SignatureAlgorithm{alg}}, nil
	case ed25519.PrivateKey:
		return signingKey{key: key, kind: "Ed25519", fits: []jose.SignatureAlgorithm{jose.EdDSA}}, nil
	}
	return signingKey{}, errors.New("a key of this kind signs no assertions: give RSA, EC or Ed25519")
}

// algorithm returns the one to sign with: what the file asks for, else what the key says of itself, else the first that fits and
// that the server takes. takes is empty where the server does not say.
func (k signingKey) algorithm(asked string, takes []string) (jose.SignatureAlgorithm, error) {
	taken := func(alg jose.SignatureAlgorithm) bool { return len(takes) == 0 || slices.Contains(takes, string(alg)) }
	alg := jose.SignatureAlgorithm(asked)
	switch {
	case asked != "" && !slices.Contains(k.fits, alg):
		return "", fmt.Errorf("signing_alg %s does not go with an %s key: write %s, or leave it out", asked, k.kind, listAlgs(k.fits))
	case asked == "":
		alg = k.alg
	}
	if alg == "" {
		alg = k.fits[0]
		if i := slices.IndexFunc(k.fits, taken); i >= 0 {
			alg = k.fits[i]
		}
	}
	if !taken(alg) {
		return "", fmt.Errorf("the server's metadata takes no assertion that is signed with %s", alg)
	}
	return alg, nil
}

func listAlgs(algs []jose.SignatureAlgorithm) string {
	words := make([]string, len(algs))
	for i, alg := range algs {
		words[i] = string(alg)
	}
	return strings.Join(words, ", ")
}
