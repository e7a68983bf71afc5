//go:build linux || darwin

package host_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// Stages of one plugin stand within each other, and more callers come than the plugin may work on at once: those that are in next hold
// nobody up.
func TestFaultNested(t *testing.T) {
	t.Parallel()
	const callers = 12
	for _, places := range []int{1, 2} {
		t.Run(fmt.Sprintf("max_in_flight_%d", places), func(t *testing.T) {
			t.Parallel()
			var inside sync.WaitGroup // until all callers are in the upstream
			inside.Add(callers)
			w := newWorld(t, setting{
				command: []string{"as-good"}, plugin: fmt.Sprintf("max_in_flight = %d", places),
				file: `
[stages.within]
use = "p/good"
[pipelines.nested]
base_url = "UPSTREAM"
stages = ["s", "within"]
`,
				handler: func(rw http.ResponseWriter, _ *http.Request) {
					inside.Done()
					inside.Wait()
					rw.WriteHeader(http.StatusNoContent)
				},
			})
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					if a := w.sendTo("nested", nil); a.status() != http.StatusNoContent {
						t.Errorf("got %v, want 204", a)
					}
				})
			}
			all.Wait()
		})
	}
}
