package vectors_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/stages/retry"
)

type afterIn struct {
	Status  int         `json:"status"`
	Rule    bool        `json:"rule"`
	Hints   []string    `json:"hints"`
	Headers http.Header `json:"headers"`
	Now     time.Time   `json:"now"`
}

type afterOut struct {
	Asked millis `json:"asked_ms"`
	By    string `json:"by"`
}

func retryAfter() file {
	cases := slices.Concat(afterSeconds(), afterDates(), afterHints(), afterStatuses())
	return table[afterIn, afterOut]{
		file: "retry-after.json",
		text: "How long an answer asks retry to wait, and which header does; 0 and \"\" if none does. hints is the key of [stages.retry]; rule says that one of its rules " +
			"matched the answer; now is the caller's clock when the answer came.",
		rules: []string{"retry.retry_after", "retry.retry_after_forms", "retry.hints"},
		run:   runAfter,
		check: checkAfter,
		cases: cases,
	}
}

// noon is now in every case; as seconds since 1970 it is 1772366400.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const byRetryAfter = "Retry-After"

// answered is a 429 at noon with a Retry-After for each value.
func answered(values ...string) afterIn {
	return afterIn{Status: 429, Hints: []string{"retry-after"}, Headers: http.Header{byRetryAfter: values}, Now: noon}
}

func nobody() *afterOut { return &afterOut{} }

func asks(m millis) *afterOut { return &afterOut{m, byRetryAfter} }

func afterSeconds() []sample[afterIn, afterOut] {
	return []sample[afterIn, afterOut]{
		{"no header", afterIn{Status: 429, Hints: []string{"retry-after"}, Headers: http.Header{"Content-Length": {"0"}}, Now: noon}, nobody()},
		{"seconds", answered("120"), asks(120_000)},
		{"zero asks for nothing", answered("0"), nobody()},
		{"leading zeros", answered("007"), asks(7000)},
		{"space around", answered(" 1\t"), asks(1000)},
		{"negative", answered("-1"), nobody()},
		{"signed", answered("+1"), nobody()},
		{"fraction", answered("1.5"), nobody()},
		{"comma for a point", answered("1,5"), nobody()},
		{"exponent", answered("1e3"), nobody()},
		{"hexadecimal", answered("0x10"), nobody()},
		{"digits of another script", answered("١"), nobody()},
		{"with a unit", answered("1s"), nobody()},
		{"empty", answered(""), nobody()},
		{"junk", answered("soon"), nobody()},
		{"quoted", answered(`"1"`), nobody()},
		{"a list in one line", answered("1, 2"), nobody()},
		{"the longest of two lines", answered("1", "3"), asks(3000)},
		{"one line of two is junk", answered("soon", "3"), asks(3000)},
		{"the most seconds that 64 bits of nanoseconds hold", answered("9223372036"), asks(9_223_372_036_000)},
		{"a second more saturates", answered("9223372037"), asks(never)},
		{"beyond 64 bits", answered("9223372036854775808"), asks(never)},
		{"beyond 64 bits, unsigned", answered("18446744073709551617"), asks(never)},
		{"forty digits", answered(strings.Repeat("9", 40)), asks(never)},
	}
}

// afterDates reckons by hand from noon, and from the Date that an answer carries.
func afterDates() []sample[afterIn, afterOut] {
	dated := func(date, value string) afterIn {
		in := answered(value)
		in.Headers["Date"] = []string{date}
		return in
	}
	return []sample[afterIn, afterOut]{
		{"IMF-fixdate", answered("Sun, 01 Mar 2026 12:00:30 GMT"), asks(30_000)},
		{"RFC 850", answered("Sunday, 01-Mar-26 12:00:30 GMT"), asks(30_000)},
		{"asctime", answered("Sun Mar  1 12:00:30 2026"), asks(30_000)},
		{"tomorrow", answered("Mon, 02 Mar 2026 12:00:00 GMT"), asks(86_400_000)},
		{"over a leap day", answered("Wed, 01 Mar 2028 12:00:00 GMT"), asks(731 * 86_400_000)},
		{"the present moment asks for nothing", answered("Sun, 01 Mar 2026 12:00:00 GMT"), nobody()},
		{"in the past", answered("Sun, 01 Mar 2026 11:59:30 GMT"), nobody()},
		{"RFC 850 in the last century", answered("Sunday, 06-Nov-94 08:49:37 GMT"), nobody()},
		{"RFC 850 in another zone", answered("Sunday, 01-Mar-26 12:00:30 PST"), nobody()},
		{"IMF-fixdate in another zone", answered("Sun, 01 Mar 2026 12:00:30 +0100"), nobody()},
		{"a day that no month has", answered("Sun, 31 Feb 2026 12:00:30 GMT"), nobody()},
		{"RFC 3339 is no HTTP date", answered("2026-03-01T12:00:30Z"), nobody()},
		{"beyond 292 years", answered("Fri, 31 Dec 9999 23:59:59 GMT"), asks(never)},
		{"a date before a shorter number", answered("Sun, 01 Mar 2026 12:00:30 GMT", "5"), asks(30_000)},
		{"a server an hour ahead", dated("Sun, 01 Mar 2026 13:00:00 GMT", "Sun, 01 Mar 2026 13:00:30 GMT"), asks(30_000)},
		{"a server an hour behind", dated("Sunday, 01-Mar-26 11:00:00 GMT", "Sun Mar  1 11:00:30 2026"), asks(30_000)},
		{"past by the server's clock", dated("Sun, 01 Mar 2026 13:00:00 GMT", "Sun, 01 Mar 2026 12:30:00 GMT"), nobody()},
		{"its Date is junk", dated("today", "Sun, 01 Mar 2026 12:00:30 GMT"), asks(30_000)},
		{"Date has no say over seconds", dated("Sun, 01 Mar 2026 13:00:00 GMT", "5"), asks(5000)},
	}
}

func afterHints() []sample[afterIn, afterOut] {
	hinted := func(header http.Header, hints ...string) afterIn {
		return afterIn{Status: 429, Hints: append([]string{}, hints...), Headers: header, Now: noon}
	}
	const reset = "X-Ratelimit-Reset"
	return []sample[afterIn, afterOut]{
		{"not among the hints", hinted(http.Header{reset: {"5"}}, "retry-after"), nobody()},
		{"Retry-After is not believed", hinted(http.Header{byRetryAfter: {"5"}}, "x-ratelimit-reset:delta"), nobody()},
		{"nothing is believed", hinted(http.Header{byRetryAfter: {"5"}}), nobody()},
		{"unix", hinted(http.Header{reset: {"1772366430"}}, "x-ratelimit-reset:unix"), &afterOut{30_000, reset}},
		{"unix, by the server's Date", hinted(http.Header{reset: {"1772366430"}, "Date": {"Sun, 01 Mar 2026 12:00:10 GMT"}}, "x-ratelimit-reset:unix"), &afterOut{20_000, reset}},
		{"unix, in the past", hinted(http.Header{reset: {"1772366370"}}, "x-ratelimit-reset:unix"), nobody()},
		{"unix, zero", hinted(http.Header{reset: {"0"}}, "x-ratelimit-reset:unix"), nobody()},
		{"unix, a fraction", hinted(http.Header{reset: {"1772366430.5"}}, "x-ratelimit-reset:unix"), nobody()},
		{"unix, milliseconds by mistake", hinted(http.Header{reset: {"1772366430000"}}, "x-ratelimit-reset:unix"), &afterOut{never, reset}},
		{"unix, overflow", hinted(http.Header{reset: {"99999999999999999999"}}, "x-ratelimit-reset:unix"), &afterOut{never, reset}},
		{"unix is no date", hinted(http.Header{reset: {"Sun, 01 Mar 2026 12:00:30 GMT"}}, "x-ratelimit-reset:unix"), nobody()},
		{"delta", hinted(http.Header{"Ratelimit-Reset": {"3"}}, "ratelimit-reset:delta"), &afterOut{3000, "Ratelimit-Reset"}},
		{"delta is seconds by another name", hinted(http.Header{"Ratelimit-Reset": {"3"}}, "ratelimit-reset:seconds"), &afterOut{3000, "Ratelimit-Reset"}},
		{"delta, a fraction", hinted(http.Header{"Ratelimit-Reset": {"0.5"}}, "ratelimit-reset:delta"), nobody()},
		{"delta is no date", hinted(http.Header{"Ratelimit-Reset": {"Sun, 01 Mar 2026 12:00:30 GMT"}}, "ratelimit-reset:delta"), nobody()},
		{"no unit: as Retry-After", hinted(http.Header{"Ratelimit-Reset": {"Sun, 01 Mar 2026 12:00:30 GMT"}}, "ratelimit-reset"), &afterOut{30_000, "Ratelimit-Reset"}},
		{"milliseconds", hinted(http.Header{"Retry-After-Ms": {"1500"}}, "retry-after-ms:ms"), &afterOut{1500, "Retry-After-Ms"}},
		{"milliseconds, overflow", hinted(http.Header{"Retry-After-Ms": {"9223372036855"}}, "retry-after-ms:ms"), &afterOut{never, "Retry-After-Ms"}},
		{"Retry-After before all others", hinted(http.Header{"Ratelimit-Reset": {"30"}, byRetryAfter: {"9"}}, "ratelimit-reset:delta", "retry-after"), asks(9000)},
		{"others where Retry-After is junk", hinted(http.Header{"Ratelimit-Reset": {"30"}, byRetryAfter: {"soon"}}, "retry-after", "ratelimit-reset:delta"), &afterOut{30_000, "Ratelimit-Reset"}},
		{"the first of the others that says something", hinted(http.Header{"X-A": {"junk"}, "X-B": {"3"}, "X-C": {"9"}}, "x-a:delta", "x-b:delta", "x-c:delta"), &afterOut{3000, "X-B"}},
	}
}

func afterStatuses() []sample[afterIn, afterOut] {
	var list []sample[afterIn, afterOut]
	both := http.Header{byRetryAfter: {"5"}, "Ratelimit-Reset": {"9"}}
	other := http.Header{"Ratelimit-Reset": {"9"}}
	for _, status := range []int{200, 202, 301, 302, 303, 307, 308, 400, 403, 404, 408, 409, 413, 421, 425, 429, 500, 501, 502, 503, 504, 529} {
		heard := status == 413 || status == 429 || status == 503 || status/100 == 3
		hints := []string{"retry-after", "ratelimit-reset:delta"}
		add := func(name string, rule bool, header http.Header, want *afterOut) {
			list = append(list, sample[afterIn, afterOut]{fmt.Sprintf("%d, %s", status, name), afterIn{status, rule, hints, header, noon}, want})
		}
		if heard {
			add("Retry-After", false, both, asks(5000))
		} else {
			add("Retry-After", false, both, nobody())
		}
		if status == 429 {
			add("another header", false, other, &afterOut{9000, "Ratelimit-Reset"})
		} else if heard {
			add("another header", false, other, nobody())
		}
		add("a rule matched", true, other, &afterOut{9000, "Ratelimit-Reset"})
	}
	return list
}

func afterConfig(t *testing.T, in afterIn) retry.Config {
	t.Helper()
	c := retry.Defaults()
	c.Hints = make([]retry.Hint, len(in.Hints))
	for i, text := range in.Hints {
		if err := c.Hints[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// runAfter reads the headers as the stage does, and checks that the stage waits as long.
func runAfter(t *testing.T, in afterIn) afterOut {
	c := afterConfig(t, in)
	var out afterOut
	if in.Rule || retry.Heeds(in.Status) {
		all := c
		if !in.Rule && in.Status != http.StatusTooManyRequests {
			all.Hints = slices.DeleteFunc(slices.Clone(c.Hints), func(h retry.Hint) bool { return h.Name != byRetryAfter })
		}
		asked, by := all.Asked(in.Headers, in.Now)
		out = afterOut{inMillis(t, asked), by}
	}
	if class := pipeline.ClassOfStatus(in.Status); in.Rule || class == pipeline.ClassRefused || class == pipeline.ClassUnknown {
		waited, sends := stageWait(t, c, in)
		switch want := out.Asked.duration(); {
		case want > patience && sends != 1:
			t.Errorf("%v: asked for %s, longer than max_retry_after, the stage sent %d times", in, want, sends)
		case want <= patience && (sends != 2 || waited != want):
			t.Errorf("%v: the stage sent %d times and waited %s, want 2 and %s", in, sends, waited, want)
		}
	}
	return out
}

// patience is the max_retry_after of the stage that checks: longer waits it refuses.
const patience = 3 * 365 * 24 * time.Hour

// stageWait gives the stage that answer at that moment, and returns how long it waits of its own: nothing is drawn at random.
func stageWait(t *testing.T, c retry.Config, in afterIn) (waited time.Duration, sends int) {
	c.MaxAttempts, c.MaxRetryAfter = 2, patience
	if in.Rule {
		always, err := cond.ParseBool[cond.OutcomeEnv]("true")
		if err != nil {
			t.Fatal(err)
		}
		c.Rules = []retry.Rule{{Match: always, Class: pipeline.ClassRefused}}
	}
	stage, err := retry.New(c, pipeline.Settings{Random: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(in.Now))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stage.Do(req, roundTrip(func(*http.Request) (*http.Response, error) {
			sends++
			return &http.Response{StatusCode: in.Status, Header: in.Headers, Body: http.NoBody}, nil
		})); err != nil {
			t.Error(err)
		}
		waited = time.Since(in.Now)
	})
	return waited, sends
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func checkAfter(in afterIn, out afterOut) string {
	switch believed := slices.ContainsFunc(in.Hints, func(h string) bool {
		name, _, _ := strings.Cut(h, ":")
		return strings.EqualFold(name, out.By)
	}); {
	case out.Asked < 0:
		return "it asks to go back in time"
	case (out.Asked == 0) != (out.By == ""):
		return "a wait without a header, or a header without a wait"
	case out.By != "" && !believed:
		return "by a header that is not believed"
	case out.By != "" && len(in.Headers[out.By]) == 0:
		return "by a header that is not there"
	case out.By != "" && !in.Rule && in.Status != 429 && in.Status != 503 && in.Status != 413 && in.Status/100 != 3:
		return "the status has no say"
	}
	return ""
}
