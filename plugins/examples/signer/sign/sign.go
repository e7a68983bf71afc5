// Package sign is a stage that signs requests with HMAC-SHA256. It is served by the program signer, and can as well be built in:
// pipeline.WithStages(sign.Factory()).
package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// The headers that the stage sets.
const (
	HeaderDigest    = "Content-Digest"   // of the body (RFC 9530)
	HeaderDate      = "X-Signature-Date" // when it was signed (RFC 9110 §5.6.7)
	HeaderKeyID     = "X-Signature-Key"  // which key, where the config names it
	HeaderSignature = "X-Signature"      // base64
)

// Config configures type "hmac". It signs what goes on the wire: list it last, so that no other stage changes the request after it, and
// inside retry, so that each attempt has a date of its own.
type Config struct {
	// Key says where the secret is that client and server share: { env = "SIGNER_KEY" }, where the plugin's table has
	// env = ["SIGNER_KEY"]. It is read for each request. Required.
	Key credential.Ref `toml:"key" doc:"where the secret is that client and server share: { env = \"SIGNER_KEY\" }; required"`
	// KeyID tells the server which key it is, in X-Signature-Key. Default "": the header is not set.
	KeyID string `toml:"key_id" doc:"tells the server in X-Signature-Key which key it is"`
}

// Doc says in a sentence what the type is for.
func (*Config) Doc() string {
	return "signs method, URL, host, date and the body's digest with HMAC-SHA256"
}

// Needs are the URL with its query and the body's digest: neither a header nor a byte of the body leaves the host.
func (*Config) Needs() pipeline.Needs {
	return pipeline.Needs{Request: pipeline.RequestNeeds{
		Query: true, Body: pipeline.BodyDigest, Edit: []string{HeaderDigest, HeaderDate, HeaderKeyID, HeaderSignature},
	}}
}

// Validate refuses a config without a key, and a key's name that no header can hold.
func (c *Config) Validate() error {
	var errs []error
	switch {
	case c.Key.IsZero():
		errs = append(errs, &pipeline.ConfigError{Path: "key", Message: "a signature needs a key", Advice: `key = { env = "SIGNER_KEY" }`})
	case c.Key.SharedName() != "":
		errs = append(errs, &pipeline.ConfigError{Path: "key", Message: "[secrets] stay with the program that reads the file", Advice: `key = { env = "SIGNER_KEY" }`})
	}
	if strings.ContainsFunc(c.KeyID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, pipeline.Invalid("key_id", "key_id is one word of visible ASCII"))
	}
	return errors.Join(errs...)
}

// Factory makes stages of type "hmac".
func Factory() pipeline.Factory { return pipeline.Define("hmac", Config{}, New) }

// Stage signs requests. It is safe for concurrent use.
type Stage struct {
	config  Config
	secrets *credential.Secrets
}

// New makes the stage; a Go program may use it without a file.
func New(c Config, s pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Stage{config: c, secrets: credential.NewSecrets(s.Dir, nil, nil, nil)}, nil
}

// Do signs the request and hands it on.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	key, err := s.secrets.Resolve(req.Context(), s.config.Key)
	if err != nil {
		return nil, pipeline.Errorf(pipeline.KindUnauthorized, "the signing key: %w", err)
	}
	body, err := pipeline.DigestOf(req)
	if err != nil {
		return nil, err
	}
	if req.Header == nil {
		req.Header = make(http.Header, 4)
	}
	date := time.Now().UTC().Format(http.TimeFormat)
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(body.SHA256[:]) + ":"
	req.Header.Set(HeaderDigest, digest)
	req.Header.Set(HeaderDate, date)
	req.Header.Set(HeaderSignature, Signature([]byte(key.Reveal()), Text(req, date, digest)))
	if s.config.KeyID != "" {
		req.Header.Set(HeaderKeyID, s.config.KeyID)
	}
	return next.RoundTrip(req)
}

// Text is what is signed: method, host, path with query, date and digest, each on a line of its own. A server puts it together from
// what it got.
func Text(req *http.Request, date, digest string) string {
	method, host := req.Method, req.Host
	if method == "" {
		method = http.MethodGet
	}
	if host == "" {
		host = req.URL.Host
	}
	return strings.Join([]string{method, strings.ToLower(host), req.URL.RequestURI(), date, digest, ""}, "\n")
}

// Signature signs a text, in base64. A server compares by hmac.Equal.
func Signature(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
