package redisstore

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leatdev/leat/pipeline/credential"
)

// releaseWait is how long Release waits for Redis before it leaves the rest to the background.
const releaseWait = 500 * time.Millisecond

// Lease waits to be told of a change, and otherwise asks again when the present holder's lease must be over.
func (s *store) Lease(ctx context.Context, key credential.Key, seen uint64) (credential.Lease, credential.Record, error) {
	id := s.know(key)
	value := rand.Text() + " " + s.holder
	var told *waiter
	for {
		asked := time.Now()
		got, err := s.askTurn(ctx, id, seen, value)
		if err != nil {
			s.forsake(id, value)
			return nil, credential.Record{}, err
		}
		switch got.kind {
		case "news":
			r, err := s.decode(ctx, key, got.generation, got.data)
			return nil, r, err
		case "turn":
			var r credential.Record
			if got.generation != "0" {
				if r, err = s.decode(ctx, key, got.generation, got.data); err != nil {
					s.forsake(id, value)
					return nil, credential.Record{}, err
				}
			}
			l, err := s.hold(id, value, asked)
			return l, r, err
		}
		if told == nil { // what changed before this process listened went untold: ask once more
			told = s.await(id)
			defer s.hub.leave(told)
			continue
		}
		if err := told.wait(ctx, s.hub.patience(got.left)); err != nil {
			return nil, credential.Record{}, err
		}
	}
}

// forsake gives back, in the background, a turn that Redis may have granted although its answer did not arrive or was of no use.
func (s *store) forsake(id, value string) {
	s.start(func() { _ = s.giveBack(s.life, id, value) })
}

func (s *store) giveBack(ctx context.Context, id, value string) error {
	_, err := do(ctx, s, "ending the turn to renew", func(ctx context.Context, c redis.UniversalClient) (int, error) {
		return releaseScript.Run(ctx, c, []string{s.leaseKey(id)}, value, s.channel(), message(id, nil)).Int()
	})
	return err
}

// lease is a turn. Its end is reckoned from before it was asked for, on this machine's clock, and a tenth early: clocks differ in pace.
type lease struct {
	store     *store
	id, value string
	until     atomic.Pointer[time.Time]
	ctx       context.Context // ends with Release, with Close, and when it is lost
	stop      context.CancelFunc
}

func (s *store) hold(id, value string, asked time.Time) (*lease, error) {
	l := &lease{store: s, id: id, value: value}
	l.ctx, l.stop = context.WithCancel(s.life)
	l.prolong(asked)
	if !s.start(l.beat) {
		l.stop()
		return nil, s.fault("asking for the turn to renew", errClosed)
	}
	return l, nil
}

func (l *lease) prolong(asked time.Time) {
	until := asked.Add(l.store.config.Lease - l.store.config.Lease/10)
	l.until.Store(&until)
}

// Held compares both clocks: the monotonic one stands still while the machine sleeps, and the wall clock may be set back.
func (l *lease) Held() bool {
	now, until := time.Now(), l.until.Load()
	return l.ctx.Err() == nil && now.Before(*until) && now.Round(0).Before(until.Round(0))
}

// Release is a compare-and-delete in Redis.
func (l *lease) Release() {
	l.stop()
	done := make(chan struct{})
	ok := l.store.start(func() {
		defer close(done)
		if err := l.store.giveBack(l.store.life, l.id, l.value); err != nil {
			l.store.log.Debug("a turn to renew could not be given back: it lapses by itself", "error", err)
		}
	})
	if !ok {
		return
	}
	timer := time.NewTimer(releaseWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// beat extends the lease while it is held.
func (l *lease) beat() {
	every := l.store.config.Lease / 3
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-ticker.C:
		}
		if l.extend(every) {
			continue
		}
		l.stop()
		l.store.log.Warn("a turn to renew was lost: Redis forgot it, or this process was stopped for longer than it lasts")
	}
}

// extend reports false only where the turn is certainly lost. While Redis does not answer, the end comes by the clock.
func (l *lease) extend(within time.Duration) bool {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, within)
	defer cancel()
	got, err := do(ctx, l.store, "extending the turn to renew", func(ctx context.Context, c redis.UniversalClient) (int, error) {
		return extendScript.Run(ctx, c, []string{l.store.leaseKey(l.id)}, l.value, l.store.config.Lease.Milliseconds()).Int()
	})
	if err != nil || l.ctx.Err() != nil {
		return true
	}
	if got == 1 {
		l.prolong(asked)
	}
	return got == 1
}
