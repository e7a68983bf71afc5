package served

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestLife: it tells what package context's own would tell, whether somebody listens or not.
func TestLife(t *testing.T) {
	for _, listen := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			late := &life{session: t.Context(), deadline: time.Now().Add(time.Second)}
			left := &life{session: t.Context(), deadline: time.Now().Add(time.Hour)}
			never := &life{session: t.Context()}
			all := []*life{late, left, never}
			if listen {
				for _, l := range all {
					l.Done()
				}
			}
			left.end()
			time.Sleep(time.Second)
			synctest.Wait()
			late.end() // its deadline came first
			for i, want := range []error{context.DeadlineExceeded, context.Canceled, nil} {
				if err := all[i].Err(); !errors.Is(err, want) {
					t.Errorf("listening %v: life %d: got %v, want %v", listen, i, err, want)
				}
				select {
				case <-all[i].Done():
					if want == nil {
						t.Errorf("listening %v: life %d is done", listen, i)
					}
				default:
					if want != nil {
						t.Errorf("listening %v: life %d is not done", listen, i)
					}
				}
			}
			derived, cancel := context.WithCancel(never)
			defer cancel()
			never.end()
			select {
			case <-derived.Done(): // at once: no goroutine had to tell it
			default:
				t.Errorf("listening %v: what is derived goes on", listen)
			}
		})
	}
}

// TestLife_asked_late: that its deadline has passed since changes nothing.
func TestLife_asked_late(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &life{session: t.Context(), deadline: time.Now().Add(time.Second)}
		l.end()
		time.Sleep(time.Minute)
		<-l.Done()
		if err, cause := l.Err(), context.Cause(l); !errors.Is(err, context.Canceled) || !errors.Is(cause, context.Canceled) {
			t.Errorf("got %v because of %v", err, cause)
		}
	})
}

// TestLife_is_a_context compares it with package context's own, whoever listens to it when, and how.
func TestLife_is_a_context(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		todo := rapid.SliceOfN(rapid.SampledFrom([]string{"sleep", "sleep", "err", "done", "cause", "derive", "after", "end", "finish", "session"}), 1, 16).Draw(r, "todo")
		limit := time.Duration(rapid.IntRange(0, 5).Draw(r, "limit")) * time.Second
		synctest.Test(t, func(t *testing.T) { compareLife(t, todo, limit) })
		if t.Failed() {
			r.FailNow()
		}
	})
}

func compareLife(t *testing.T, todo []string, limit time.Duration) {
	session, endSession := context.WithCancel(t.Context())
	defer endSession()
	ours := &life{session: session}
	std, cancel := context.WithCancel(session)
	if limit > 0 {
		ours.deadline = time.Now().Add(limit - time.Nanosecond) // they never end at the same moment as the test does something
		std, cancel = context.WithDeadline(session, ours.deadline)
	}
	defer cancel()
	defer ours.end()
	closed := func(c context.Context) bool {
		select {
		case <-c.Done():
			return true
		default:
			return false
		}
	}
	var fired [2]atomic.Int32
	contexts := [][2]context.Context{{ours, std}}
	for i, op := range todo {
		switch op {
		case "sleep":
			time.Sleep(time.Second)
		case "derive":
			a, endA := context.WithCancel(ours)
			b, endB := context.WithCancel(std)
			defer endA()
			defer endB()
			contexts = append(contexts, [2]context.Context{a, b})
		case "after":
			defer context.AfterFunc(ours, func() { fired[0].Add(1) })()
			defer context.AfterFunc(std, func() { fired[1].Add(1) })()
		case "end":
			ours.end()
			cancel()
		case "session":
			_ = ours.Err() // which of two came first it tells where it was asked between
			endSession()
			_ = ours.Err()
		case "finish":
			if ours.deadline.IsZero() || time.Now().Before(ours.deadline) { // else nobody asks, as it has it
				ours.finish()
				cancel()
			}
		}
		synctest.Wait()
		for j, c := range contexts {
			switch {
			case op == "err" && !errors.Is(c[0].Err(), c[1].Err()), op == "cause" && !errors.Is(context.Cause(c[0]), context.Cause(c[1])):
				t.Fatalf("step %d of %v, context %d: got %v because of %v, want %v because of %v", i, todo, j, c[0].Err(), context.Cause(c[0]), c[1].Err(), context.Cause(c[1]))
			case op == "done" && closed(c[0]) != closed(c[1]):
				t.Fatalf("step %d of %v, context %d: got an end %v, want %v", i, todo, j, closed(c[0]), closed(c[1]))
			}
		}
		if fired[0].Load() != fired[1].Load() {
			t.Fatalf("step %d of %v: %d functions ran, want %d", i, todo, fired[0].Load(), fired[1].Load())
		}
	}
}
