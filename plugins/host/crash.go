package host

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/pipeline"
)

// obituaryTime is how long a process whose stream has ended may take to be seen dead: the stream ends a moment earlier.
const obituaryTime = 300 * time.Millisecond

// ending is how a process or its stream ended, in words for people; the raw cause is kept.
type ending struct {
	text  string
	cause error
}

func (e *ending) Error() string { return e.text }
func (e *ending) Unwrap() error { return e.cause }

// obituary says how the process ended whose stream broke by cause, for which it waits a moment; nil: the host has stopped it. A process that
// lives on has broken its stream alone.
func (l *life) obituary(cause error) error {
	over := l.run.wait(obituaryTime)
	switch {
	case l.stopping.Load():
		return nil
	case over, l.why.Load() != nil:
		return &ending{l.epitaph().Error(), cause}
	}
	return &ending{l.run.logs.known(streamEnd(cause)), cause}
}

// epitaph says how the process ended.
func (l *life) epitaph() error {
	if l.far != nil {
		return fmt.Errorf("the process at %s left: %s", l.far.socket, *cmp.Or(l.why.Load(), new("it closed the connection")))
	}
	if why := l.why.Load(); why != nil {
		return fmt.Errorf("%s, so it was killed%s", *why, l.run.lastWords())
	}
	return fmt.Errorf("it %s%s", l.run.ended(0), l.run.lastWords())
}

// streamEnd is the end of a stream in words for people, who need not know what gRPC is.
func streamEnd(cause error) string {
	switch status.Code(cause) {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return "its connection broke"
	default:
		return line(strings.TrimPrefix(status.Convert(cause).Message(), "grpc: "))
	}
}

// explain has those whose exchanges the end of the session has ended hear why. The reader calls it, in real time.
func (s *session) explain() {
	defer close(s.told)
	switch {
	case s.cause == nil:
	case s.opts.obituary != nil:
		s.fate = s.opts.obituary(s.cause)
	default:
		s.fate = &ending{streamEnd(s.cause), s.cause}
	}
}

// crashed is the failure of a plugin whose connection has ended.
func (x *exchange) crashed() *pipeline.Error {
	s := x.inst.session
	select {
	case <-s.told: // the reader tells how
	case <-x.ctx.Done():
		return x.st.failure(classCrash, "plugin %s ended while it worked", x.st.opts.name)
	}
	if s.fate == nil {
		return x.st.failure(classCrash, "plugin %s was stopped while it worked", x.st.opts.name)
	}
	return x.st.failure(classCrash, "plugin %s ended while it worked: %w", x.st.opts.name, s.fate)
}
