package served

import "sync"

// workers run exchanges, each on a goroutine that had one before where there is one: its stack is grown already. As long as exchanges wait, one
// worker is on its way to take the next; so short ones are run by few, one after the other, without a wake-up for each, and one that
// blocks holds up no other.
type workers struct {
	do func(*exchange)

	mu      sync.Mutex
	more    sync.Cond
	queue   []*exchange // from head on
	head    int
	waiting int  // workers
	coming  bool // a worker was woken or started, and has not taken an exchange yet
	closed  bool
	running sync.WaitGroup
}

// maxIdle bounds the goroutines that wait for exchanges.
const maxIdle = 256

func newWorkers(do func(*exchange)) *workers {
	w := &workers{do: do}
	w.more.L = &w.mu
	return w
}

// run has an exchange run.
func (w *workers) run(x *exchange) {
	w.mu.Lock()
	w.queue = append(w.queue, x)
	w.call()
	w.mu.Unlock()
}

// call has a worker come. w.mu is held.
func (w *workers) call() {
	switch {
	case w.coming:
		return
	case w.waiting > 0:
		w.more.Signal()
	default:
		w.running.Go(w.work)
	}
	w.coming = true
}

func (w *workers) work() {
	w.mu.Lock()
	for arrived := true; ; arrived = false {
		if arrived {
			w.coming = false
		}
		for w.head == len(w.queue) {
			if w.closed || w.waiting == maxIdle {
				w.mu.Unlock()
				return
			}
			w.waiting++
			w.more.Wait()
			w.waiting--
			w.coming = false
		}
		x := w.queue[w.head]
		w.queue[w.head] = nil
		if w.head++; w.head < len(w.queue) {
			w.call()
		} else {
			w.queue, w.head = w.queue[:0], 0
		}
		w.mu.Unlock()
		w.do(x)
		w.mu.Lock()
	}
}

// close waits for the exchanges to end. None may be added after.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	w.more.Broadcast()
	w.mu.Unlock()
	w.running.Wait()
}
