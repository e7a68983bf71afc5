package vectors_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/retry"
)

type delayIn struct {
	Attempts   int          `json:"attempts"`
	Base       millis       `json:"base_ms"`
	Multiplier float64      `json:"multiplier"`
	MaxDelay   millis       `json:"max_delay_ms"`
	Jitter     retry.Jitter `json:"jitter"`
	Draw       float64      `json:"draw"`
	Previous   millis       `json:"previous_ms"`
	Asked      millis       `json:"asked_ms"`
	Spread     float64      `json:"spread"`
}

type delayOut struct {
	Delay millis `json:"delay_ms"`
}

func retryDelays() file {
	return table[delayIn, delayOut]{
		file: "retry-delays.json",
		text: "How long retry waits before the next attempt, after so many attempts, with the keys of [stages.retry]. draw and spread are the two random numbers from [0, 1); " +
			"previous_ms is the wait before the latest attempt, 0 if that was the first; asked_ms is how long the server asks to wait, 0 if it does not.",
		rules: []string{"retry.delay", "retry.retry_after"},
		run:   runDelay,
		check: checkDelay,
		cases: append(drawnDelays(), askedDelays()...),
	}
}

// usual is the input that the cases differ from: the defaults, after the first attempt.
func usual(edit func(*delayIn)) delayIn {
	in := delayIn{Attempts: 1, Base: 200, Multiplier: 2, MaxDelay: 10_000, Jitter: retry.JitterFull}
	edit(&in)
	return in
}

func drawnDelays() []sample[delayIn, delayOut] {
	var list []sample[delayIn, delayOut]
	add := func(name string, want millis, edit func(*delayIn)) {
		list = append(list, sample[delayIn, delayOut]{name, usual(edit), &delayOut{want}})
	}
	for i, want := range []millis{200, 400, 800, 1600, 3200, 6400, 10_000, 10_000} {
		add(fmt.Sprintf("none, after attempt %d", i+1), want, func(in *delayIn) { in.Jitter, in.Attempts = retry.JitterNone, i+1 })
	}
	for i, want := range []millis{50, 100, 200, 400, 800, 1600, 2500, 2500} {
		add(fmt.Sprintf("full, a quarter, after attempt %d", i+1), want, func(in *delayIn) { in.Draw, in.Attempts = 0.25, i+1 })
	}
	add("full, nothing drawn", 0, func(in *delayIn) { in.Attempts = 5 })
	add("full, nearly all", 187, func(in *delayIn) { in.Draw = 0.935 })
	add("equal, nothing drawn: half of it", 400, func(in *delayIn) { in.Jitter, in.Attempts = retry.JitterEqual, 3 })
	add("equal, a half: three quarters of it", 600, func(in *delayIn) { in.Jitter, in.Attempts, in.Draw = retry.JitterEqual, 3, 0.5 })
	add("equal, bounded", 8750, func(in *delayIn) { in.Jitter, in.Attempts, in.Draw = retry.JitterEqual, 20, 0.75 })
	add("decorrelated, first, nothing drawn: base", 200, func(in *delayIn) { in.Jitter = retry.JitterDecorrelated })
	add("decorrelated, first, a half", 400, func(in *delayIn) { in.Jitter, in.Draw = retry.JitterDecorrelated, 0.5 })
	add("decorrelated, three times the wait before is its top", 1600, func(in *delayIn) {
		in.Jitter, in.Attempts, in.Previous, in.Draw = retry.JitterDecorrelated, 2, 1000, 0.5
	})
	add("decorrelated, nothing drawn: base again", 200, func(in *delayIn) { in.Jitter, in.Attempts, in.Previous = retry.JitterDecorrelated, 3, 5000 })
	add("decorrelated, bounded", 5100, func(in *delayIn) {
		in.Jitter, in.Attempts, in.Previous, in.Draw = retry.JitterDecorrelated, 4, 9000, 0.5
	})
	add("decorrelated, a wait before that can't be tripled", 5100, func(in *delayIn) {
		in.Jitter, in.Attempts, in.Previous, in.Draw = retry.JitterDecorrelated, 4, never, 0.5
	})
	add("decorrelated, multiplier has no part in it", 400, func(in *delayIn) { in.Jitter, in.Draw, in.Multiplier = retry.JitterDecorrelated, 0.5, 10 })
	add("multiplier 1: no growth", 200, func(in *delayIn) { in.Jitter, in.Attempts, in.Multiplier = retry.JitterNone, 50, 1 })
	add("multiplier 1.5", 450, func(in *delayIn) { in.Jitter, in.Attempts, in.Multiplier = retry.JitterNone, 3, 1.5 })
	add("multiplier 10", 2000, func(in *delayIn) { in.Jitter, in.Attempts, in.Multiplier = retry.JitterNone, 2, 10 })
	add("base is max_delay", 200, func(in *delayIn) { in.Jitter, in.Attempts, in.MaxDelay = retry.JitterNone, 4, 200 })
	for _, n := range []int{100, 100_000, math.MaxInt32} {
		add(fmt.Sprintf("bounded after attempt %d", n), 10_000, func(in *delayIn) { in.Jitter, in.Attempts = retry.JitterNone, n })
	}
	add("bounded though the power is infinite", 10_000, func(in *delayIn) { in.Jitter, in.Attempts, in.Multiplier = retry.JitterNone, 100, 1e308 })
	add("saturates where nothing bounds it", never, func(in *delayIn) { in.Jitter, in.Attempts, in.MaxDelay = retry.JitterNone, 100, never })
	add("saturates where the power is infinite", never, func(in *delayIn) {
		in.Jitter, in.Attempts, in.Multiplier, in.MaxDelay = retry.JitterNone, 100, 1e308, never
	})
	add("the longest base", never, func(in *delayIn) { in.Jitter, in.Attempts, in.Base, in.MaxDelay = retry.JitterNone, 2, never, never })
	return list
}

func askedDelays() []sample[delayIn, delayOut] {
	var list []sample[delayIn, delayOut]
	add := func(name string, want millis, edit func(*delayIn)) {
		list = append(list, sample[delayIn, delayOut]{name, usual(edit), &delayOut{want}})
	}
	add("asked, nothing spread", 1000, func(in *delayIn) { in.Asked, in.Draw = 1000, 0.5 })
	add("asked, half of a tenth spread", 1050, func(in *delayIn) { in.Asked, in.Draw, in.Spread = 1000, 0.5, 0.5 })
	add("asked, nearly a tenth spread", 1099, func(in *delayIn) { in.Asked, in.Spread = 1000, 0.99 })
	add("asked for less than what was drawn", 3250, func(in *delayIn) { in.Jitter, in.Attempts, in.Asked, in.Spread = retry.JitterNone, 5, 1000, 0.5 })
	add("asked for what was drawn", 200, func(in *delayIn) { in.Jitter, in.Asked = retry.JitterNone, 200 })
	add("asked for more than max_delay", 60_000, func(in *delayIn) { in.Asked, in.Draw = 60_000, 0.75 })
	add("asked, equal", 5000, func(in *delayIn) { in.Jitter, in.Asked, in.Draw = retry.JitterEqual, 5000, 0.5 })
	add("asked, decorrelated", 5250, func(in *delayIn) { in.Jitter, in.Asked, in.Draw, in.Spread = retry.JitterDecorrelated, 5000, 0.5, 0.5 })
	add("asked for ever", never, func(in *delayIn) { in.Asked = never })
	add("asked for ever, and more", never, func(in *delayIn) { in.Asked, in.Spread = never, 0.5 })
	add("the tenth saturates", never, func(in *delayIn) { in.Asked, in.Spread = 9_000_000_000_000, 0.5 })
	return list
}

func runDelay(t *testing.T, in delayIn) delayOut {
	c := retry.Defaults()
	c.MaxAttempts, c.MaxRetryAfter = math.MaxInt, math.MaxInt64
	c.Base, c.Multiplier, c.MaxDelay, c.Jitter = in.Base.duration(), in.Multiplier, in.MaxDelay.duration(), in.Jitter
	d := retry.Decide(c, retry.Attempt{
		Class: pipeline.ClassNotSent, Kind: pipeline.KindNetwork, Attempts: in.Attempts, Replayable: true,
		Asked: in.Asked.duration(), Previous: in.Previous.duration(), Jitter: in.Draw, Spread: in.Spread,
	})
	if !d.Retry {
		t.Errorf("not retried: %s", d.Reason)
	}
	return delayOut{inMillis(t, d.Delay)}
}

// checkDelay reckons with numbers of any size, and knows only the formulas.
func checkDelay(in delayIn, out delayOut) string {
	bound := float(in.Base)
	for i := 1; i < in.Attempts && in.Multiplier > 1 && bound.Cmp(float(in.MaxDelay)) < 0; i++ {
		bound.Mul(bound, big.NewFloat(in.Multiplier))
	}
	low, high := new(big.Float), least(bound, float(in.MaxDelay))
	switch in.Jitter {
	case retry.JitterNone:
		low = high
	case retry.JitterEqual:
		low = part(high, 0.5)
	case retry.JitterDecorrelated:
		low, high = float(in.Base), least(part(float(max(in.Previous, in.Base)), 3), float(in.MaxDelay))
	}
	want := new(big.Float).Add(low, part(new(big.Float).Sub(high, low), in.Draw))
	if in.Asked > 0 {
		if want.Cmp(float(in.Asked)) < 0 {
			want = float(in.Asked)
		}
		want.Add(want, part(float(in.Asked), in.Spread/10))
	}
	want = least(want, float(never))
	exact, _ := want.Float64()
	switch {
	case out.Delay < in.Asked:
		return "earlier than asked"
	case in.Asked == 0 && out.Delay > in.MaxDelay:
		return "longer than max_delay"
	case math.Abs(float64(out.Delay)-exact) >= 1:
		return fmt.Sprintf("by the formula it is %v", exact)
	}
	return ""
}

func float(m millis) *big.Float { return new(big.Float).SetPrec(200).SetInt64(int64(m)) }

func part(f *big.Float, of float64) *big.Float { return new(big.Float).Mul(f, big.NewFloat(of)) }

func least(a, b *big.Float) *big.Float {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
