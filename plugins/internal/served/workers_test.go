package served

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestWorkers_hold_up_nobody: exchanges that block, as many as there are, leave room for the next one.
func TestWorkers_hold_up_nobody(t *testing.T) {
	const blocked = 1000 // more than may wait idle
	release, done := make(chan struct{}), make(chan uint64)
	w := newWorkers(func(x *exchange) {
		if x.id < blocked {
			<-release
		}
		done <- x.id
	})
	for i := range uint64(blocked) {
		w.run(&exchange{id: i})
	}
	w.run(&exchange{id: blocked})
	if id := <-done; id != blocked {
		t.Errorf("exchange %d ended first", id)
	}
	close(release)
	for range blocked {
		<-done
	}
	w.run(&exchange{id: blocked + 1})
	if id := <-done; id != blocked+1 {
		t.Errorf("exchange %d ended last", id)
	}
	w.close()
	if w.waiting != 0 || w.head != len(w.queue) {
		t.Errorf("%d workers and %d exchanges are left", w.waiting, len(w.queue)-w.head)
	}
}

// TestWorkers_run_each_once: whoever adds them, also those that were waiting as the workers were told to end.
func TestWorkers_run_each_once(t *testing.T) {
	const senders, each = 8, 2000
	var ran [senders * each]atomic.Int32
	w := newWorkers(func(x *exchange) { ran[x.id].Add(1) })
	var wg sync.WaitGroup
	for s := range uint64(senders) {
		wg.Go(func() {
			for i := range uint64(each) {
				w.run(&exchange{id: s*each + i})
			}
		})
	}
	wg.Wait()
	w.close()
	for id := range ran {
		if n := ran[id].Load(); n != 1 {
			t.Fatalf("exchange %d ran %d times", id, n)
		}
	}
}
