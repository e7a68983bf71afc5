package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

var turnChecks = []check{
	{"a_turn_comes_with_the_record", func(t *testing.T, w *world) {
		s := w.process()
		lease, r := s.take(demo, 0)
		if !lease.Held() || r.Generation != 0 {
			t.Fatalf("got held %v and generation %d of an empty store", lease.Held(), r.Generation)
		}
		lease.Release()
		s.save(demo, 0, token(3))
		if lease, r = s.take(demo, 3); !lease.Held() || !same(r, token(3)) {
			t.Fatalf("got held %v and generation %d, want 3", lease.Held(), r.Generation)
		}
	}},
	{"that_there_is_no_record_is_no_news", func(t *testing.T, w *world) {
		if _, r := w.process().take(demo, 7); r.Generation != 0 {
			t.Fatalf("got generation %d", r.Generation)
		}
	}},
	{"one_has_the_turn_and_the_next_gets_it", handedOn},
	{"keys_have_turns_of_their_own", func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		a.take(demo, 0)
		a.take(credential.Key{Credential: "demo", Subject: "acme"}, 0)
		b.take(credential.Key{Credential: "other"}, 0)
	}},
	{"news_come_at_once_and_without_a_turn", func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		a.save(demo, 0, token(4))
		a.take(demo, 4)
		for _, seen := range []uint64{0, 3, 5} { // one who has seen more than the store holds is told what the store holds, too
			if g := <-b.wait(t.Context(), demo, seen); g.err != nil || g.lease != nil || !same(g.record, token(4)) {
				t.Fatalf("seen %d: got turn %v, generation %d, error %v; want generation 4 and no turn", seen, g.lease != nil, g.record.Generation, g.err)
			}
		}
	}},
	{"news_wake_all_who_wait", newsWake},
	{"an_ended_context_ends_the_wait", contextEnds},
	{"who_gave_up_waiting_gets_no_turn", func(t *testing.T, w *world) {
		a, b, c := w.process(), w.process(), w.process()
		lease, _ := a.take(demo, 0)
		ctx, cancel := context.WithCancel(t.Context())
		gone := b.wait(ctx, demo, 0)
		b.waits(gone, "another process has the turn")
		cancel()
		<-gone
		lease.Release()
		c.take(demo, 0)
	}},
	{"save_needs_no_turn", func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		lease, _ := a.take(demo, 0)
		b.save(demo, 0, token(1))
		if err := a.Save(t.Context(), demo, 0, token(1)); !errors.Is(err, credential.ErrConflict) {
			t.Fatalf("the comparison is the fence: got %v from the one who has the turn, want ErrConflict", err)
		}
		a.save(demo, 1, token(2))
		lease.Release()
		b.take(demo, 2)
	}},
	{"turns_never_overlap", neverOverlap},
}

func handedOn(t *testing.T, w *world) {
	a, b := w.process(), w.process()
	lease, _ := a.take(demo, 0)
	same, other := a.wait(t.Context(), demo, 0), b.wait(t.Context(), demo, 0)
	a.waits(same, "the same process has the turn")
	b.waits(other, "another process has the turn")
	if !lease.Held() {
		t.Fatal("the turn is lost, after less than a second")
	}
	lease.Release()
	var next got
	select {
	case next = <-same:
		same = nil
	case next = <-other:
		other = nil
	}
	if next.err != nil || next.lease == nil {
		t.Fatalf("got turn %v and error %v after the first one ended", next.lease != nil, next.err)
	}
	rest := same
	if rest == nil {
		rest = other
	}
	a.waits(rest, "the second one has the turn")
	next.lease.Release()
	last := <-rest
	if last.err != nil || last.lease == nil {
		t.Fatalf("got turn %v and error %v after the second one ended", last.lease != nil, last.err)
	}
	last.lease.Release()
}

func newsWake(t *testing.T, w *world) {
	a, b, c := w.process(), w.process(), w.process()
	a.save(demo, 0, token(1))
	a.take(demo, 1)
	waiters := []<-chan got{a.wait(t.Context(), demo, 1), b.wait(t.Context(), demo, 1), c.wait(t.Context(), demo, 1)}
	a.waits(waiters[0], "the turn is taken")
	a.waits(waiters[1], "the turn is taken")
	a.save(demo, 1, token(2))
	for i, ch := range waiters {
		if g := <-ch; g.err != nil || g.lease != nil || !same(g.record, token(2)) {
			t.Errorf("waiter %d: got turn %v, generation %d, error %v; want generation 2 and no turn", i, g.lease != nil, g.record.Generation, g.err)
		}
	}
}

func contextEnds(t *testing.T, w *world) {
	a, b := w.process(), w.process()
	a.take(demo, 0)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), pause)
	defer cancel()
	for _, tc := range []struct {
		ctx  context.Context //nolint:containedctx // a table of contexts
		want error
	}{{over, context.Canceled}, {late, context.DeadlineExceeded}} {
		g := <-b.wait(tc.ctx, demo, 0)
		if g.lease != nil || !errors.Is(g.err, tc.want) {
			t.Errorf("got turn %v and error %v, want %v", g.lease != nil, g.err, tc.want)
		}
		if g.after > pause+2*time.Second {
			t.Errorf("the wait ended after %v", g.after)
		}
	}
}

// neverOverlap has sessions of three processes renew one after the other: whoever has the turn saves, the others hear of it.
func neverOverlap(t *testing.T, w *world) {
	const generations = 30
	var inside, overlaps, saves atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	renew := func(s *watched) {
		for seen := uint64(0); seen < generations; {
			lease, r, err := s.Lease(ctx, demo, seen)
			if err != nil {
				t.Errorf("lease: %v", err)
				return
			}
			if lease == nil {
				if r.Generation <= seen {
					t.Errorf("generation %d is no news to one who has seen %d", r.Generation, seen)
				}
				seen = r.Generation
				continue
			}
			if inside.Add(1) != 1 {
				overlaps.Add(1)
			}
			<-time.After(time.Millisecond) // long enough for whoever else believes that the turn is theirs
			if err := s.Save(ctx, demo, r.Generation, token(r.Generation+1)); err != nil {
				t.Errorf("save by the one who has the turn: %v", err)
			}
			saves.Add(1)
			seen = r.Generation + 1
			inside.Add(-1)
			lease.Release()
		}
	}
	var running sync.WaitGroup
	for range 3 {
		s := w.process()
		for range 3 {
			running.Go(func() { renew(s) })
		}
	}
	running.Wait()
	if overlaps.Load() != 0 || saves.Load() != generations {
		t.Errorf("%d turns overlapped and %d were taken, want 0 and %d", overlaps.Load(), saves.Load(), generations)
	}
}
