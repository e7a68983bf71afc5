package vectors_test

import (
	"context"
	"slices"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

type lifetimeIn struct {
	Lifetime millis  `json:"lifetime_ms"`
	Took     millis  `json:"took_ms"`
	Draw     float64 `json:"draw"`
}

type lifetimeOut struct {
	Background *millis `json:"background_ms"`
	Wait       *millis `json:"wait_ms"`
}

func tokenLifetimes() file {
	moments := func(background, wait millis) *lifetimeOut { return &lifetimeOut{new(background), new(wait)} }
	const second, minute, hour, day = 1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000
	return table[lifetimeIn, lifetimeOut]{
		file: "token-lifetimes.json",
		text: "When a token is renewed, counted from the moment that its request was sent: from background_ms in the background, while it is still served; from wait_ms callers wait for the " +
			"next one. null: never, only a 401 renews it. took_ms is how long the answer took; draw is a random number from [0, 1) that each process draws once per session.",
		rules: []string{"refresh.own_clock", "refresh.old_serves", "credential.lifetime"},
		run:   runLifetime,
		check: checkLifetime,
		cases: []sample[lifetimeIn, lifetimeOut]{
			{"an hour", lifetimeIn{Lifetime: hour}, moments(56*minute, 59*minute)},
			{"an hour, jitter", lifetimeIn{Lifetime: hour, Draw: 0.5}, moments(55*minute+30*second, 59*minute)},
			{"an hour, nearly all of the jitter", lifetimeIn{Lifetime: hour, Draw: 0.99}, moments(55*minute+600, 59*minute)},
			{"a day: five minutes and one minute, no more", lifetimeIn{Lifetime: day}, moments(day-4*minute, day-minute)},
			{"25 minutes: as early as the fraction gets", lifetimeIn{Lifetime: 25 * minute}, moments(21*minute, 24*minute)},
			{"ten minutes", lifetimeIn{Lifetime: 10 * minute, Draw: 0.5}, moments(10*minute-108*second, 9*minute)},
			{"five minutes", lifetimeIn{Lifetime: 5 * minute}, moments(252*second, 270*second)},
			{"a minute", lifetimeIn{Lifetime: minute, Draw: 0.25}, moments(minute-10_200, 54*second)},
			{"ten seconds", lifetimeIn{Lifetime: 10 * second}, moments(8400, 9000)},
			{"five seconds: no loop", lifetimeIn{Lifetime: 5 * second, Draw: 0.5}, moments(4100, 4500)},
			{"a second", lifetimeIn{Lifetime: second, Draw: 0.75}, moments(810, 900)},
			{"the answer took a while: its time counts", lifetimeIn{Lifetime: hour, Took: 5 * second}, moments(56*minute, 59*minute)},
			{"the answer took most of it", lifetimeIn{Lifetime: 10 * second, Took: 8 * second}, moments(8400, 9000)},
			{"ten years", lifetimeIn{Lifetime: 3650 * day}, moments(3650*day-4*minute, 3650*day-minute)},
			{"unknown", lifetimeIn{}, &lifetimeOut{}},
			{"unknown, the answer took a while", lifetimeIn{Took: 5 * second}, &lifetimeOut{}},
		},
	}
}

// runLifetime looks at a session at one moment after another: a search finds those at which its status changes.
func runLifetime(t *testing.T, in lifetimeIn) lifetimeOut {
	if in.Lifetime == 0 {
		const age = 50 * 365 * 24 * time.Hour
		if got := statusAt(t, in, age); got != credential.StatusFresh {
			t.Errorf("%s after %s", got, age)
		}
		return lifetimeOut{}
	}
	from := func(statuses ...credential.Status) *millis {
		reached := func(age time.Duration) bool {
			return slices.Contains(statuses, statusAt(t, in, age))
		}
		span := int(in.Lifetime - in.Took)
		at := in.Took + millis(sort.Search(span, func(n int) bool { return reached((in.Took + millis(n)).duration()) }))
		if reached(at.duration() - 1) {
			t.Errorf("the moment lies before %d ms: choose another input", at)
		}
		return &at
	}
	return lifetimeOut{Background: from(credential.StatusAdvisory, credential.StatusExpired), Wait: from(credential.StatusExpired)}
}

// statusAt is the status of a session whose token request was sent so long ago.
func statusAt(t *testing.T, in lifetimeIn, age time.Duration) (status credential.Status) {
	synctest.Test(t, func(t *testing.T) {
		s := credential.NewSession(credential.SessionConfig{Name: "c", Source: source{in}, Random: func() float64 { return in.Draw }})
		defer func() { _ = s.Close() }()
		sent := time.Now()
		if _, err := s.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(age - time.Since(sent))
		status = s.State().Status
	})
	return status
}

type source struct{ in lifetimeIn }

func (s source) Obtain(context.Context) (credential.Token, error) {
	time.Sleep(s.in.Took.duration())
	return credential.Token{Access: redact.NewSecret("an-access-token"), Lifetime: s.in.Lifetime.duration()}, nil
}

func (s source) Refresh(ctx context.Context, _ credential.Token) (credential.Token, error) {
	return s.Obtain(ctx)
}

func checkLifetime(in lifetimeIn, out lifetimeOut) string {
	if in.Lifetime == 0 {
		if out.Background != nil || out.Wait != nil {
			return "nothing is known of its end"
		}
		return ""
	}
	if out.Background == nil || out.Wait == nil {
		return "it ends, and is never renewed"
	}
	left, margin := in.Lifetime-*out.Background, min(in.Lifetime/5, 300_000)
	switch {
	case left > margin || left < margin*4/5:
		return "the background renewal begins outside its last fifth, or five minutes"
	case in.Lifetime-*out.Wait != min(in.Lifetime/10, 60_000):
		return "callers wait from another moment than a tenth, or a minute, before the end"
	case *out.Background < in.Lifetime/2:
		return "it is renewed more than once per half lifetime"
	}
	return ""
}
