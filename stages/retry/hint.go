package retry

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

const retryAfter = "Retry-After"

// Hint is a response header that may ask to wait.
type Hint struct {
	Name string // in canonical form
	Unit Unit
}

// Unit says how a hint's value is read; "" is as Retry-After is: whole seconds, or an HTTP date.
type Unit string

// The units.
const (
	UnitSeconds Unit = "seconds" // whole seconds from now
	UnitDelta   Unit = "delta"   // the same, by the name that rate-limit headers have for it
	UnitMillis  Unit = "ms"      // whole milliseconds from now
	UnitUnix    Unit = "unix"    // whole seconds since 1970
)

// UnmarshalText reads "name" or "name:unit".
func (h *Hint) UnmarshalText(text []byte) error {
	name, unit, given := strings.Cut(string(text), ":")
	if !credential.IsToken(name) {
		return &pipeline.ConfigError{Message: fmt.Sprintf("%q is no header name", name), Advice: `as in "retry-after" or "x-ratelimit-reset:unix"`}
	}
	switch Unit(unit) {
	case UnitSeconds, UnitDelta, UnitMillis, UnitUnix:
	default:
		if given {
			return &pipeline.ConfigError{Message: fmt.Sprintf("unknown unit %q", unit), Advice: "one of seconds, delta, ms, unix, or none"}
		}
	}
	*h = Hint{Name: http.CanonicalHeaderKey(name), Unit: Unit(unit)}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (h Hint) MarshalText() ([]byte, error) {
	if h.Unit == "" {
		return []byte(strings.ToLower(h.Name)), nil
	}
	return []byte(strings.ToLower(h.Name) + ":" + string(h.Unit)), nil
}

// Asked returns how long a response's headers ask to wait, and which header does: 0 and "" where none says anything that can be
// made out. A moment is taken relative to the response's own Date, so that a skewed clock on either side cancels; without one,
// to now. Values too large to be a duration saturate. It does not look at the status; see [Heeds].
func (c Config) Asked(h http.Header, now time.Time) (wait time.Duration, by string) {
	return c.asked(h, now, true)
}

// asked is Asked, with Retry-After alone unless all hints count. Servers send rate-limit headers with every answer: on a 503 they
// would make it wait for a window that has nothing to do with it.
func (c Config) asked(h http.Header, now time.Time, all bool) (wait time.Duration, by string) {
	if len(h) == 0 {
		return 0, ""
	}
	for _, first := range [2]bool{true, false} {
		for _, hint := range c.Hints {
			if (hint.Name == retryAfter) != first || !first && !all {
				continue
			}
			for _, value := range h[hint.Name] {
				wait = max(wait, hint.read(value, h, now))
			}
			if wait > 0 {
				return wait, hint.Name
			}
		}
	}
	return 0, ""
}

// Heeds reports whether a request to wait counts on an answer with this status (RFC 9110 §10.2.3, and 413 and 429).
func Heeds(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusRequestEntityTooLarge:
		return true
	}
	return status >= 300 && status < 400
}

// read returns what value asks for, 0 where it asks for nothing or can't be made out.
func (h Hint) read(value string, header http.Header, now time.Time) time.Duration {
	value = strings.Trim(value, " \t")
	n, whole := digits(value)
	switch {
	case whole && h.Unit == UnitMillis:
		return times(n, time.Millisecond)
	case whole && h.Unit == UnitUnix:
		if n >= math.MaxInt64/int64(time.Second) { // beyond the year 2262, where a duration from 1970 ends
			return math.MaxInt64
		}
		return max(0, time.Unix(n, 0).Sub(present(header, now)))
	case whole:
		return times(n, time.Second)
	case h.Unit != "":
		return 0
	}
	at, ok := date(value)
	if !ok {
		return 0
	}
	return max(0, at.Sub(present(header, now)))
}

// present is the moment at which the server made its answer, by the clock that it reckons with.
func present(h http.Header, now time.Time) time.Time {
	if at, ok := date(h.Get("Date")); ok {
		return at
	}
	return now
}

// date reads the three forms of an HTTP date (RFC 9110 §5.6.7).
func date(value string) (time.Time, bool) {
	if len(value) < len(time.ANSIC) {
		return time.Time{}, false
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}, false
	}
	if strings.Contains(value, "-") { // RFC 850, for which ParseTime takes any zone
		if !strings.HasSuffix(value, " GMT") {
			return time.Time{}, false
		}
	}
	return at, true
}

// digits reads 1*DIGIT and saturates; ok is false for anything else.
func digits(s string) (n int64, ok bool) {
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(d)
	}
	return n, s != ""
}

func times(n int64, unit time.Duration) time.Duration {
	if n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
