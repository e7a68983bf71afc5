// Package retry is the stage that sends a request again where that is safe: it decides from the request and the class of the
// outcome, waits as the server asked, and never sleeps into a deadline. Every refusal has a reason, in a word.
package retry

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/credential"
)

// Config is a [stages.retry] table.
type Config struct {
	// MaxAttempts is how often a call may be sent in all, the first time included; from 1 (never again) to 100. It is counted
	// over the whole call: a replay by refresh goes on with the count. Default 3.
	MaxAttempts int `toml:"max_attempts"`
	// Base is the longest wait before the second attempt, unless the server asks for more. Default "200ms".
	Base time.Duration `toml:"base"`
	// Multiplier makes the longest wait grow from attempt to attempt; at least 1. Default 2.0.
	Multiplier float64 `toml:"multiplier"`
	// MaxDelay bounds that growth. A wait that the server asks for may be longer. Default "10s".
	MaxDelay time.Duration `toml:"max_delay"`
	// Jitter says how a wait is drawn below the longest one, b: "full" from 0 to b, "equal" from b/2 to b, "decorrelated" from
	// base to three times the wait before (multiplier has no part in it), "none" is b itself. Default "full".
	Jitter Jitter `toml:"jitter"`
	// MaxRetryAfter is the longest wait that a server may ask for. Where it asks for more, the answer is returned at once, with
	// the reason retry_after_too_long. Default "60s".
	MaxRetryAfter time.Duration `toml:"max_retry_after"`
	// MaxElapsed is how long after its beginning a call may still be sent again. "0s" leaves that to the deadline of the call,
	// which always exists: the pipeline's timeout or the caller's. Default "0s".
	MaxElapsed time.Duration `toml:"max_elapsed"`
	// Hints names the response headers that are believed when they ask to wait, each as "name" or "name:unit". Without a unit
	// the value is as in Retry-After, whole seconds or an HTTP date; "seconds" and "delta" are whole seconds from now, "ms"
	// whole milliseconds from now, "unix" whole seconds since 1970. Retry-After counts on 429, 503, 413 and 3xx, the others on
	// 429 alone, and all of them where a rule matched. The first that says something counts, Retry-After before all others.
	// Default ["retry-after"].
	Hints []Hint `toml:"hints"`
	// Rules move outcomes to another class; the first that matches counts. 401 and 407 are not sent again whatever a rule says:
	// they are refresh's. Default none.
	Rules []Rule `toml:"rules"`
	// Idempotent marks requests that may be sent twice although their method says otherwise. GET, HEAD, OPTIONS, TRACE, QUERY,
	// PUT, DELETE and requests with an Idempotency-Key are known to be. Default none.
	Idempotent cond.When `toml:"idempotent"`
	// Unsafe sends any request again after an outcome that leaves open whether it was processed: a POST may then be processed
	// twice. Default false.
	Unsafe bool `toml:"unsafe"`
	// AttemptHeader is a request header that carries the number of the attempt, from 1. Default none.
	AttemptHeader string `toml:"attempt_header"`
	// Budget bounds what all calls of the pipeline together send again to one host: in any window of 10 s a fifth of what is sent there,
	// and 100 resends (10 a second) on top. Beyond it the last outcome is returned, with the reason budget. A replay by refresh counts
	// and is never refused. Default { ratio = 0.2, floor = 10, window = "10s" }; { unlimited = true } lifts it.
	Budget pipeline.Budget `toml:"budget"`
	// HostCooldown has all calls of the pipeline heed what a host asked one of them: until then, but max_retry_after at most, none sends
	// anything there. They wait, and up to a tenth of what was asked for longer, so that they do not come back together. A call that
	// can't wait so long fails at once and sends nothing, with the reason host_cooldown. A 429, a 503 and an outcome that a rule matched
	// can ask. Default true.
	HostCooldown bool `toml:"host_cooldown"`
	// NestedHeader is a request header that tells the server that this service sends the request again itself where it fails, so that
	// the server need not. A call that came with it, or serves a request that did (pipeline.Serving), is not sent again, with the reason
	// nested: retries of several services do not multiply. Anybody can send that header, and switches off no more than that. Default
	// none.
	NestedHeader string `toml:"nested_header"`
}

// Rule moves the outcomes that match to a class.
type Rule struct {
	// Match is the condition on the outcome: request, call, response and error are visible.
	Match cond.OnOutcome `toml:"match"`
	// Class is what the outcome is taken for: "not_sent", "refused", "unknown", "processed" or "terminal". The first two are sent
	// again with any method, the third where that is safe, the last two never.
	Class pipeline.Class `toml:"class"`
}

// Jitter is how a wait is drawn.
type Jitter string

// The ways to draw a wait; see Config.Jitter.
const (
	JitterFull         Jitter = "full"
	JitterEqual        Jitter = "equal"
	JitterDecorrelated Jitter = "decorrelated"
	JitterNone         Jitter = "none"
)

// UnmarshalText accepts the known words only.
func (j *Jitter) UnmarshalText(text []byte) error {
	switch got := Jitter(text); got {
	case JitterFull, JitterEqual, JitterDecorrelated, JitterNone:
		*j = got
		return nil
	}
	return &pipeline.ConfigError{Message: fmt.Sprintf("unknown jitter %q", text), Advice: "one of full, equal, decorrelated, none"}
}

// Defaults returns the config of a table that says nothing.
func Defaults() Config {
	return Config{
		MaxAttempts: 3, Base: 200 * time.Millisecond, Multiplier: 2, MaxDelay: 10 * time.Second, Jitter: JitterFull,
		MaxRetryAfter: time.Minute, Hints: []Hint{{Name: retryAfter}}, Budget: pipeline.DefaultBudget(), HostCooldown: true,
	}
}

// Validate refuses values that could not work; its errors are pipeline.ConfigErrors, joined.
func (c Config) Validate() error {
	var errs []error
	if c.MaxAttempts < 1 || c.MaxAttempts > 100 {
		errs = append(errs, &pipeline.ConfigError{
			Path: "max_attempts", Message: "max_attempts must be from 1 to 100", Advice: "1 sends once and never again",
		})
	}
	if c.Base <= 0 {
		errs = append(errs, pipeline.Invalid("base", "base must be more than 0"))
	}
	if c.MaxDelay < c.Base {
		errs = append(errs, pipeline.Invalid("max_delay", "max_delay %s is below base %s", c.MaxDelay, c.Base))
	}
	if !(c.Multiplier >= 1) || math.IsInf(c.Multiplier, 0) { // the negation refuses NaN
		errs = append(errs, pipeline.Invalid("multiplier", "multiplier must be at least 1: waits do not shrink"))
	}
	if c.MaxRetryAfter <= 0 {
		errs = append(errs, &pipeline.ConfigError{
			Path: "max_retry_after", Message: "max_retry_after must be more than 0", Advice: "hints = [] keeps retry from reading what servers ask for",
		})
	}
	if c.MaxElapsed < 0 {
		errs = append(errs, pipeline.Invalid("max_elapsed", `max_elapsed must not be negative: "0s" leaves it to the call's deadline`))
	}
	for i, r := range c.Rules {
		if r.Match.IsZero() {
			errs = append(errs, pipeline.Invalid(fmt.Sprintf("rules[%d]", i), "the rule has no match"))
		}
		if r.Class == "" {
			errs = append(errs, pipeline.Invalid(fmt.Sprintf("rules[%d]", i), "the rule has no class"))
		}
	}
	return errors.Join(append(errs, c.checkBudget(), checkHeader("attempt_header", c.AttemptHeader, "the attempt", "X-Retry-Attempt"),
		checkHeader("nested_header", c.NestedHeader, "this", "X-Retry-Owner"), c.checkHeaders())...)
}

// checkBudget places the budget's mistakes in this table.
func (c Config) checkBudget() error {
	err := c.Budget.Validate()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var placed []error
	for _, err := range joined.Unwrap() {
		own, ok := errors.AsType[*pipeline.ConfigError](err)
		if !ok {
			placed = append(placed, err)
			continue
		}
		at := *own
		at.Path = strings.TrimSuffix("budget."+own.Path, ".")
		placed = append(placed, &at)
	}
	return errors.Join(placed...)
}

// checkHeaders refuses one header for two meanings.
func (c Config) checkHeaders() error {
	if c.NestedHeader == "" || !strings.EqualFold(c.NestedHeader, c.AttemptHeader) {
		return nil
	}
	return pipeline.Invalid("nested_header", "nested_header and attempt_header are the same header")
}

// checkHeader refuses a header that means something to HTTP or carries a credential.
func checkHeader(key, header, what, example string) error {
	name := http.CanonicalHeaderKey(header)
	switch {
	case header == "":
		return nil
	case !credential.IsToken(header):
		return pipeline.Invalid(key, "%q is no header name", header)
	case strings.HasPrefix(name, "Content-"), strings.HasPrefix(name, "Proxy-"), strings.HasPrefix(name, "If-"):
	default:
		switch name {
		case "Host", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Http2-Settings", "Range",
			"Authorization", "Cookie", "Idempotency-Key", "X-Idempotency-Key", "X-Api-Key", "Date", "Accept", "Accept-Encoding":
		default:
			return nil
		}
	}
	return &pipeline.ConfigError{
		Path: key, Message: fmt.Sprintf("%s has a meaning of its own and can't carry %s", name, what), Advice: fmt.Sprintf("use a name such as %q", example),
	}
}
