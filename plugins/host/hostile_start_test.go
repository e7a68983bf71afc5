//go:build linux || darwin

package host

import (
	"errors"
	"sync"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// Whoever waits for a start hears of its end, however it ends, and nobody is left.
func TestHostile_many_at_a_start(t *testing.T) {
	const callers = 1000
	for name, end := range map[string]func(*Host, *handle) error{
		"the_runner_closes": func(_ *Host, of *handle) error { return of.leave() },
		"the_host_closes":   func(h *Host, of *handle) error { return errors.Join(h.Close(), of.leave()) },
		"both": func(h *Host, of *handle) error {
			var both sync.WaitGroup
			var closed, left error
			both.Go(func() { closed = h.Close() })
			both.Go(func() { left = of.leave() })
			both.Wait()
			return errors.Join(closed, left)
		},
	} {
		for _, mode := range []string{"serve", "slow", "silent", "exit", "drains", "breaks"} {
			t.Run(name+"_"+mode, func(t *testing.T) {
				h := newHost(t)
				of := h.handleOf(planOf(t, mode), pipeline.Settings{})
				of.join()
				ctx := within(t)
				var all, begun sync.WaitGroup
				begun.Add(callers)
				for range callers {
					all.Go(func() {
						begun.Done()
						s, err := of.acquire(ctx)
						if e := inner(err); (s == nil) == (err == nil) || err != nil && (e == nil || e.Kind != pipeline.KindPlugin) {
							t.Errorf("got %v, %v", s, err)
						}
					})
				}
				begun.Wait()
				if err := end(h, of); err != nil {
					t.Error(err)
				}
				all.Wait()
			})
		}
	}
}
