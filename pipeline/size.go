package pipeline

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as "64KiB", "1MiB" or "1000B".
type Size int64

// UnmarshalText reads a size; the unit is one of B, KiB, MiB, GiB.
func (s *Size) UnmarshalText(text []byte) error {
	str := string(text)
	units := []struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}
	for _, u := range units {
		digits, ok := strings.CutSuffix(str, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.factor {
			break
		}
		*s = Size(n * u.factor)
		return nil
	}
	return &ConfigError{Message: fmt.Sprintf("%q is no size", str), Advice: `a whole number with B, KiB, MiB or GiB, as in "64KiB"`}
}

// MarshalText writes the size in the largest unit that divides it.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String returns what MarshalText writes.
func (s Size) String() string {
	switch {
	case s >= 1<<30 && s%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", s>>30)
	case s >= 1<<20 && s%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", s>>20)
	case s >= 1<<10 && s%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", s>>10)
	}
	return fmt.Sprintf("%dB", int64(s))
}
