package served

import (
	"context"
	"errors"
	"sync"
	"time"
)

// life is the context of an exchange: it ends with it, or at its deadline. It costs nothing until somebody listens.
type life struct {
	x        *exchange
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
	if l.heard == nil {
		l.heard, l.cancel = context.WithCancel(context.Background())
		if !l.deadline.IsZero() && !errors.Is(l.err, context.Canceled) { // it may have passed since
			l.heard, l.cancel = context.WithDeadline(context.Background(), l.deadline)
		}
		if l.err != nil {
			l.cancel()
		}
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
