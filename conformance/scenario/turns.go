package scenario

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"time"
)

// Requests of one moment race each other to their upstreams, and each run of a test must come out alike. So a request waits until all that
// arrive at its moment are there, and then for its turn: in the order of the calls, one nanosecond at a time. Virtual time goes on
// only when everybody waits, so whatever the answer to one of them sets off is over before the next one is answered.
//
// Queues are put in order at odd nanoseconds and turns are at even ones: the one does not race the other.

// slack is what turns may add to a time that a test expects.
const slack = 20 * time.Microsecond

// queue has a request wait for its turn.
func (w *world) queue(r *http.Request, in *arrival) {
	w.mu.Lock()
	if r.ProtoMajor == 1 { // HTTP/2 has many requests on one connection
		in.caller = w.carriers[in.host+" "+r.RemoteAddr]
	}
	in.ordered = w.now()/2*2 + 1
	if in.ordered <= in.at {
		in.ordered += 2
	}
	w.queued = append(w.queued, in)
	w.mu.Unlock()
	w.until(r, in.ordered)
	w.mu.Lock()
	w.order(in.ordered)
	w.mu.Unlock()
	w.until(r, in.turn)
}

// carried has the world know whose request a connection carries.
func (w *world) carried(ctx context.Context, caller int) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		w.mu.Lock()
		w.carriers[addressOf(info.Conn)] = caller
		w.mu.Unlock()
	}})
}

func addressOf(near net.Conn) string {
	return near.RemoteAddr().String() + " " + near.LocalAddr().String()
}

// order gives everybody who waits for that moment a turn.
func (w *world) order(moment time.Duration) {
	var now, later []*arrival
	for _, in := range w.queued {
		if in.ordered == moment {
			now = append(now, in)
		} else {
			later = append(later, in)
		}
	}
	w.queued = later
	slices.SortStableFunc(now, func(a, b *arrival) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.caller, b.caller),
			cmp.Compare(a.uri, b.uri), cmp.Compare(a.method, b.method), cmp.Compare(a.host, b.host))
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

// wait takes time, unless the client leaves, and ends at a moment of its own.
func (w *world) wait(r *http.Request, d time.Duration) {
	w.mu.Lock()
	at := w.slot(w.now() + max(d, 1))
	w.mu.Unlock()
	w.until(r, at)
}

// until waits for a moment, unless the client leaves.
func (w *world) until(r *http.Request, at time.Duration) {
	timer := time.NewTimer(at - w.now())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-w.over:
	}
}
