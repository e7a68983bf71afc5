package host

import (
	"context"
	"sync/atomic"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
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

// ping kills a process that does not answer within d, and reports whether it did.
func (l *life) ping(d time.Duration) (answered bool) {
	if l.far != nil { // it may be at a breakpoint
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	_, err := grpc_health_v1.NewHealthClient(l.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	if status.Code(err) == codes.DeadlineExceeded { // another error is an answer, or the end of the connection
		l.condemn("it did not answer a ping within " + d.String())
		return false
	}
	return true
}
