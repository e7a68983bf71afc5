package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

var demo = credential.Key{Credential: "demo"}

var recordChecks = []check{
	{"no_record_is_the_zero_record", func(t *testing.T, w *world) {
		if r := w.process().load(demo); !same(r, credential.Record{}) {
			t.Fatalf("got generation %d", r.Generation)
		}
	}},
	{"save_compares_the_generation_and_swaps", saveCompares},
	{"another_process_sees_what_was_saved", func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		a.save(demo, 0, token(1))
		if r := b.load(demo); !same(r, token(1)) {
			t.Fatalf("got generation %d or other fields", r.Generation)
		}
		b.save(demo, 1, token(2))
		if r := a.load(demo); !same(r, token(2)) {
			t.Fatalf("got generation %d, want what the other one saved", r.Generation)
		}
	}},
	{"every_field_comes_back", everyField},
	{"names_of_any_shape_are_keys_apart", namesApart},
	{"of_savers_at_once_exactly_one_wins", oneSaverWins},
	{"an_ended_context_ends_load_and_save", func(t *testing.T, w *world) {
		s := w.process()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if _, err := s.Load(ctx, demo); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Load: got %v, want the context's error or success", err)
		}
		err := s.Save(ctx, demo, 0, token(1))
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Save: got %v, want the context's error or success", err)
		}
		if took := time.Since(start); took > patience/2 {
			t.Errorf("they took %v", took)
		}
		if n := s.load(demo).Generation; err == nil && n != 1 {
			t.Errorf("Save returned nil, yet generation %d is there", n)
		}
	}},
}

func saveCompares(t *testing.T, w *world) {
	s := w.process()
	for _, step := range []struct {
		prev, next uint64
		want       error
	}{
		{1, 2, credential.ErrConflict}, {0, 1, nil}, {0, 2, credential.ErrConflict}, {7, 8, credential.ErrConflict}, {1, 5, nil},
		{1, 6, credential.ErrConflict}, {5, 1 << 60, nil}, {1 << 60, 1<<60 + 1, nil}, {1 << 60, 9, credential.ErrConflict},
	} {
		before := s.load(demo)
		err := s.Save(t.Context(), demo, step.prev, token(step.next))
		if !errors.Is(err, step.want) {
			t.Fatalf("save %d in place of %d, where %d stands: got %v, want %v", step.next, step.prev, before.Generation, err, step.want)
		}
		want := token(step.next)
		if err != nil {
			want = before
		}
		if after := s.load(demo); !same(after, want) {
			t.Fatalf("save %d in place of %d: then generation %d is there, want %d", step.next, step.prev, after.Generation, want.Generation)
		}
	}
}

func everyField(t *testing.T, w *world) {
	a, b := w.process(), w.process()
	odd := canary + "\x00\n\r\t\"'\\ <&> é \u2028 " + strings.Repeat("%", 20) + string([]rune{0x1F511})
	records := []credential.Record{
		{Obtained: time.Unix(1, 0), Token: credential.Token{Access: redact.NewSecret(canary + "alone")}},
		{Obtained: time.Date(2031, 2, 3, 4, 5, 6, 0, time.FixedZone("far", 5*3600)), Token: credential.Token{
			Access: redact.NewSecret(odd), Refresh: redact.NewSecret(odd + "r"), Lifetime: 3*time.Hour + 250*time.Millisecond, Scopes: []string{"read", "write all", "é\""},
		}},
		{Obtained: time.Unix(1_800_000_000, 0), Token: credential.Token{
			Access: redact.NewSecret(canary + strings.Repeat("a", 10<<10)), Refresh: redact.NewSecret(canary + strings.Repeat("r", 10<<10)), Lifetime: time.Second,
		}},
		{Obtained: time.Unix(1_800_000_001, 0), Ended: credential.StatusDead, Token: credential.Token{Access: redact.NewSecret(canary + "dead"), Refresh: redact.NewSecret(canary + "refused")}},
		{Obtained: time.Unix(1_800_000_002, 0), Ended: credential.StatusClosed},
		{Obtained: time.Unix(1_800_000_003, 0), Token: credential.Token{Access: redact.NewSecret(canary + "again"), Lifetime: 365 * 24 * time.Hour}},
	}
	for i, r := range records {
		r.Generation = uint64(i) + 1
		a.save(demo, uint64(i), r)
		found := b.load(demo)
		if found.Generation != r.Generation || found.Ended != r.Ended || found.Token.Lifetime != r.Token.Lifetime || !slices.Equal(found.Token.Scopes, r.Token.Scopes) {
			t.Errorf("record %d: got generation %d, ended %q, lifetime %v, scopes %q", i, found.Generation, found.Ended, found.Token.Lifetime, found.Token.Scopes)
		}
		if d := found.Obtained.Sub(r.Obtained).Abs(); d >= time.Second {
			t.Errorf("record %d: obtained %v, want %v", i, found.Obtained, r.Obtained)
		}
		if found.Token.Access.Reveal() != r.Token.Access.Reveal() || found.Token.Refresh.Reveal() != r.Token.Refresh.Reveal() {
			t.Errorf("record %d: the tokens did not come back as they were saved", i)
		}
	}
}

// names are what people, tenants and attackers call themselves.
var names = []credential.Key{
	{Credential: "demo"}, {Credential: "Demo"}, {Credential: "demo", Subject: "acme"}, {Credential: "demo", Subject: "Acme"},
	{Credential: "demo", Subject: " acme"}, {Credential: "demo", Subject: "acme "}, {Credential: "demo:acme"}, {Credential: "demo/acme"},
	{Credential: "demo", Subject: "a:b"}, {Credential: "demo:a", Subject: "b"}, {Credential: "demo", Subject: "/b"}, {Credential: "demo/", Subject: "b"},
	{Credential: "demo", Subject: ".."}, {Credential: "demo", Subject: "../../etc/passwd"}, {Credential: "demo", Subject: `..\..\x`}, {Credential: "."},
	{Credential: "demo", Subject: "a\x00b"}, {Credential: "demo", Subject: "a\nb"}, {Credential: "demo", Subject: "\xff\xfe"}, {Credential: "demo", Subject: "\ufffd\ufffd"},
	{Credential: "demo", Subject: "*"}, {Credential: "demo", Subject: "{demo}"}, {Credential: "demo", Subject: "[a]?"}, {Credential: "demo", Subject: "%2e%2e"},
	{Credential: "demo", Subject: "\u00e9"}, {Credential: "demo", Subject: "e\u0301"}, {Credential: "demo", Subject: "CON"}, {Credential: "demo", Subject: "lock"},
	{Credential: "demo", Subject: strings.Repeat("x", 4000)}, {Credential: "demo", Subject: strings.Repeat("x", 4000) + "y"}, {Credential: "d\u00e9mo \u5730", Subject: "\U0001F511"}, //nolint:gosec // a name, not a secret
}

func namesApart(t *testing.T, w *world) {
	a, b := w.process(), w.process()
	for i, key := range names {
		a.save(key, 0, token(uint64(i)+1))
	}
	for i, key := range names {
		if r := b.load(key); !same(r, token(uint64(i)+1)) {
			t.Errorf("%.40q: got generation %d, want %d", key, r.Generation, i+1)
		}
	}
}

func oneSaverWins(t *testing.T, w *world) {
	processes := []*watched{w.process(), w.process(), w.process()}
	for prev := range uint64(5) {
		errs := make([]error, 9)
		var running sync.WaitGroup
		for i := range errs {
			running.Go(func() {
				r := token(prev + 1)
				r.Token.Access = redact.NewSecret(fmt.Sprint(canary, i))
				errs[i] = processes[i%len(processes)].Save(t.Context(), demo, prev, r)
			})
		}
		running.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				t.Fatalf("two savers in place of generation %d won", prev)
			case err == nil:
				winner = i
			case !errors.Is(err, credential.ErrConflict):
				t.Fatalf("got %v, want ErrConflict", err)
			}
		}
		if winner < 0 {
			t.Fatalf("no saver in place of generation %d won", prev)
		}
		if got := processes[0].load(demo).Token.Access.Reveal(); got != fmt.Sprint(canary, winner) {
			t.Fatal("another token is there than the winner's")
		}
	}
}

// same compares what token fills.
func same(a, b credential.Record) bool {
	return a.Generation == b.Generation && a.Ended == b.Ended && a.Obtained.Equal(b.Obtained) && a.Token.Lifetime == b.Token.Lifetime &&
		a.Token.Access.Reveal() == b.Token.Access.Reveal() && a.Token.Refresh.Reveal() == b.Token.Refresh.Reveal()
}
