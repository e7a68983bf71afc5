package pipeline

import (
	"errors"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

// PipelineConfig is what a [pipelines.NAME] table holds beside stages, extends and override. Every deadline has a default, and
// none can be switched off.
type PipelineConfig struct {
	// BaseURL is what relative references are resolved against. "demo:" is a symbolic origin that an upstream serves.
	BaseURL string `toml:"base_url"`
	// Credential names the [credentials.NAME] that auth and refresh use.
	Credential string `toml:"credential"`
	// Transport names the [transports.NAME] that the pipeline sends through.
	Transport string `toml:"transport"`
	// Timeout bounds the whole call: every attempt, wait and refresh, and the body up to its end. For a stream
	// (text/event-stream, an upgrade) it ends at the headers.
	Timeout time.Duration `toml:"timeout"`
	// AttemptTimeout bounds each physical send, its body included; for a stream up to the headers.
	AttemptTimeout time.Duration `toml:"attempt_timeout"`
	// BodyIdleTimeout bounds the time in which a body, of a stream too, must give at least one byte.
	BodyIdleTimeout time.Duration `toml:"body_idle_timeout"`
	// MaxReplayBuffer is how large a request body without GetBody may be to be kept for another attempt.
	MaxReplayBuffer Size `toml:"max_replay_buffer"`
	// BufferResponse is how much of an answer's body is read before the stages see the answer: one that breaks off within it is a failed
	// send, of class unknown, which retry may repeat. A longer body is handed on as a stream, with what was read of it; streams
	// and answers that may be sent again by their status are not read. It may take this much memory for each call under way.
	BufferResponse Size `toml:"buffer_response"`
	// Propagate sends the W3C trace context (traceparent, tracestate) to the upstream.
	Propagate bool `toml:"propagate"`
}

func defaultPipelineConfig() PipelineConfig {
	return PipelineConfig{
		Transport: "default", Timeout: 30 * time.Second, AttemptTimeout: 10 * time.Second, BodyIdleTimeout: 10 * time.Second, MaxReplayBuffer: 1 << 20,
	}
}

// Validate refuses durations that are not positive, and a base URL that is none.
func (c PipelineConfig) Validate() error {
	errs := []error{
		positive("timeout", c.Timeout), positive("attempt_timeout", c.AttemptTimeout), positive("body_idle_timeout", c.BodyIdleTimeout),
	}
	if c.BaseURL != "" {
		if _, err := parseBase(c.BaseURL); err != nil {
			errs = append(errs, &ConfigError{Path: "base_url", Message: err.Error(), Err: err, secret: strings.Contains(c.BaseURL, "@")})
		}
	}
	return errors.Join(errs...)
}

func positive(path string, d time.Duration) error {
	if d > 0 {
		return nil
	}
	return &ConfigError{Path: path, Message: path + " must be more than 0", Advice: "no deadline can be switched off; choose a long one"}
}

// CredentialConfig is what every [credentials.NAME] table holds beside the keys of its type. A credential is attached to requests to its
// origins and to no others, redirects included.
type CredentialConfig struct {
	// Type is what the credential is: "bearer", "command", "basic", "api-key", "login", "oauth2", or a type that the program adds. Required.
	Type string `toml:"type"`
	// Origins are where the credential may go: "https://api.example.com", scheme, host and port exactly, or
	// "https://*.example.com" for exactly one label more. The first is where relative token endpoints are. Required.
	Origins []string `toml:"origins"`
	// Insecure lets the credential travel over plain http too; to this machine it always may.
	Insecure bool `toml:"insecure"`
	// PerSubject keeps one session for each subject, such as a tenant, that calls are made for, in place of one for all.
	PerSubject bool `toml:"per_subject"`
	// MaxSessions is how many sessions are kept; beyond it those that nobody used of late are forgotten, and come back with the token they had. Default 10000.
	MaxSessions int `toml:"max_sessions"`
	// Transport names the [transports.NAME] that token requests go through. Default "default".
	Transport string `toml:"transport"`
	// Store names the [stores.NAME] that keeps the tokens. Default: the memory of the process.
	Store string `toml:"store"`
	// OnStoreFailure says what happens where the token is over and the store can't be used: "fail" has calls fail until it can,
	// "refresh" renews without its lock, and two processes that do so at once may lose the session to a server that rotates refresh
	// tokens. A token that is still good is used either way, and one that comes without a refresh token is always fetched. Default "fail".
	OnStoreFailure credential.OnStoreFailure `toml:"on_store_failure"`

	parsed []credential.Origin
}

var credentialKeys = []string{"type", "origins", "insecure", "per_subject", "max_sessions", "transport", "store", "on_store_failure"}

// StoreConfig is what every [stores.NAME] table holds beside the keys of its type. A store keeps the tokens of credentials beyond the
// process, or for several processes.
type StoreConfig struct {
	// Type is what the store is: "memory", "file", "redis", or a type that the program adds. Required.
	Type string `toml:"type"`
	// EncryptionKeys seal what the store keeps, each by reference: the first seals, all are tried to open, so that a key can be
	// changed. Default none: tokens are kept as they are.
	EncryptionKeys []credential.Ref `toml:"encryption_keys"`
}

var storeKeys = []string{"type", "encryption_keys"}

// Validate checks the origins.
func (c *CredentialConfig) Validate() error {
	var errs []error
	if len(c.Origins) == 0 {
		errs = append(errs, &ConfigError{Path: "", Message: "a credential needs origins: where it may go", Advice: `origins = ["https://api.example.com"]`})
	}
	for i, s := range c.Origins {
		o, err := credential.ParseOrigin(s)
		switch {
		case err != nil:
			errs = append(errs, Invalid(indexed("origins", i), "%v", err))
		case o.Scheme() == "http" && !o.IsLoopback() && !c.Insecure:
			errs = append(errs, &ConfigError{
				Path: indexed("origins", i), Message: "a credential must not travel over plain http", Advice: "use https, or say insecure = true for this credential",
			})
		}
		c.parsed = append(c.parsed, o)
	}
	if c.MaxSessions < 1 {
		errs = append(errs, Invalid("max_sessions", "max_sessions must be at least 1"))
	}
	return errors.Join(errs...)
}
