package main

import (
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

func TestLeft_says_how_far_a_time_is(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		to   time.Time
		want string
	}{
		{time.Time{}, "–"},
		{now.Add(89600 * time.Millisecond), "in 90s"},
		{now.Add(-3 * time.Second), "3s ago"},
		{now.Add(59*time.Minute + 45*time.Second), "in 60m"},
		{now.Add(26*time.Hour + 5*time.Minute), "in 26h 5m"},
		{now.Add(72 * time.Hour), "in 3 days"},
	} {
		if got := left(tc.to, now); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.to.Sub(now), got, tc.want)
		}
	}
}

func TestNotice_says_when_running_processes_see_a_logout(t *testing.T) {
	type quiet struct{ credential.Store } // tells nobody
	now := time.Now()
	fresh := credential.Record{Generation: 1, Obtained: now, Token: credential.Token{Access: redact.NewSecret("A1"), Lifetime: time.Hour}}
	forever, over := fresh, fresh
	forever.Token.Lifetime = 0
	over.Obtained = now.Add(-2 * time.Hour)
	memory := credential.NewMemoryStore()
	for _, tc := range []struct {
		name   string
		store  credential.Store
		before credential.Record
		want   string
	}{
		{"told", memory, fresh, "are told now"},
		{"due_for_renewal", quiet{memory}, fresh, "when their token is due for renewal, in 60m at the latest"},
		{"never_renewed", quiet{memory}, forever, "when a 401 refuses their token"},
		{"over", quiet{memory}, over, "at their next call"},
		{"no_token", quiet{memory}, credential.Record{}, "at their next call"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := (&account{store: tc.store}).notice(tc.before, now); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
}

func TestWord_quotes_what_a_shell_takes_apart(t *testing.T) {
	for in, want := range map[string]string{"acme": "acme", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$x": "'$x'", "a@b.c": "a@b.c"} {
		if got := word(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
