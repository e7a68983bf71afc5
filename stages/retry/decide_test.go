package retry

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
)

// failed is an attempt that passes every question of the gate.
func failed() Attempt {
	return Attempt{
		Status: 503, Class: pipeline.ClassUnknown, Kind: pipeline.KindServer, Attempts: 1, Idempotent: true, Replayable: true,
		Bounded: true, Remaining: time.Minute, Jitter: 0.5, Spread: 0.5,
	}
}

// TestGate asks each question alone, then each with all later ones failing too: the first that fails names the reason.
func TestGate(t *testing.T) {
	steps := []struct {
		reason string
		spoil  func(*Config, *Attempt)
	}{
		{ReasonProcessed, func(_ *Config, a *Attempt) { a.Class = pipeline.ClassProcessed }},
		{ReasonCanceled, func(_ *Config, a *Attempt) { a.Ended = ReasonCanceled }},
		{ReasonTerminal, func(_ *Config, a *Attempt) { a.Class = pipeline.ClassTerminal }},
		{ReasonMaxAttempts, func(_ *Config, a *Attempt) { a.Attempts = 3 }},
		{ReasonUnsafeMethod, func(_ *Config, a *Attempt) { a.Idempotent = false }},
		{ReasonDisabled, func(_ *Config, a *Attempt) { a.Disabled = true }},
		{ReasonBody, func(_ *Config, a *Attempt) { a.Replayable = false }},
		{ReasonTooLong, func(_ *Config, a *Attempt) { a.Asked = 61 * time.Second }},
		{ReasonNoTimeLeft, func(_ *Config, a *Attempt) { a.Remaining = time.Millisecond }},
		{ReasonBudget, func(_ *Config, a *Attempt) { a.OverBudget = true }},
	}
	if d := Decide(Defaults(), failed()); !d.Retry || d.Reason != "" || d.Delay != 100*time.Millisecond {
		t.Errorf("nothing spoiled: %+v", d)
	}
	for i, step := range steps {
		t.Run(step.reason, func(t *testing.T) {
			c, a := Defaults(), failed()
			step.spoil(&c, &a)
			if d := Decide(c, a); d.Retry || d.Reason != step.reason {
				t.Errorf("alone: %+v, want %s", d, step.reason)
			}
			c, a = Defaults(), failed()
			for j := len(steps) - 1; j >= i; j-- { // backwards: terminal and processed are said by the same field
				steps[j].spoil(&c, &a)
			}
			if d := Decide(c, a); d.Retry || d.Reason != step.reason {
				t.Errorf("before all later ones: %+v, want %s", d, step.reason)
			}
		})
	}
}

func TestDecideEdges(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Config, *Attempt)
		want Decision
	}{
		{"success", func(_ *Config, a *Attempt) { a.Class, a.Kind, a.Status = pipeline.ClassProcessed, "", 200 }, Decision{}},
		{"a success after the context ended", func(_ *Config, a *Attempt) { a.Class, a.Kind, a.Ended = pipeline.ClassProcessed, "", ReasonDeadline }, Decision{}},
		{"deadline", func(_ *Config, a *Attempt) { a.Ended = ReasonDeadline }, Decision{Reason: ReasonDeadline}},
		{"no class", func(_ *Config, a *Attempt) { a.Class = "" }, Decision{Reason: ReasonTerminal}},
		{"401", func(_ *Config, a *Attempt) { a.Class, a.Status = pipeline.ClassRefused, 401 }, Decision{Reason: ReasonTerminal}},
		{"a replay begins above the limit", func(_ *Config, a *Attempt) { a.Attempts = 4 }, Decision{Reason: ReasonMaxAttempts}},
		{"refused needs no idempotency", func(_ *Config, a *Attempt) { a.Class, a.Idempotent = pipeline.ClassRefused, false }, Decision{Retry: true, Delay: 100 * time.Millisecond}},
		{"not_sent neither", func(_ *Config, a *Attempt) { a.Class, a.Idempotent = pipeline.ClassNotSent, false }, Decision{Retry: true, Delay: 100 * time.Millisecond}},
		{"unsafe", func(c *Config, a *Attempt) { c.Unsafe, a.Idempotent = true, false }, Decision{Retry: true, Delay: 100 * time.Millisecond}},
		{"as long as may be asked", func(_ *Config, a *Attempt) { a.Asked, a.Remaining = time.Minute, time.Hour }, Decision{Retry: true, Delay: 63 * time.Second}},
		{"a nanosecond more", func(_ *Config, a *Attempt) { a.Asked, a.Remaining = time.Minute+1, time.Hour }, Decision{Reason: ReasonTooLong}},
		{"up to the deadline is too long", func(_ *Config, a *Attempt) { a.Remaining = 100 * time.Millisecond }, Decision{Delay: 100 * time.Millisecond, Reason: ReasonNoTimeLeft}},
		{"just before it", func(_ *Config, a *Attempt) { a.Remaining = 100*time.Millisecond + 1 }, Decision{Retry: true, Delay: 100 * time.Millisecond}},
		{"no deadline", func(_ *Config, a *Attempt) { a.Bounded, a.Remaining = false, 0 }, Decision{Retry: true, Delay: 100 * time.Millisecond}},
		{"max_elapsed fits", func(c *Config, a *Attempt) { c.MaxElapsed, a.Elapsed = time.Second, 900*time.Millisecond }, Decision{Retry: true, Delay: 100 * time.Millisecond}},
		{"max_elapsed does not", func(c *Config, a *Attempt) { c.MaxElapsed, a.Elapsed = time.Second, 900*time.Millisecond+1 }, Decision{Delay: 100 * time.Millisecond, Reason: ReasonNoTimeLeft}},
		{"long after max_elapsed", func(c *Config, a *Attempt) { c.MaxElapsed, a.Elapsed = time.Second, math.MaxInt64 }, Decision{Delay: 100 * time.Millisecond, Reason: ReasonNoTimeLeft}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, a := Defaults(), failed()
			tt.edit(&c, &a)
			if got := Decide(c, a); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDelay(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name          string
		jitter        Jitter
		attempts      int
		previous      time.Duration
		random        float64
		asked         time.Duration
		want, largest time.Duration // largest: of the config's max_delay, 10s by default
	}{
		{name: "none, first", jitter: JitterNone, attempts: 1, want: 200 * ms},
		{name: "none, second", jitter: JitterNone, attempts: 2, want: 400 * ms},
		{name: "none, bounded", jitter: JitterNone, attempts: 10, want: 10 * time.Second},
		{name: "none, absurd", jitter: JitterNone, attempts: 100_000, want: 10 * time.Second},
		{name: "none, unbounded", jitter: JitterNone, attempts: 100_000, largest: math.MaxInt64, want: math.MaxInt64},
		{name: "full, low", jitter: JitterFull, attempts: 3, random: 0, want: 0},
		{name: "full, middle", jitter: JitterFull, attempts: 3, random: 0.5, want: 400 * ms},
		{name: "full is the default", attempts: 3, random: 0.5, want: 400 * ms},
		{name: "equal, low", jitter: JitterEqual, attempts: 3, random: 0, want: 400 * ms},
		{name: "equal, middle", jitter: JitterEqual, attempts: 3, random: 0.5, want: 600 * ms},
		{name: "decorrelated, first, low", jitter: JitterDecorrelated, attempts: 1, random: 0, want: 200 * ms},
		{name: "decorrelated, first, middle", jitter: JitterDecorrelated, attempts: 1, random: 0.5, want: 400 * ms},
		{name: "decorrelated, from the wait before", jitter: JitterDecorrelated, attempts: 2, previous: 1000 * ms, random: 0.5, want: 1600 * ms},
		{name: "decorrelated, bounded", jitter: JitterDecorrelated, attempts: 2, previous: math.MaxInt64, random: 1, want: 10 * time.Second},
		{name: "asked", jitter: JitterNone, attempts: 1, asked: time.Second, want: time.Second},
		{name: "asked, spread", jitter: JitterNone, attempts: 1, random: 0.5, asked: time.Second, want: 1050 * ms},
		{name: "asked for less than the jitter", jitter: JitterNone, attempts: 5, random: 0, asked: time.Second, want: 3200 * ms},
		{name: "asked for ever", jitter: JitterNone, attempts: 1, random: 1, asked: math.MaxInt64, want: math.MaxInt64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Defaults()
			c.Jitter = tt.jitter
			if tt.largest > 0 {
				c.MaxDelay = tt.largest
			}
			a := Attempt{Attempts: tt.attempts, Previous: tt.previous, Jitter: tt.random, Spread: tt.random, Asked: tt.asked}
			if got := delay(&c, &a); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestDecisionProperties holds whatever the numbers are: never earlier than asked (I7), never into a deadline, never negative.
func TestDecisionProperties(t *testing.T) {
	durations := rapid.Custom(func(t *rapid.T) time.Duration {
		unit := rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Minute, 1 << 50}).Draw(t, "unit")
		return unit * time.Duration(rapid.SampledFrom([]int64{0, 1, 2, 3, 10, 30, 1 << 12}).Draw(t, "n"))
	})
	rapid.Check(t, func(t *rapid.T) {
		c := Defaults()
		c.Base = max(1, durations.Draw(t, "base"))
		c.MaxDelay = max(c.Base, durations.Draw(t, "max_delay"))
		c.MaxRetryAfter = max(1, durations.Draw(t, "max_retry_after"))
		if rapid.Bool().Draw(t, "bounded") {
			c.MaxElapsed = durations.Draw(t, "max_elapsed")
		}
		c.Multiplier = rapid.Float64Range(1, math.MaxFloat64).Draw(t, "multiplier")
		c.MaxAttempts = rapid.IntRange(1, 100).Draw(t, "max_attempts")
		c.Jitter = rapid.SampledFrom([]Jitter{JitterFull, JitterEqual, JitterDecorrelated, JitterNone}).Draw(t, "jitter")
		a := failed()
		a.Attempts = rapid.IntRange(1, 101).Draw(t, "attempts")
		a.Asked, a.Elapsed, a.Remaining = durations.Draw(t, "asked"), durations.Draw(t, "elapsed"), durations.Draw(t, "remaining")
		a.Previous = durations.Draw(t, "previous")
		a.Jitter, a.Spread = rapid.Float64Range(0, 1).Draw(t, "jitter sample"), rapid.Float64Range(0, 1).Draw(t, "spread")
		d := Decide(c, a)
		switch {
		case d != Decide(c, a):
			t.Fatal("not a function")
		case d.Delay < 0:
			t.Fatalf("negative: %+v", d)
		case !d.Retry && d.Reason == "":
			t.Fatal("refused without a reason")
		case !d.Retry:
			return
		case d.Delay < a.Asked:
			t.Fatalf("%s, earlier than asked: %s", d.Delay, a.Asked)
		case d.Delay >= a.Remaining:
			t.Fatalf("%s into a deadline %s away", d.Delay, a.Remaining)
		case c.MaxElapsed > 0 && a.Elapsed > c.MaxElapsed-d.Delay:
			t.Fatalf("%s after %s passes max_elapsed %s", d.Delay, a.Elapsed, c.MaxElapsed)
		case a.Attempts >= c.MaxAttempts:
			t.Fatal("once too often")
		case a.Asked == 0 && d.Delay > c.MaxDelay:
			t.Fatalf("%s is above max_delay %s", d.Delay, c.MaxDelay)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	c, a := Defaults(), failed()
	a.Asked = time.Second
	b.ReportAllocs()
	for b.Loop() {
		Decide(c, a)
	}
}
