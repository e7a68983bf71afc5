package served

import (
	"context"
	"sync"
	"time"
)

// life is the context of an exchange: it ends with it, with its session, or at its deadline. It costs nothing until somebody listens.
type life struct {
	x        *exchange
	session  context.Context
	deadline time.Time // zero: none

	mu     sync.Mutex
	err    error
	heard  context.Context // made for the first who listens
	cancel context.CancelFunc
}

type exchangeKey struct{}

// exchangeOf finds the exchange that a context belongs to, for the log handler and the tracer; nil where it belongs to none.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Deadline implements context.Context.
func (l *life) Deadline() (time.Time, bool) { return l.deadline, !l.deadline.IsZero() }

// Done implements context.Context.
func (l *life) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.heard != nil:
	case l.over() != nil: // nobody has heard of it, and what ends later is not why
		ended, end := context.WithCancelCause(context.Background())
		end(l.err)
		l.heard = ended
	case l.deadline.IsZero():
		l.heard, l.cancel = context.WithCancel(l.session)
	default:
		l.heard, l.cancel = context.WithDeadline(l.session, l.deadline)
	}
	return l.heard.Done()
}

// Err implements context.Context.
func (l *life) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over()
}

// over is Err. l.mu is held.
func (l *life) over() error {
	switch {
	case l.err != nil:
	case l.heard != nil:
		l.err = l.heard.Err()
	case !l.deadline.IsZero() && !time.Now().Before(l.deadline):
		l.err = context.DeadlineExceeded
	default:
		l.err = l.session.Err()
	}
	return l.err
}

// Value implements context.Context. Package context finds in it what it derives from without a goroutine.
func (l *life) Value(key any) any {
	if key == (exchangeKey{}) {
		return l.x
	}
	l.mu.Lock()
	heard := l.heard
	l.mu.Unlock()
	if heard == nil {
		return nil
	}
	return heard.Value(key)
}

// end ends it, as canceled if its deadline has not passed.
func (l *life) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over() == nil {
		l.err = context.Canceled
	}
	if l.cancel != nil {
		l.cancel()
	}
}

// finish is end once the stage has returned. Where nobody has listened, nobody will ask why it ended, and when.
func (l *life) finish() {
	l.mu.Lock()
	silent := l.heard == nil
	if silent && l.err == nil {
		l.err = context.Canceled
	}
	l.mu.Unlock()
	if !silent {
		l.end()
	}
}
