package host

import (
	"context"
	"sync/atomic"
)

// doubt is whether a process still works: it has let an exchange run into its timeout, and was not heard since. What begins then waits, for
// it would share that fate. It is safe for concurrent use, and its zero value doubts nothing.
type doubt struct {
	waits atomic.Pointer[ticket] // closed once the process was heard; of one that is given up it stays open
}

func (d *doubt) begin(answered ticket) { d.waits.Store(&answered) }

func (d *doubt) end(answered ticket) {
	d.waits.Store(nil)
	close(answered)
}

// doubted waits while the process is in doubt: until it was heard, which is to say that it works, or is gone, as long as the stage's time
// lasts and the caller stays. With refused, the session takes no new exchange; with stuck, the time went by.
func (s *session) doubted(ctx context.Context, w *stopwatch) (works, refused, stuck bool) {
	if s.opts.doubt == nil {
		return true, false, false
	}
	answered := s.opts.doubt.waits.Load()
	if answered == nil {
		return true, false, false
	}
	expired := w.start()
	defer w.stop()
	select {
	case <-*answered: //nolint:errcheck // it is closed
		works = true
	case <-s.dead:
		refused = true
	case <-s.refusing:
		refused = true
	case <-ctx.Done():
	case <-expired:
		stuck = true
	}
	return works, refused, stuck
}
