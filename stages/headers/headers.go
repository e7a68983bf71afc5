// Package headers is the stage that sets, adds and removes request headers.
package headers

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/credential"
)

// Config configures type "headers". Headers are removed first, then set, then added; every expression sees the request as it
// came to the stage. A header that is to be set only where the caller did not is a matter of the stage's when:
// when = 'request.header("X-Request-ID") == ""'.
//
// Headers that the transport writes (Host, Content-Length, Connection, …) and those that carry a credential (Authorization,
// Cookie, X-Api-Key, …) can't be set: a credential has its own table, so that it is attached to its own origins only.
type Config struct {
	// Set gives headers a value in place of any that they have: "acme/1.0", { expr = 'call.operation' } or { uuid = true }.
	Set map[string]Value `toml:"set"`
	// Add gives headers one more value.
	Add map[string]Value `toml:"add"`
	// Remove takes headers out. User-Agent is not sent at all then, not even net/http's own.
	Remove []string `toml:"remove"`
}

// Validate refuses names and values that no header can have, and those that are not the file's business.
func (c *Config) Validate() error {
	var errs []error
	seen := map[string]string{} // canonical name → the key that set it
	for _, key := range slices.Sorted(maps.Keys(c.Set)) {
		errs = append(errs, judge("set."+strconv.Quote(key), key, c.Set[key], seen))
	}
	added := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(c.Add)) {
		errs = append(errs, judge("add."+strconv.Quote(key), key, c.Add[key], added))
	}
	for i, key := range c.Remove {
		path, name := fmt.Sprintf("remove[%d]", i), http.CanonicalHeaderKey(key)
		switch why, advice := refusal(name); {
		case !credential.IsToken(key):
			errs = append(errs, pipeline.Invalid(path, "%q is no header name", key))
		case why != "":
			errs = append(errs, &pipeline.ConfigError{Path: path, Message: why + ": it can't be removed", Advice: advice})
		case seen[name] != "":
			errs = append(errs, &pipeline.ConfigError{Path: path, Message: name + " is both set and removed", Advice: "keep one of the two: set replaces what was there"})
		}
	}
	return errors.Join(errs...)
}

func judge(path, key string, v Value, seen map[string]string) error {
	name := http.CanonicalHeaderKey(key)
	why, advice := refusal(name)
	other := seen[name]
	seen[name] = key
	switch {
	case !credential.IsToken(key):
		return pipeline.Invalid(path, "%q is no header name", key)
	case why != "":
		return &pipeline.ConfigError{Path: path, Message: why + ": it can't be set", Advice: advice}
	case carriesCredential(name):
		return &pipeline.ConfigError{
			Path: path, Message: name + " carries a credential, which would go to every origin",
			Advice: "declare it under [credentials.NAME] with its origins, and let the auth stage choose it",
		}
	case other != "":
		return pipeline.Invalid(path, "%s and %s are the same header", other, key)
	case isKey(name) && v.Text != "":
		return &pipeline.ConfigError{
			Path: path, Message: name + " would be the same for every call, and the server would answer each with the first one's result",
			Advice: "write { uuid = true }, or name a key for each call: pipeline.IdempotencyKey",
		}
	}
	if err, ok := errors.AsType[*pipeline.ConfigError](v.check(name)); ok {
		err.Path = path
		return err
	}
	return nil
}

func isKey(name string) bool { return name == "Idempotency-Key" || name == "X-Idempotency-Key" }

// CheckIn refuses a key against doubled writes that would change with each attempt.
func (c *Config) CheckIn(p pipeline.Place) error {
	if !slices.Contains(p.Stages[:min(p.Index, len(p.Stages))], "retry") {
		return nil
	}
	for _, values := range []map[string]Value{c.Set, c.Add} {
		for key, v := range values {
			if name := http.CanonicalHeaderKey(key); isKey(name) && v.UUID {
				return &pipeline.ConfigError{
					Message: "inside retry each attempt would carry its own " + name + ", and a write would be doubled",
					Advice:  "list the stage before retry",
				}
			}
		}
	}
	return nil
}

// Defaults returns the config of a stage without a table: it changes nothing.
func Defaults() Config { return Config{} }

// Factory makes the stages of type "headers".
func Factory() pipeline.Factory {
	return pipeline.Define("headers", Defaults(), New).WithNeeds(mostNeeds())
}

// Stage changes the headers of each request that passes.
type Stage struct {
	set, add []line
	remove   []string // canonical
}

type line struct {
	name  string // canonical
	value Value
}

// New makes the stage; its errors are those of Validate.
func New(c Config, _ pipeline.Settings) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Stage{set: lines(c.Set), add: lines(c.Add)}
	for _, key := range c.Remove {
		s.remove = append(s.remove, http.CanonicalHeaderKey(key))
	}
	return s, nil
}

func lines(values map[string]Value) []line {
	var out []line
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, line{http.CanonicalHeaderKey(key), values[key]})
	}
	return out
}

// Do changes the headers. An expression that fails, or gives what no header can carry, is an error of kind policy.
func (s *Stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	env := func() cond.RequestEnv { return pipeline.RequestEnv(req) }
	set, err := values("set", s.set, env)
	if err != nil {
		return nil, err
	}
	add, err := values("add", s.add, env)
	if err != nil {
		return nil, err
	}
	for _, name := range s.remove {
		omit(req.Header, name)
	}
	for i, l := range s.set {
		if set[i] == "" {
			omit(req.Header, l.name)
			continue
		}
		req.Header[l.name] = []string{set[i]}
	}
	for i, l := range s.add {
		if add[i] != "" {
			req.Header[l.name] = append(req.Header[l.name], add[i])
		}
	}
	return next.RoundTrip(req)
}

// values computes all values before any header changes.
func values(what string, lines []line, env func() cond.RequestEnv) ([]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		value, err := l.value.value(env)
		if err != nil {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "%s %s: %w", what, l.name, err)
		}
		out[i] = value
	}
	return out, nil
}

// omit sees to it that the header is not sent. net/http writes its own User-Agent where there is none, but not where there is an
// empty one.
func omit(h http.Header, name string) {
	if name == "User-Agent" {
		h[name] = nil
		return
	}
	delete(h, name)
}
