package host

import (
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// obituaryTime is how long a process whose stream has ended may take to be seen dead: the stream ends a moment earlier.
const obituaryTime = 100 * time.Millisecond

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
	return &ending{streamEnd(cause), cause}
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
