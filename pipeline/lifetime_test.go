package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// twin is a lifetime beside the standard library's context with the same deadline and the same parent.
type twin struct {
	ours  context.Context
	std   context.Context
	end   func() // ends both as their work being over does
	stops []stops
}

type stops struct{ ours, std func() bool }

type twinKey struct{ n int }

// step is one thing that happens to a family of contexts.
type step struct {
	Op   string
	Who  int
	Wait time.Duration
}

func steps() *rapid.Generator[[]step] {
	one := rapid.Custom(func(r *rapid.T) step {
		return step{
			Op:   rapid.SampledFrom([]string{"sleep", "sleep", "listen", "err", "cancel", "timeout", "value", "cause", "after", "stop", "end", "parent"}).Draw(r, "op"),
			Who:  rapid.IntRange(0, 9).Draw(r, "who"),
			Wait: time.Duration(rapid.IntRange(0, 40).Draw(r, "wait")) * time.Millisecond,
		}
	})
	return rapid.SliceOfN(one, 1, 24)
}

// TestLifetime_is_a_context compares a lifetime with context.WithDeadline whatever happens to it, its parents and its children.
func TestLifetime_is_a_context(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		todo := steps().Draw(r, "steps")
		parents := rapid.SampledFrom([]string{"background", "cancel", "deadline", "cause", "lifetime"}).Draw(r, "parent")
		limit := time.Duration(rapid.IntRange(1, 120).Draw(r, "limit")) * time.Millisecond
		outer := time.Duration(rapid.IntRange(1, 120).Draw(r, "outer")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) { compare(t, todo, parents, limit, outer) })
		if t.Failed() {
			r.FailNow()
		}
	})
}

func compare(t *testing.T, todo []step, parents string, limit, outer time.Duration) {
	began := time.Now()
	parentOurs, parentStd, endParent := parentOf(parents, began.Add(outer))
	l := &lifetime{parent: parentOurs, values: parentOurs, deadline: began.Add(limit), limit: "limit"}
	std, cancel := context.WithDeadline(parentStd, l.deadline)
	family := []twin{{ours: l, std: std, end: func() { l.release(); cancel() }}}
	defer func() {
		for _, tw := range family {
			tw.end()
		}
		endParent()
	}()
	causes := parents == "background" || parents == "lifetime"
	var fired [2]atomic.Int32
	for i, s := range todo {
		at := s.Who % len(family)
		tw := &family[at]
		switch s.Op {
		case "sleep":
			time.Sleep(s.Wait)
		case "listen":
			_, _ = tw.ours.Done(), tw.std.Done()
		case "err", "cause":
		case "cancel":
			family = append(family, derive(tw, func(c context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(c) }))
		case "timeout":
			family = append(family, derive(tw, func(c context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(c, s.Wait) }))
		case "value":
			family = append(family, derive(tw, func(c context.Context) (context.Context, context.CancelFunc) {
				return context.WithCancel(context.WithValue(c, twinKey{i}, i))
			}))
		case "after":
			tw.stops = append(tw.stops, stops{
				context.AfterFunc(tw.ours, func() { fired[0].Add(1) }), context.AfterFunc(tw.std, func() { fired[1].Add(1) }),
			})
		case "stop":
			if n := len(tw.stops); n > 0 {
				synctest.Wait()
				if got, want := tw.stops[n-1].ours(), tw.stops[n-1].std(); got != want {
					t.Errorf("step %d: stop reports %v, want %v", i, got, want)
				}
			}
		case "end":
			tw.end()
		case "parent":
			endParent()
		}
		synctest.Wait()
		for j, tw := range family {
			if got, want := describeContext(tw.ours, causes), describeContext(tw.std, causes); got != want {
				t.Fatalf("step %d (%+v), context %d: got %s, want %s", i, s, j, got, want)
			}
		}
		if fired[0].Load() != fired[1].Load() {
			t.Fatalf("step %d: %d functions ran, want %d", i, fired[0].Load(), fired[1].Load())
		}
	}
}

func derive(tw *twin, with func(context.Context) (context.Context, context.CancelFunc)) twin {
	ours, endOurs := with(tw.ours)
	std, endStd := with(tw.std)
	return twin{ours: ours, std: std, end: func() { endOurs(); endStd() }}
}

func parentOf(kind string, at time.Time) (ours, std context.Context, end func()) {
	switch kind {
	case "cancel":
		ctx, cancel := context.WithCancel(context.Background())
		return ctx, ctx, cancel
	case "deadline":
		ctx, cancel := context.WithDeadline(context.Background(), at)
		return ctx, ctx, cancel
	case "cause":
		ctx, cancel := context.WithCancelCause(context.Background())
		return ctx, ctx, func() { cancel(errors.New("the reason")) }
	case "lifetime":
		l := &lifetime{parent: context.Background(), values: context.Background(), deadline: at, limit: "outer"}
		ctx, cancel := context.WithDeadline(context.Background(), at)
		return l, ctx, func() { l.release(); cancel() }
	}
	return context.Background(), context.Background(), func() {}
}

// describeContext leaves the cause out where a parent may get one after c has ended: package context would find it there.
func describeContext(c context.Context, cause bool) string {
	at, ok := c.Deadline()
	err := c.Err()
	why := err
	if cause {
		why = context.Cause(c)
	}
	select {
	case <-c.Done():
	default:
		if err != nil {
			return "an error and no closed Done"
		}
	}
	return fmt.Sprint(at.UnixNano(), ok, err, why, c.Value(twinKey{3}))
}

func TestLifetime(t *testing.T) {
	background := func(limit time.Duration) *lifetime {
		return &lifetime{parent: context.Background(), values: context.Background(), deadline: time.Now().Add(limit), limit: "limit"} //nolint:usetesting // a parent that never ends
	}

	t.Run("Err_sees_the_deadline_where_nobody_listens", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := background(time.Second)
			time.Sleep(time.Second - 1)
			if err := l.Err(); err != nil {
				t.Errorf("before the deadline: %v", err)
			}
			time.Sleep(time.Nanosecond)
			if err := l.Err(); !errors.Is(err, context.DeadlineExceeded) || l.limitReason() != "limit" {
				t.Errorf("at the deadline: %v, reason %q", err, l.limitReason())
			}
			<-l.Done()
		})
	})

	t.Run("ends_with_the_cause_of_its_parent", func(t *testing.T) {
		parent, cancel := context.WithCancelCause(t.Context())
		l := &lifetime{parent: parent, values: parent, deadline: time.Now().Add(time.Hour)}
		child, stop := context.WithCancel(l)
		defer stop()
		why := errors.New("the user left")
		cancel(why)
		<-child.Done()
		if context.Cause(l) != why || context.Cause(child) != why || l.limitReason() != "" {
			t.Errorf("causes %v and %v, reason %q", context.Cause(l), context.Cause(child), l.limitReason())
		}
	})

	t.Run("a_derived_context_costs_no_goroutine", func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := &lifetime{parent: parent, values: parent, deadline: time.Now().Add(time.Hour)}
		defer l.release()
		inner := &lifetime{parent: l, values: l, deadline: time.Now().Add(time.Hour)}
		defer inner.release()
		before := runtime.NumGoroutine()
		for range 200 {
			_, stop := context.WithCancel(inner)
			defer stop()
		}
		if got := runtime.NumGoroutine(); got > before {
			t.Errorf("%d goroutines more", got-before)
		}
	})

	// context.WithCancel holds the child's lock while it calls AfterFunc, and the function takes that lock.
	t.Run("AfterFunc_of_an_ended_lifetime_does_not_run_on_the_caller", func(t *testing.T) {
		l := background(time.Hour)
		l.release()
		var mu sync.Mutex
		ran := make(chan struct{})
		mu.Lock()
		stop := l.AfterFunc(func() { mu.Lock(); defer mu.Unlock(); close(ran) })
		mu.Unlock()
		<-ran
		if stop() {
			t.Error("stop reports that it kept a function from running which ran")
		}
	})

	t.Run("children_may_be_made_while_it_ends", func(t *testing.T) {
		for range 300 {
			l := background(time.Hour)
			_ = l.Done()
			var group sync.WaitGroup
			group.Go(l.release)
			for range 4 {
				group.Go(func() {
					child, stop := context.WithCancel(l)
					defer stop()
					<-child.Done()
				})
			}
			group.Wait()
		}
	})

	t.Run("moved_deadlines_hold", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := background(time.Second)
			began := time.Now()
			_ = l.Done()
			l.setDeadline(began.Add(3*time.Second), "later")
			l.setIdle(2 * time.Second)
			time.Sleep(1500 * time.Millisecond)
			l.setIdle(2 * time.Second)
			<-l.Done()
			if got := time.Since(began); got != 3*time.Second || l.limitReason() != "later" {
				t.Errorf("ended after %s by %q", got, l.limitReason())
			}
			l = background(time.Second)
			began = time.Now()
			_ = l.Done()
			l.setDeadline(time.Time{}, "")
			l.setIdle(5 * time.Second)
			<-l.Done()
			if got := time.Since(began); got != 5*time.Second || l.limitReason() != "body_idle_timeout" {
				t.Errorf("ended after %s by %q", got, l.limitReason())
			}
		})
	})
}
