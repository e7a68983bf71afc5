package served

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestLife: it tells what package context's own would tell, whether somebody listens or not.
func TestLife(t *testing.T) {
	for _, listen := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			late := &life{deadline: time.Now().Add(time.Second)}
			left := &life{deadline: time.Now().Add(time.Hour)}
			never := &life{}
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
