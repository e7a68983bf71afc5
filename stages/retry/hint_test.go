package retry

import (
	"math"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAsked(t *testing.T) {
	const never = time.Duration(math.MaxInt64)
	for _, tt := range []struct {
		name   string
		hints  []string // default: retry-after
		header http.Header
		want   time.Duration
		by     string
	}{
		{name: "nothing", header: http.Header{}},
		{name: "seconds", header: after("120"), want: 2 * time.Minute, by: "Retry-After"},
		{name: "zero", header: after("0")},
		{name: "leading zeros", header: after("007"), want: 7 * time.Second, by: "Retry-After"},
		{name: "space around", header: after(" 1\t"), want: time.Second, by: "Retry-After"},
		{name: "negative", header: after("-1")},
		{name: "signed", header: after("+1")},
		{name: "fraction", header: after("1.5")},
		{name: "exponent", header: after("1e3")},
		{name: "hexadecimal", header: after("0x10")},
		{name: "other digits", header: after("١")},
		{name: "with a unit", header: after("1s")},
		{name: "empty", header: after("")},
		{name: "junk", header: after("soon")},
		{name: "list", header: after("1, 2")},
		{name: "the longest of two", header: after("1", "3"), want: 3 * time.Second, by: "Retry-After"},
		{name: "largest that fits", header: after("9223372036"), want: 9223372036 * time.Second, by: "Retry-After"},
		{name: "overflow", header: after("9223372037"), want: never, by: "Retry-After"},
		{name: "overflow of an integer", header: after("9223372036854775808"), want: never, by: "Retry-After"},
		{name: "forty digits", header: after(strings.Repeat("9", 40)), want: never, by: "Retry-After"},

		{name: "IMF-fixdate", header: after("Sun, 01 Mar 2026 12:00:30 GMT"), want: 30 * time.Second, by: "Retry-After"},
		{name: "RFC 850", header: after("Sunday, 01-Mar-26 12:00:30 GMT"), want: 30 * time.Second, by: "Retry-After"},
		{name: "asctime", header: after("Sun Mar  1 12:00:30 2026"), want: 30 * time.Second, by: "Retry-After"},
		{name: "in the past", header: after("Sun, 01 Mar 2026 11:59:30 GMT")},
		{name: "another zone", header: after("Sunday, 01-Mar-26 12:00:30 PST")},
		{name: "a date that is none", header: after("Sun, 31 Feb 2026 12:00:30 GMT")},
		{name: "far in the future", header: after("Fri, 31 Dec 9999 23:59:59 GMT"), want: never, by: "Retry-After"},
		{name: "server an hour ahead", header: dated("Sun, 01 Mar 2026 13:00:00 GMT", "Sun, 01 Mar 2026 13:00:30 GMT"), want: 30 * time.Second, by: "Retry-After"},
		{name: "server an hour behind", header: dated("Sunday, 01-Mar-26 11:00:00 GMT", "Sun Mar  1 11:00:30 2026"), want: 30 * time.Second, by: "Retry-After"},
		{name: "its Date is junk", header: dated("today", "Sun, 01 Mar 2026 12:00:30 GMT"), want: 30 * time.Second, by: "Retry-After"},
		{name: "Date has no say over seconds", header: dated("Sun, 01 Mar 2026 13:00:00 GMT", "5"), want: 5 * time.Second, by: "Retry-After"},

		{name: "not asked for", header: http.Header{"X-Ratelimit-Reset": {"5"}}},
		{name: "not believed", hints: []string{"x-reset:delta"}, header: after("5")},
		{name: "none believed", hints: []string{}, header: after("5")},
		{name: "unix", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"1772366430"}}, want: 30 * time.Second, by: "X-Ratelimit-Reset"},
		{name: "unix, relative to Date", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"1772366430"}, "Date": {"Sun, 01 Mar 2026 12:00:10 GMT"}}, want: 20 * time.Second, by: "X-Ratelimit-Reset"},
		{name: "unix, in the past", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"1772366370"}}},
		{name: "unix, overflow", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"99999999999999999999"}}, want: never, by: "X-Ratelimit-Reset"},
		{name: "unix is no date", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"Sun, 01 Mar 2026 12:00:30 GMT"}}},
		{name: "delta", hints: []string{"x-reset:delta"}, header: http.Header{"X-Reset": {"3"}}, want: 3 * time.Second, by: "X-Reset"},
		{name: "seconds by name", hints: []string{"x-reset:seconds"}, header: http.Header{"X-Reset": {"3"}}, want: 3 * time.Second, by: "X-Reset"},
		{name: "delta, fraction", hints: []string{"x-reset:delta"}, header: http.Header{"X-Reset": {"0.5"}}},
		{name: "ms", hints: []string{"retry-after-ms:ms"}, header: http.Header{"Retry-After-Ms": {"1500"}}, want: 1500 * time.Millisecond, by: "Retry-After-Ms"},
		{name: "ms, overflow", hints: []string{"retry-after-ms:ms"}, header: http.Header{"Retry-After-Ms": {"9223372036855"}}, want: never, by: "Retry-After-Ms"},
		{name: "ms, negative", hints: []string{"retry-after-ms:ms"}, header: http.Header{"Retry-After-Ms": {"-1500"}}},
		{name: "ms, fraction", hints: []string{"retry-after-ms:ms"}, header: http.Header{"Retry-After-Ms": {"1500.5"}}},
		{name: "unix, negative", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"-1772366430"}}},
		{name: "unix, fraction", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"1772366430.5"}}},
		{name: "unix, the last second before overflow", hints: []string{"x-ratelimit-reset:unix"}, header: http.Header{"X-Ratelimit-Reset": {"9223372035"}}, want: (9223372035 - 1772366400) * time.Second, by: "X-Ratelimit-Reset"},
		{name: "delta, overflow", hints: []string{"x-reset:delta"}, header: http.Header{"X-Reset": {"9223372037"}}, want: never, by: "X-Reset"},
		{name: "delta, negative", hints: []string{"x-reset:delta"}, header: http.Header{"X-Reset": {"-3"}}},
		{name: "delta is no date", hints: []string{"x-reset:delta"}, header: http.Header{"X-Reset": {"Sun, 01 Mar 2026 12:00:30 GMT"}}},
		{name: "delta, Date has no say", hints: []string{"x-reset:delta"}, header: http.Header{"X-Reset": {"3"}, "Date": {"Sun, 01 Mar 2026 13:00:00 GMT"}}, want: 3 * time.Second, by: "X-Reset"},
		{name: "Retry-After before all others", hints: []string{"x-reset:delta", "retry-after"}, header: http.Header{"X-Reset": {"3"}, "Retry-After": {"9"}}, want: 9 * time.Second, by: "Retry-After"},
		{name: "the next where the first says nothing", hints: []string{"retry-after", "x-a:delta", "x-b:delta"}, header: http.Header{"X-A": {"junk"}, "X-B": {"3"}, "Retry-After": {"x"}}, want: 3 * time.Second, by: "X-B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Defaults()
			if tt.hints != nil {
				c.Hints = hints(t, tt.hints...)
			}
			got, by := c.Asked(tt.header, noon)
			if got != tt.want || by != tt.by {
				t.Errorf("got %s by %q, want %s by %q", got, by, tt.want, tt.by)
			}
		})
	}
}

func after(values ...string) http.Header { return http.Header{"Retry-After": values} }

func dated(date, value string) http.Header {
	return http.Header{"Date": {date}, "Retry-After": {value}}
}

func hints(t *testing.T, texts ...string) []Hint {
	t.Helper()
	list := make([]Hint, len(texts))
	for i, text := range texts {
		if err := list[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func TestHintText(t *testing.T) {
	for text, want := range map[string]Hint{
		"retry-after":            {Name: "Retry-After"},
		"X-RateLimit-Reset:unix": {Name: "X-Ratelimit-Reset", Unit: UnitUnix},
		"a:ms":                   {Name: "A", Unit: UnitMillis},
	} {
		got := hints(t, text)[0]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		back, err := got.MarshalText()
		if err != nil || string(back) != strings.ToLower(text) {
			t.Errorf("%s is written as %s (%v)", text, back, err)
		}
	}
	for _, text := range []string{"", ":unix", "a b", "a:", "a:minutes", "a:unix:ms", "ä"} {
		var h Hint
		if err := h.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %+v", text, h)
		}
	}
}

func TestHeeds(t *testing.T) {
	for status, want := range map[int]bool{429: true, 503: true, 413: true, 301: true, 307: true, 0: false, 200: false, 403: false, 500: false, 502: false} {
		if Heeds(status) != want {
			t.Errorf("Heeds(%d) = %t", status, !want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-1", "1.5", "9223372037", "99999999999999999999", "Sun, 01 Mar 2026 12:00:30 GMT", "Sunday, 01-Mar-26 12:00:30 GMT", "Sun Mar  1 12:00:30 2026", "", "x"} {
		f.Add(s, s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, value, date string, unit uint8) {
		units := []Unit{"", UnitSeconds, UnitDelta, UnitMillis, UnitUnix}
		h := Hint{Name: "X", Unit: units[int(unit)%len(units)]}
		header := http.Header{"X": {value}, "Date": {date}}
		got := h.read(value, header, noon)
		if got < 0 {
			t.Errorf("%q asks for %s", value, got)
		}
		if got > 0 && strings.ContainsAny(value, "-+.") && h.Unit != "" {
			t.Errorf("%q is no whole number and asks for %s", value, got)
		}
		if want, ok := readPlainly(value, h.Unit, header); ok && got != want {
			t.Errorf("%q in %q asks for %s, want %s", value, h.Unit, got, want)
		}
		a := failed()
		a.Asked, a.Bounded, a.Spread = got, false, 1
		if d := Decide(Defaults(), a); d.Retry && d.Delay < got || d.Delay > 2*time.Minute {
			t.Errorf("asked for %s: %+v", got, d)
		}
	})
}

// readPlainly reads whole numbers once more, with numbers that can't overflow; ok is false for what is none.
func readPlainly(value string, unit Unit, header http.Header) (want time.Duration, ok bool) {
	value = strings.Trim(value, " \t")
	if value == "" || strings.Trim(value, "0123456789") != "" {
		return 0, false
	}
	n, _ := new(big.Int).SetString(value, 10)
	scale := time.Second
	if unit == UnitMillis {
		scale = time.Millisecond
	}
	n.Mul(n, big.NewInt(int64(scale)))
	if unit == UnitUnix {
		if n.Cmp(big.NewInt(math.MaxInt64-int64(time.Second))) >= 0 {
			return 0, false // beyond 2262 it is long enough
		}
		n.Sub(n, big.NewInt(present(header, noon).UnixNano()))
	}
	switch {
	case n.Sign() < 0:
		return 0, true
	case !n.IsInt64():
		return math.MaxInt64, true
	}
	return time.Duration(n.Int64()), true
}

// FuzzHint: what can be read of `hints` can be written, and means the same then; what is asked for is never less than nothing.
func FuzzHint(f *testing.F) {
	for _, s := range []string{"retry-after", "x-ratelimit-reset:unix", "X-Reset:delta", "a:ms", ":unix", "a:", "a:b:c", "a b", "ä:ms"} {
		f.Add(s, "12")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		var h, again Hint
		if h.UnmarshalText([]byte(text)) != nil {
			return
		}
		back, err := h.MarshalText()
		if err != nil || again.UnmarshalText(back) != nil || again != h {
			t.Errorf("%q is read as %+v, written as %q and read as %+v (%v)", text, h, back, again, err)
		}
		c := Defaults()
		c.Hints = []Hint{h}
		if wait, by := c.Asked(http.Header{h.Name: {value}}, noon); wait < 0 || (wait > 0) != (by == h.Name) {
			t.Errorf("%q: %q asks for %s by %q", text, value, wait, by)
		}
	})
}
