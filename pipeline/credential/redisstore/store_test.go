//go:build unix

package redisstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

func TestStore(t *testing.T) {
	r := server(t)

	t.Run("gives_back_what_was_saved", func(t *testing.T) {
		r.CLI("flushall")
		a, b := opened(t, settled(r.Addr)), opened(t, settled(r.Addr))
		if got, err := a.Load(soon(t), key); err != nil || got.Generation != 0 {
			t.Fatalf("Load of nothing = %+v, %v", got, err)
		}
		want := record(7, "one")
		mustSave(t, a, 0, want)
		got, err := b.Load(soon(t), key)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Obtained.Equal(want.Obtained) || got.Generation != want.Generation || got.Ended != want.Ended {
			t.Errorf("Load = %+v, want %+v", got, want)
		}
		if g, w := got.Token, want.Token; g.Access != w.Access || g.Refresh != w.Refresh || g.Lifetime != w.Lifetime || !slices.Equal(g.Scopes, w.Scopes) {
			t.Errorf("another token came back: %+v", g)
		}
		if err := b.Save(soon(t), key, 6, record(8, "two")); !errors.Is(err, credential.ErrConflict) {
			t.Errorf("Save over another generation = %v, want ErrConflict", err)
		}
		if err := b.Save(soon(t), key, 0, record(8, "two")); !errors.Is(err, credential.ErrConflict) {
			t.Errorf("Save over none = %v, want ErrConflict", err)
		}
	})

	t.Run("compares_generations_that_no_float_can_hold", func(t *testing.T) {
		r.CLI("flushall")
		s := opened(t, settled(r.Addr))
		mustSave(t, s, 0, record(1<<63+1, "one"))
		if err := s.Save(soon(t), key, 1<<63, record(1<<63+2, "two")); !errors.Is(err, credential.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
		mustSave(t, s, 1<<63+1, record(1<<63+2, "two"))
	})

	t.Run("says_again_what_it_said_where_an_answer_was_lost", func(t *testing.T) {
		r.CLI("flushall")
		s := opened(t, settled(r.Addr))
		for range 2 {
			got, err := saveScript.Run(soon(t), connected(t, s), []string{s.recordKey(tag(key))}, "0", "1", "data", "name", 0, "mark", s.channel(), "").Int()
			if err != nil || got != 1 {
				t.Errorf("the same save = %d, %v; want 1 each time", got, err)
			}
		}
		r.CLI("flushall")
		first, err := s.askTurn(soon(t), tag(key), 0, "me")
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.askTurn(soon(t), tag(key), 0, "me")
		if err != nil || first.kind != "turn" || again.kind != "turn" {
			t.Errorf("asked twice: %+v, then %+v, %v; want the turn both times", first, again, err)
		}
	})

	t.Run("wakes_who_waits_when_the_turn_ends", func(t *testing.T) {
		r.CLI("flushall")
		// With so long a lease only word of the release can be in time.
		long := func(c *Config) { c.Lease = time.Minute }
		a, b := opened(t, settled(r.Addr, long)), opened(t, settled(r.Addr, long))
		first := mustLease(t, a, 0)
		got := make(chan credential.Lease, 1)
		go func() {
			l, _, _ := b.Lease(soon(t), key, 0)
			got <- l
		}()
		until(t, "the other one waits and listens", func() bool { return waits(b) && listens(b) })
		first.Release()
		l := receive(t, got)
		if l == nil || !l.Held() || first.Held() {
			t.Fatalf("the second has %v; the first holds: %v", l, first.Held())
		}
		l.Release()
		if got := r.CLI("exists", a.leaseKey(tag(key))); got != "0" {
			t.Errorf("the lease is still there after Release")
		}
	})

	t.Run("gives_who_waits_the_news", func(t *testing.T) {
		r.CLI("flushall")
		long := func(c *Config) { c.Lease = time.Minute }
		a, b := opened(t, settled(r.Addr, long)), opened(t, settled(r.Addr, long))
		first := mustLease(t, a, 0)
		defer first.Release()
		got := make(chan credential.Record, 1)
		go func() {
			_, r, _ := b.Lease(soon(t), key, 0)
			got <- r
		}()
		until(t, "the other one waits and listens", func() bool { return waits(b) && listens(b) })
		mustSave(t, a, 0, record(1, "one"))
		if r := receive(t, got); r.Generation != 1 || r.Token.Access.Reveal() != "one" {
			t.Errorf("got %+v, want generation 1", r)
		}
	})

	t.Run("has_a_living_holder_keep_its_turn", func(t *testing.T) {
		r.CLI("flushall")
		a, b := opened(t, settled(r.Addr)), opened(t, settled(r.Addr))
		l := mustLease(t, a, 0)
		ctx, cancel := context.WithTimeout(soon(t), 3*a.config.Lease)
		defer cancel()
		if got, _, err := b.Lease(ctx, key, 0); got != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("another one's Lease = %v, %v; want none before the deadline", got, err)
		}
		if !l.Held() {
			t.Error("the holder lost its turn")
		}
		l.Release()
		mustLease(t, b, 0).Release()
	})

	t.Run("returns_when_the_context_ends_with_its_cause", func(t *testing.T) {
		r.CLI("flushall")
		a, b := opened(t, settled(r.Addr)), opened(t, settled(r.Addr))
		l := mustLease(t, a, 0)
		defer l.Release()
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		got := make(chan error, 1)
		go func() { _, _, err := b.Lease(ctx, key, 0); got <- err }()
		until(t, "the other one waits", func() bool { return waits(b) })
		cancel(why)
		if err := receive(t, got); !errors.Is(err, why) {
			t.Errorf("got %v, want the cause", err)
		}
	})

	t.Run("loses_a_turn_that_Redis_forgot", func(t *testing.T) {
		r.CLI("flushall")
		a := opened(t, settled(r.Addr))
		l := mustLease(t, a, 0)
		r.CLI("flushall")
		until(t, "it is noticed", func() bool { return !l.Held() })
		next := mustLease(t, opened(t, settled(r.Addr)), 0)
		l.Release() // is not the other one's to end
		if !next.Held() || r.CLI("exists", a.leaseKey(tag(key))) != "1" {
			t.Error("a lost turn's Release ended another's")
		}
		next.Release()
	})

	t.Run("lists_keys_and_holders", func(t *testing.T) {
		r.CLI("flushall")
		s := opened(t, settled(r.Addr))
		keys := map[credential.Key]bool{key: true, {Credential: "a:b{c}*"}: true, {Credential: "a", Subject: "Zoë ☃\n"}: true}
		for k := range keys {
			if err := s.Save(soon(t), k, 0, record(1, "one")); err != nil {
				t.Fatal(err)
			}
		}
		other := opened(t, settled(r.Addr, func(c *Config) { c.Prefix = "le?t:" }))
		if err := other.Save(soon(t), key, 0, record(1, "one")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := s.Keys(soon(t))
			if err != nil || len(got) != len(keys) {
				t.Fatalf("Keys = %q, %v", got, err)
			}
			for _, k := range got {
				if !keys[k] {
					t.Errorf("Keys has %q", k)
				}
			}
		}
		if got, err := other.Keys(soon(t)); err != nil || len(got) != 1 {
			t.Errorf("Keys beneath a prefix that is a pattern = %q, %v; want one", got, err)
		}
		l := mustLease(t, s, 1)
		if got, err := s.Holder(soon(t), key); err != nil || got != s.holder {
			t.Errorf("Holder = %q, %v; want %q", got, err, s.holder)
		}
		l.Release()
		if got, err := s.Holder(soon(t), key); err != nil || got != "" {
			t.Errorf("Holder after Release = %q, %v", got, err)
		}
	})

	t.Run("shows_no_subject_in_names_of_keys_and_messages", func(t *testing.T) {
		r.CLI("flushall")
		s := opened(t, settled(r.Addr))
		mustSave(t, s, 0, record(1, "one"))
		if got, want := r.CLI("keys", "*"), s.recordKey(tag(key)); got != want {
			t.Errorf("keys = %s, want %s", got, want)
		}
	})

	t.Run("forgets_what_nobody_can_use", func(t *testing.T) {
		s := opened(t, settled(r.Addr))
		ttl := func(change func(*credential.Record)) time.Duration {
			r.CLI("flushall")
			one := record(1, "one")
			change(&one)
			mustSave(t, s, 0, one)
			d, err := time.ParseDuration(r.CLI("pttl", s.recordKey(tag(key))) + "ms")
			if err != nil {
				t.Fatal(err)
			}
			return d.Round(time.Minute)
		}
		if got := ttl(func(*credential.Record) {}); got != 0 { // -1 is for ever
			t.Errorf("a refresh token is kept for %v", got)
		}
		if got := ttl(func(r *credential.Record) { r.Token.Refresh = redact.Secret{} }); got != 2*time.Hour {
			t.Errorf("a token of an hour is kept for %v", got)
		}
		if got := ttl(func(r *credential.Record) { r.Ended = credential.StatusClosed }); got != tombstone {
			t.Errorf("a logout is kept for %v", got)
		}
	})
}
