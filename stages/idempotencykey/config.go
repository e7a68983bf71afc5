package idempotencykey

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// Config configures type "idempotency-key". A request that is not idempotent by its method gets a key, a random UUID, so that a server
// that knows such keys carries it out once however often it arrives; retry then sends it again where it would not have dared. The
// key is made once for each call: it is the same on every attempt, on the replay after a refresh, and on a redirect hop that keeps the
// method, to another origin too (it is no credential, and the request is the same one). A header that the caller set itself
// stays as it is, and a key that the caller gave with pipeline.IdempotencyKey takes the place of a made one.
//
// List it before retry, and only for a server that knows such keys: one that ignores them carries out each attempt. Many such servers
// answer 409 to a resend that comes while they still work at the first; a rule of retry has it wait:
// { match = 'response.status == 409 and call.attempt > 1', class = "unknown" }. What 400 and 422 answer is never sent again by itself.
type Config struct {
	// Header is the request header that carries the key. Default "Idempotency-Key".
	Header string `toml:"header"`
	// Format is how the key is written: "raw", as most APIs take it, or "quoted", the string of a structured field (RFC 9651) that
	// the IETF's draft asks for. Default "raw".
	Format Format `toml:"format"`
	// Methods are those whose requests get a key. Default ["POST", "PATCH"].
	Methods []string `toml:"methods"`
}

// Format is how a key is written into its header.
type Format string

// The forms of a key; see Config.Format.
const (
	FormatRaw    Format = "raw"
	FormatQuoted Format = "quoted"
)

// UnmarshalText accepts the known words only.
func (f *Format) UnmarshalText(text []byte) error {
	switch got := Format(text); got {
	case FormatRaw, FormatQuoted:
		*f = got
		return nil
	}
	return &pipeline.ConfigError{Message: fmt.Sprintf("unknown format %q", text), Advice: "one of raw, quoted"}
}

// Defaults returns the config of a stage without a table.
func Defaults() Config {
	return Config{Header: byOption, Format: FormatRaw, Methods: []string{http.MethodPost, http.MethodPatch}}
}

// Validate refuses a header that means something else, and methods that no request has.
func (c *Config) Validate() error {
	errs := []error{c.checkHeader()}
	if len(c.Methods) == 0 {
		errs = append(errs, &pipeline.ConfigError{
			Path: "methods", Message: "methods is empty: no request would get a key", Advice: "take the stage out of the list, or name methods",
		})
	}
	for i, method := range c.Methods {
		path := fmt.Sprintf("methods[%d]", i)
		switch upper := strings.ToUpper(method); {
		case !credential.IsToken(method):
			errs = append(errs, pipeline.Invalid(path, "%q is no method", method))
		case method != upper:
			errs = append(errs, &pipeline.ConfigError{Path: path, Message: fmt.Sprintf("methods are told apart by case, and %q is none", method), Advice: "write " + upper})
		case slices.Contains(c.Methods[:i], method):
			errs = append(errs, pipeline.Invalid(path, "%s stands there twice", method))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) checkHeader() error {
	name := http.CanonicalHeaderKey(c.Header)
	switch {
	case !credential.IsToken(c.Header):
		return pipeline.Invalid("header", "%q is no header name", c.Header)
	case strings.HasPrefix(name, "Content-"), strings.HasPrefix(name, "Proxy-"), strings.HasPrefix(name, "If-"), strings.HasPrefix(name, "Accept"):
	default:
		switch name {
		case "Host", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Http2-Settings", "Range", "Date",
			"Authorization", "Cookie", "X-Api-Key", "Api-Key", "Apikey", "User-Agent", "Referer", "Origin", "Traceparent", "Tracestate":
		default:
			return nil
		}
	}
	return &pipeline.ConfigError{
		Path: "header", Message: name + " has a meaning of its own and can't carry the key", Advice: `most APIs read it from "Idempotency-Key"`,
	}
}

// CheckIn refuses a place within retry.
func (c *Config) CheckIn(p pipeline.Place) error {
	if !slices.Contains(p.Stages[:min(p.Index, len(p.Stages))], "retry") {
		return nil
	}
	return &pipeline.ConfigError{
		Message: "inside retry the key comes too late: retry has asked already whether the request is safe to send twice", Advice: "list the stage before retry",
	}
}
