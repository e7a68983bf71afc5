package scenario

import (
	"cmp"
	"context"
	"net/http/httptrace"
	"slices"
	"time"
)

// Requests of one moment race each other to their upstreams, and each run of a test must come out alike. So a request waits, once it has a
// connection and again when it has arrived, until all that are as far as it is at that moment are there, and then for its turn: in the
// order of the calls, a nanosecond or two apart. Virtual time goes on only when everybody waits, so whatever a request or the answer to it
// sets off is over before the next one goes on.
//
// Queues are put in order at odd nanoseconds and turns are at even ones: the one does not race the other.

// slack is what turns may add to a time that a test expects.
const slack = 50 * time.Microsecond

// waiting is a place in a queue.
type waiting struct {
	at     time.Duration // since when
	caller int           // whose request it is, from 1; 0 if nobody knows
	what   string        // it asks for

	ordered, turn time.Duration // when the queue was put in order, and when it is its turn
}

// queue waits for its turn, unless ctx ends.
func (w *world) queue(ctx context.Context, in *waiting) {
	w.mu.Lock()
	in.at = w.now()
	in.ordered = in.at/2*2 + 1
	if in.ordered == in.at {
		in.ordered += 2
	}
	w.queued = append(w.queued, in)
	w.mu.Unlock()
	w.until(ctx, in.ordered)
	w.mu.Lock()
	w.order(in.ordered)
	w.mu.Unlock()
	w.until(ctx, in.turn)
}

// order gives everybody who waits for that moment a turn.
func (w *world) order(moment time.Duration) {
	var now, later []*waiting
	for _, in := range w.queued {
		if in.ordered == moment {
			now = append(now, in)
		} else {
			later = append(later, in)
		}
	}
	w.queued = later
	slices.SortStableFunc(now, func(a, b *waiting) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.caller, b.caller), cmp.Compare(a.what, b.what))
	})
	for _, in := range now {
		in.turn = w.slot(moment)
	}
}

// slot returns the next even nanosecond from a moment on that nobody else has. The lock is held.
func (w *world) slot(from time.Duration) time.Duration {
	from = (from + 1) / 2 * 2
	at := from
	for {
		next, taken := w.slots[at]
		if !taken {
			break
		}
		at = next
	}
	w.slots[from], w.slots[at] = at+2, at+2
	return at
}

// inTurn has the requests of a caller wait for their turns before they are written.
func (w *world) inTurn(ctx context.Context, caller int) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		w.queue(ctx, &waiting{caller: caller})
	}})
}

// wait takes time, unless ctx ends, and is over at a moment of its own.
func (w *world) wait(ctx context.Context, d time.Duration) {
	w.mu.Lock()
	at := w.slot(w.now() + max(d, 1))
	w.mu.Unlock()
	w.until(ctx, at)
}

// until waits for a moment, unless ctx or the test ends.
func (w *world) until(ctx context.Context, at time.Duration) {
	timer := time.NewTimer(at - w.now())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-w.over:
	}
}
