//go:build unix

package redisstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

// says fails the test unless err holds all parts, the store's name among them, and no secret.
func says(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, part := range append(parts, "store tokens: ") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "hunter") {
		t.Errorf("error %q holds a password", err)
	}
}

func TestRedis_killed(t *testing.T) {
	t.Run("and_restarted_with_its_data_goes_on", func(t *testing.T) {
		r := server(t, "--appendonly", "yes", "--appendfsync", "always")
		a, b := opened(t, settled(r.Addr)), opened(t, settled(r.Addr))
		mustSave(t, a, 0, record(1, "one"))
		told := tells(t, b)
		until(t, "it listens", func() bool { return listens(b) })
		r.Kill()
		_, err := a.Load(soon(t), key)
		says(t, err, r.Addr, "connection refused", "nothing listens there")
		if _, _, err := a.Lease(soon(t), key, 1); err == nil {
			t.Error("a turn without Redis")
		}
		until(t, "the subscription is missed", func() bool { return !listens(b) })
		r.Start()
		if got, err := a.Load(soon(t), key); err != nil || got.Generation != 1 {
			t.Fatalf("Load = generation %d, %v; want 1", got.Generation, err)
		}
		until(t, "it listens again", func() bool { return listens(b) })
		mustSave(t, a, 1, record(2, "two"))
		if got := receive(t, told); got != key {
			t.Errorf("told of %v", got)
		}
		mustLease(t, a, 2).Release()
	})

	t.Run("and_restarted_empty_lets_nobody_save_over_what_it_forgot", func(t *testing.T) {
		r := server(t)
		a := opened(t, settled(r.Addr))
		mustSave(t, a, 0, record(5, "five"))
		l := mustLease(t, a, 5)
		r.Kill()
		r.Start()
		until(t, "the loss of the turn is noticed", func() bool { return !l.Held() })
		if err := a.Save(soon(t), key, 5, record(6, "six")); !errors.Is(err, credential.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
		if got, err := a.Load(soon(t), key); err != nil || got.Generation != 0 {
			t.Errorf("Load = generation %d, %v; want none", got.Generation, err)
		}
		mustSave(t, a, 0, record(6, "six"))
		l.Release()
		mustLease(t, a, 6).Release()
	})

	t.Run("while_one_waits_for_the_turn_fails_that_one", func(t *testing.T) {
		r := server(t)
		a, b := opened(t, settled(r.Addr)), opened(t, settled(r.Addr))
		l := mustLease(t, a, 0)
		got := make(chan error, 1)
		go func() { _, _, err := b.Lease(soon(t), key, 0); got <- err }()
		until(t, "it waits", func() bool { return waits(b) })
		r.Kill()
		says(t, receive(t, got), r.Addr)
		until(t, "the turn ends by the clock", func() bool { return !l.Held() })
		l.Release()
	})

	t.Run("before_the_store_was_opened_is_no_mistake", func(t *testing.T) {
		r := server(t)
		r.Kill()
		s := opened(t, settled(r.Addr))
		_, err := s.Load(soon(t), key)
		says(t, err, r.Addr)
		r.Start()
		if _, err := s.Load(soon(t), key); err != nil {
			t.Error(err)
		}
	})
}

// tells returns where the store's notifications go.
func tells(t testing.TB, s *store) <-chan credential.Key {
	told := make(chan credential.Key, 1000)
	t.Cleanup(s.Notify(func(k credential.Key) {
		select {
		case told <- k:
		default:
		}
	}))
	return told
}

func TestRedis_paused_beyond_the_lease(t *testing.T) {
	r := server(t)
	a, b := opened(t, settled(r.Addr)), opened(t, settled(r.Addr))
	l := mustLease(t, a, 0)
	r.Pause()
	defer func() { r.Resume() }()
	start := time.Now()
	until(t, "the turn ends by the clock", func() bool { return !l.Held() })
	if took := time.Since(start); took > 10*a.config.Lease {
		t.Errorf("Held for %v without a word from Redis, though the lease is %v", took, a.config.Lease)
	}
	_, err := b.Load(soon(t), key)
	says(t, err, "no answer within 2s")
	r.Resume()
	// Redis takes what was sent to it while it stood, so a lease may stand that nobody holds: it lapses.
	other := mustLease(t, b, 0)
	if l.Held() {
		t.Error("two hold the turn")
	}
	mustSave(t, b, 0, record(1, "b"))
	if err := a.Save(soon(t), key, 0, record(1, "a")); !errors.Is(err, credential.ErrConflict) {
		t.Errorf("Save by the one that lost the turn = %v, want ErrConflict", err)
	}
	l.Release()
	if !other.Held() {
		t.Error("the late Release ended the other's turn")
	}
	other.Release()
}

func TestNetwork(t *testing.T) {
	t.Run("slow_but_alive_serves", func(t *testing.T) {
		r := server(t)
		p := newProxy(t, r.Addr)
		a := opened(t, settled(p.addr, func(c *Config) { c.Lease, c.Timeout = 2*time.Second, 8*time.Second }))
		b := opened(t, settled(r.Addr))
		p.slow(60 * time.Millisecond)
		l := mustLease(t, a, 0)
		mustSave(t, a, 0, record(1, "one"))
		told := tells(t, a)
		until(t, "it listens", func() bool { return listens(a) })
		for i := range 5 { // beyond the lease: it is extended over the slow link
			receive(t, time.After(a.config.Lease/4))
			if !l.Held() {
				t.Fatalf("the turn was lost in step %d", i)
			}
		}
		l.Release()
		for len(told) > 0 {
			<-told
		}
		mustSave(t, b, 1, record(2, "two"))
		if got := receive(t, told); got != key {
			t.Errorf("told of %v", got)
		}
	})

	t.Run("half_open_ends_the_turn_and_fences_its_holder", func(t *testing.T) {
		r := server(t)
		p := newProxy(t, r.Addr)
		a, b := opened(t, settled(p.addr)), opened(t, settled(r.Addr))
		l := mustLease(t, a, 0)
		p.block()
		other := mustLease(t, b, 0)
		if l.Held() {
			t.Error("two hold the turn")
		}
		mustSave(t, b, 0, record(1, "b"))
		err := a.Save(soon(t), key, 0, record(1, "a"))
		says(t, err, "no answer within 2s")
		p.heal()
		until(t, "the link is of use again", func() bool {
			err = a.Save(soon(t), key, 0, record(1, "a"))
			return errors.Is(err, credential.ErrConflict)
		})
		l.Release()
		if !other.Held() {
			t.Error("the late Release ended the other's turn")
		}
		other.Release()
	})

	t.Run("half_open_is_noticed_by_the_subscription", func(t *testing.T) {
		r := server(t)
		p := newProxy(t, r.Addr)
		a, b := opened(t, settled(p.addr)), opened(t, settled(r.Addr))
		if _, err := a.Load(soon(t), key); err != nil {
			t.Fatal(err)
		}
		told := tells(t, a)
		receive(t, told) // the subscription stands: all may have changed
		p.block()
		mustSave(t, b, 0, record(1, "b"))
		until(t, "the silence is noticed", func() bool { return !listens(a) })
		p.cut()
		p.heal()
		if got := receive(t, told); got != key {
			t.Errorf("after the gap told of %v", got)
		}
	})

	t.Run("cut_costs_no_turn", func(t *testing.T) {
		r := server(t)
		p := newProxy(t, r.Addr)
		a := opened(t, settled(p.addr))
		l := mustLease(t, a, 0)
		for range 8 {
			p.cut()
			receive(t, time.After(a.config.Lease/4))
		}
		if !l.Held() {
			t.Error("the turn was lost, though each new connection works")
		}
		l.Release()
	})
}

func TestSubscription_that_was_lost_comes_back_and_tells_all(t *testing.T) {
	r := server(t)
	a := opened(t, settled(r.Addr))
	if _, err := a.Load(soon(t), key); err != nil {
		t.Fatal(err)
	}
	told := tells(t, a)
	receive(t, told)
	for range 3 {
		r.CLI("client", "kill", "type", "pubsub")
		receive(t, told)
	}
}

func TestClose_does_not_wait_for_a_Redis_that_hangs(t *testing.T) {
	r := server(t)
	c := settled(r.Addr, func(c *Config) { c.Timeout = 9 * time.Second })
	s := opened(t, c)
	l := mustLease(t, s, 0)
	tells(t, s)
	until(t, "it listens", func() bool { return listens(s) })
	r.Pause()
	defer r.Resume()
	got := make(chan error, 1)
	go func() { _, err := s.Load(soon(t), key); got <- err }()
	receive(t, time.After(50*time.Millisecond))
	start := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took >= c.Timeout {
		t.Errorf("Close took %v", took)
	}
	if err := receive(t, got); err == nil {
		t.Error("Load of a closed store succeeded")
	}
	if l.Held() {
		t.Error("a turn outlived its store")
	}
	l.Release()
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	_, err := s.Load(soon(t), key)
	says(t, err, "the store is closed")
}
