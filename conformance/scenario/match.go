package scenario

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

// Text is what a text must be: "this", or a table that says more.
type Text struct {
	is, not  *string
	contains []string
	lacks    []string
	oneOf    []string
	matches  *regexp.Regexp
	absent   bool
	length   *Count
}

// UnmarshalConfig reads a string, or a table with is, not, contains, lacks, one_of, matches, length or absent.
func (t *Text) UnmarshalConfig(value any) error {
	if s, ok := value.(string); ok {
		t.is = &s
		return nil
	}
	m, ok := value.(map[string]any)
	if !ok {
		return mistake("", `write "text" or { contains = "text" }`, "expected a string or a table, found %s", noun(value))
	}
	if len(m) == 0 {
		return mistake("", "", "the table expects nothing")
	}
	var errs []error
	for _, k := range slices.Sorted(maps.Keys(m)) {
		errs = append(errs, t.set(k, m[k]))
	}
	switch {
	case len(m) < 2:
	case t.absent:
		errs = append(errs, mistake("", "keep absent, or the rest", "what is absent is nothing else"))
	case t.is != nil:
		errs = append(errs, mistake("", "keep is, or the rest", "is says all: nothing can stand beside it"))
	}
	return errors.Join(errs...)
}

func (t *Text) set(k string, v any) (err error) {
	switch k {
	case "is":
		t.is, err = one(k, v)
	case "not":
		t.not, err = one(k, v)
	case "contains":
		t.contains, err = several(k, v)
	case "lacks":
		t.lacks, err = several(k, v)
	case "one_of":
		t.oneOf, err = several(k, v)
	case "matches":
		var s *string
		if s, err = one(k, v); err == nil {
			if t.matches, err = regexp.Compile(*s); err != nil {
				err = mistake(k, "the syntax is Go's: see go doc regexp/syntax", "%v", err)
			}
		}
	case "absent":
		var ok bool
		if t.absent, ok = v.(bool); !ok || !t.absent {
			err = mistake(k, "write absent = true", "expected true, found %s", noun(v))
		}
	case "length":
		t.length = new(Count)
		err = t.length.UnmarshalConfig(v)
	default:
		err = unknownKey(k, "is", "not", "contains", "lacks", "one_of", "matches", "length", "absent")
	}
	return err
}

// want says in words what is expected, and whether got is it.
func (t Text) check(got string, present bool) (want string, ok bool) {
	if t.absent {
		return "nothing", !present
	}
	if !present {
		return t.words(), false
	}
	ok = (t.is == nil || *t.is == got) && (t.not == nil || *t.not != got) && (t.matches == nil || t.matches.MatchString(got)) &&
		(len(t.oneOf) == 0 || slices.Contains(t.oneOf, got))
	for _, s := range t.contains {
		ok = ok && strings.Contains(got, s)
	}
	for _, s := range t.lacks {
		ok = ok && !strings.Contains(got, s)
	}
	if t.length != nil {
		_, fits := t.length.check(len(got))
		ok = ok && fits
	}
	return t.words(), ok
}

func (t Text) words() string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if t.is != nil {
		say("%q", *t.is)
	}
	if t.not != nil {
		say("not %q", *t.not)
	}
	for _, s := range t.contains {
		say("something with %q", s)
	}
	for _, s := range t.lacks {
		say("nothing with %q", s)
	}
	if len(t.oneOf) > 0 {
		say("one of %q", t.oneOf)
	}
	if t.matches != nil {
		say("what matches %s", t.matches)
	}
	if t.length != nil {
		want, _ := t.length.check(0)
		say("%s bytes", want)
	}
	return strings.Join(parts, " and ")
}

// Count is how many there must be: 2, or { min = 1, max = 3 }.
type Count struct{ min, max int64 }

const unbounded = int64(1) << 62

// UnmarshalConfig reads an integer, or a table with min, max or both.
func (c *Count) UnmarshalConfig(value any) error {
	low, high, err := bounds(value, "write 2 or { min = 1, max = 3 }", func(v any) (int64, error) {
		n, ok := v.(int64)
		if !ok {
			return 0, fmt.Errorf("expected an integer, found %s", noun(v))
		}
		if n < 0 {
			return 0, errors.New("there can't be fewer than 0")
		}
		return n, nil
	})
	c.min, c.max = low, high
	return err
}

func (c Count) check(got int) (want string, ok bool) {
	return spread(c.min, c.max, func(n int64) string { return strconv.FormatInt(n, 10) }), int64(got) >= c.min && int64(got) <= c.max
}

// Time is how long something must take: "1s", or { min = "1s", max = "2s" }.
type Time struct{ min, max int64 }

// UnmarshalConfig reads a duration, or a table with min, max or both.
func (t *Time) UnmarshalConfig(value any) error {
	low, high, err := bounds(value, `write "1s" or { min = "1s", max = "2s" }`, func(v any) (int64, error) {
		s, ok := v.(string)
		if !ok {
			return 0, fmt.Errorf(`expected a duration such as "1s", found %s`, noun(v))
		}
		d, err := time.ParseDuration(s)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%q is not a duration", s)
		case d < 0:
			return 0, errors.New("time does not run backwards")
		}
		return int64(d), nil
	})
	t.min, t.max = low, high
	return err
}

func (t Time) check(got time.Duration) (want string, ok bool) {
	return spread(t.min, t.max, func(n int64) string { return time.Duration(n).String() }), int64(got+slack) >= t.min && int64(got-slack) <= t.max
}

// bounds reads one value as both bounds, or a table with min and max.
func bounds(value any, hint string, read func(any) (int64, error)) (low, high int64, err error) {
	m, ok := value.(map[string]any)
	if !ok {
		n, err := read(value)
		if err != nil {
			return 0, 0, mistake("", hint, "%v", err)
		}
		return n, n, nil
	}
	var errs []error
	low, high = 0, unbounded
	for _, k := range slices.Sorted(maps.Keys(m)) {
		n, err := read(m[k])
		switch {
		case k != "min" && k != "max":
			errs = append(errs, unknownKey(k, "min", "max"))
		case err != nil:
			errs = append(errs, mistake(k, "", "%v", err))
		case k == "min":
			low = n
		default:
			high = n
		}
	}
	switch {
	case len(m) == 0:
		errs = append(errs, mistake("", hint, "the table expects nothing"))
	case low > high:
		errs = append(errs, mistake("", "", "min is more than max: nothing is in between"))
	case low == 0 && high == unbounded && len(errs) == 0:
		errs = append(errs, mistake("", "write a max, or a min above 0", "at least 0 is always so: this expects nothing"))
	}
	return low, high, errors.Join(errs...)
}

func spread(low, high int64, text func(int64) string) string {
	switch {
	case low == high:
		return text(low)
	case high == unbounded:
		return "at least " + text(low)
	case low == 0:
		return "at most " + text(high)
	}
	return text(low) + " to " + text(high)
}

// Kind is a pipeline.Kind, or "" for success.
type Kind string

// UnmarshalText accepts the known kinds and "".
func (k *Kind) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*k = ""
		return nil
	}
	return (*pipeline.Kind)(k).UnmarshalText(text)
}

func one(k string, v any) (*string, error) {
	s, ok := v.(string)
	if !ok {
		return nil, mistake(k, inQuotes(v), "expected a string, found %s", noun(v))
	}
	return &s, nil
}

func several(k string, v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil, mistake(k, inQuotes(item), "expected a string or a list of strings, found %s", noun(item))
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, mistake(k, "", "the list is empty")
	}
	return out, nil
}

func unknownKey(k string, known ...string) error {
	hint := "known keys: " + strings.Join(known, ", ")
	if near, ok := config.Nearest(k, known); ok {
		hint = "did you mean " + near + "?"
	}
	return mistake(k, hint, "unknown key %s", k)
}

// mistake is an error with its place below the value that is read, and a hint.
func mistake(path, hint, format string, args ...any) error {
	return &pipeline.ConfigError{Path: path, Message: fmt.Sprintf(format, args...), Advice: hint}
}

// inQuotes says how to write a value as a string.
func inQuotes(v any) string {
	switch v.(type) {
	case int64, float64, bool:
		return fmt.Sprintf(`write "%v"`, v)
	}
	return ""
}

func noun(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %q", v)
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprintf("%v", v)
}
