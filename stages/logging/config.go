// Package logging is the stage "log": one record per call, and one per send where the stage stands, through the program's slog
// logger. What is secret shows in no record, whatever the profile.
package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// The values of Config.Profile.
const (
	Production  = "production"
	Development = "development"
)

// maxBodyLimit keeps a body from filling a log.
const maxBodyLimit = 1 << 20

// Config is what a table of use "log" holds.
type Config struct {
	// Profile is "production", which shows headers and query parameters that are allow-listed only, or "development", which shows
	// all that are not secret by their name, the caller's subject, and each send. Default: production.
	Profile string `toml:"profile"`
	// Level is that of the record of a call that succeeded: "debug", "info", "warn" or "error". A call that failed by the request
	// (kinds unauthorized, client and those below it) or was cancelled is at least a warning, one that failed otherwise an error.
	// Default: info.
	Level string `toml:"level"`
	// SendLevel is that of the record of each send, and of bodies. A send that failed so that it may be sent again is at least a
	// warning: the call's record won't tell of it if the next send succeeds. Default: debug, info in development.
	SendLevel string `toml:"send_level"`
	// Calls says whether this stage writes the record per call; say false in all but one if several log stages stand in a
	// pipeline. Default: true.
	Calls bool `toml:"calls"`
	// Headers are names of further headers that show in production, beside the usual harmless ones. Default: none.
	Headers []string `toml:"headers"`
	// Query are names of further query parameters that show in production, beside the usual harmless ones; case counts. Default:
	// none.
	Query []string `toml:"query"`
	// Keys are names of further JSON keys, form fields and parameters whose values are secret, beside those whose names say so.
	// Default: none.
	Keys []string `toml:"keys"`
	// RequestBody puts the beginning of request bodies into the record of the send: of JSON and forms only, redacted by key.
	// Default: false.
	RequestBody bool `toml:"request_body"`
	// ResponseBody writes a record of its own for the beginning of each response body, once its reader is done with it: of JSON and
	// forms only, redacted by key, never of a stream. What nobody reads is not read for the log. Default: false.
	ResponseBody bool `toml:"response_body"`
	// BodyLimit is how much of a body is kept and shown; longer ones are marked body_truncated. Default: 4KiB; at most 1MiB.
	BodyLimit pipeline.Size `toml:"body_limit"`
}

// Validate refuses words that are none of those listed, limits out of bounds, and names that would never show because they are secret.
func (c Config) Validate() error {
	var errs []error
	if c.Profile != Production && c.Profile != Development {
		errs = append(errs, &pipeline.ConfigError{Path: "profile", Message: fmt.Sprintf("unknown profile %q", c.Profile), Advice: "one of production, development"})
	}
	if _, ok := levelOf(c.Level); !ok {
		errs = append(errs, unknownLevel("level", c.Level))
	}
	if _, ok := levelOf(c.SendLevel); !ok && c.SendLevel != "" {
		errs = append(errs, unknownLevel("send_level", c.SendLevel))
	}
	if c.BodyLimit < 1 || c.BodyLimit > maxBodyLimit {
		errs = append(errs, pipeline.Invalid("body_limit", "body_limit must be at least 1B and at most 1MiB"))
	}
	redactor := redact.New(redact.Rules{Headers: c.Headers, Query: c.Query, Keys: c.Keys})
	for i, h := range c.Headers {
		if redactor.Header(h, "x") == redact.Mask {
			errs = append(errs, secretName("headers", i, "header", h))
		}
	}
	for i, q := range c.Query {
		if strings.HasSuffix(redactor.URL(&url.URL{RawQuery: url.QueryEscape(q) + "=x"}, false), redact.Mask) {
			errs = append(errs, secretName("query", i, "parameter", q))
		}
	}
	return errors.Join(errs...)
}

func unknownLevel(key, got string) error {
	return &pipeline.ConfigError{Path: key, Message: fmt.Sprintf("unknown level %q", got), Advice: "one of debug, info, warn, error"}
}

func secretName(key string, i int, what, name string) error {
	return &pipeline.ConfigError{
		Path: fmt.Sprintf("%s[%d]", key, i), Message: fmt.Sprintf("the %s %q is secret by its name and shows in no log", what, name), Advice: "leave it out",
	}
}

func levelOf(word string) (slog.Level, bool) {
	switch word {
	case "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warn":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	}
	return 0, false
}

// sendLevel returns the level of the record of a send.
func (c Config) sendLevel() slog.Level {
	if level, ok := levelOf(c.SendLevel); ok {
		return level
	}
	if c.Profile == Development {
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// Defaults returns the config of a table without keys.
func Defaults() Config {
	return Config{Profile: Production, Level: "info", Calls: true, BodyLimit: 4 << 10}
}
