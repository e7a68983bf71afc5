package retry

import (
	"math"
	"net/http"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// Why an outcome is not sent again, in the order in which the questions are asked.
const (
	ReasonProcessed    = "processed"            // it failed, but it was processed
	ReasonCanceled     = "canceled"             // the caller gave up
	ReasonDeadline     = "deadline"             // a deadline has passed
	ReasonTerminal     = "terminal"             // sending again can't help
	ReasonMaxAttempts  = "max_attempts"         // it was sent as often as it may be
	ReasonUnsafeMethod = "unsafe_method"        // it may have been processed, and doing it twice is not harmless
	ReasonDisabled     = "disabled"             // the caller asked for NoRetry
	ReasonBody         = "body"                 // the request's body was read and can't be had again
	ReasonNested       = "nested"               // an outer stage, or a pipeline around this one, sends the call again
	ReasonTooLong      = "retry_after_too_long" // the server asks for a longer wait than max_retry_after
	ReasonNoTimeLeft   = "no_time_left"         // the wait would end after the deadline, or after max_elapsed
	ReasonBudget       = "budget"               // too much of what goes to that host are resends already
	ReasonHostCooldown = "host_cooldown"        // the host asked to be left alone for longer than the call can wait
)

// Attempt is all that a decision is made from: what came of the latest attempt, and how the call stands.
type Attempt struct {
	Status     int            // of the answer; 0: there was none
	Class      pipeline.Class // of the outcome, rules applied
	Kind       pipeline.Kind  // "" for success
	Ended      string         // ReasonCanceled or ReasonDeadline once the call's context has ended, else ""
	Attempts   int            // of the call so far, this one included
	Idempotent bool           // sending it twice does no more than sending it once
	Disabled   bool           // the caller asked for NoRetry
	Replayable bool           // the request can be built again
	Asked      time.Duration  // how long the server, a cooling session or host asks to wait; 0: nobody does
	Elapsed    time.Duration  // since the call began
	Bounded    bool           // the call's context has a deadline
	Remaining  time.Duration  // until that deadline
	Previous   time.Duration  // the wait before this attempt; 0: it was the first
	Jitter     float64        // a random number from [0, 1): draws the wait
	Spread     float64        // a random number from [0, 1): keeps callers who were asked to wait alike from coming back alike
	OverBudget bool           // the budget has no token; it is asked for one only if nothing else stands against a resend
}

// Decision is whether to send again, and when, or why not. Of a success, the zero Decision.
type Decision struct {
	Retry  bool
	Delay  time.Duration // before the next attempt; also given with ReasonNoTimeLeft
	Reason string        // why not; "" if Retry
}

// Decide decides by the config's limits. It is a pure function: the same attempt gives the same decision.
func Decide(c Config, a Attempt) Decision { return decide(&c, &a) }

func decide(c *Config, a *Attempt) Decision {
	switch {
	case a.Class == pipeline.ClassProcessed && a.Kind == "":
		return Decision{}
	case a.Class == pipeline.ClassProcessed:
		return Decision{Reason: ReasonProcessed}
	case a.Ended != "":
		return Decision{Reason: a.Ended}
	case !mayHelp(a):
		return Decision{Reason: ReasonTerminal}
	case a.Attempts >= c.MaxAttempts:
		return Decision{Reason: ReasonMaxAttempts}
	case a.Class == pipeline.ClassUnknown && !a.Idempotent && !c.Unsafe:
		return Decision{Reason: ReasonUnsafeMethod}
	case a.Disabled:
		return Decision{Reason: ReasonDisabled}
	case !a.Replayable:
		return Decision{Reason: ReasonBody}
	case a.Asked > c.MaxRetryAfter:
		return Decision{Reason: ReasonTooLong}
	}
	d := delay(c, a)
	if a.Bounded && d >= a.Remaining || c.MaxElapsed > 0 && d > c.MaxElapsed-a.Elapsed {
		return Decision{Delay: d, Reason: ReasonNoTimeLeft}
	}
	if a.OverBudget {
		return Decision{Reason: ReasonBudget}
	}
	return Decision{Retry: true, Delay: d}
}

// mayHelp reports whether sending the same again could come out better. 401 and 407 license one replay, which is refresh's.
func mayHelp(a *Attempt) bool {
	if a.Status == http.StatusUnauthorized || a.Status == http.StatusProxyAuthRequired {
		return false
	}
	return a.Class == pipeline.ClassNotSent || a.Class == pipeline.ClassRefused || a.Class == pipeline.ClassUnknown
}

// delay draws the wait before the next attempt. Nothing in it can overflow.
func delay(c *Config, a *Attempt) time.Duration {
	d := jittered(c, a)
	if a.Asked <= 0 {
		return d
	}
	d = max(d, a.Asked)
	return d + min(portion(a.Asked/10, a.Spread), math.MaxInt64-d)
}

func jittered(c *Config, a *Attempt) time.Duration {
	if c.Jitter == JitterDecorrelated {
		before := float64(max(a.Previous, c.Base))
		top := duration(math.Min(before*3, float64(c.MaxDelay)))
		return c.Base + portion(max(0, top-c.Base), a.Jitter)
	}
	grown := float64(c.Base) * math.Pow(c.Multiplier, float64(max(a.Attempts, 1)-1))
	b := duration(math.Min(grown, float64(c.MaxDelay)))
	switch c.Jitter {
	case JitterNone:
		return b
	case JitterEqual:
		return b - b/2 + portion(b/2, a.Jitter)
	}
	return portion(b, a.Jitter)
}

// portion returns the part of d that a random number from [0, 1) draws.
func portion(d time.Duration, random float64) time.Duration {
	return min(d, duration(float64(d)*math.Max(0, math.Min(random, 1))))
}

// duration converts nanoseconds and saturates.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}
