// Package storetest holds credential stores against the words of the credential.Store interface. Whoever writes a store calls Test from a
// test of their own.
package storetest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

const (
	// patience is how long anything that must happen may take; a real store may sit on a slow disk, or behind a network.
	patience = 10 * time.Second
	// pause is how long the kit waits for what must not happen.
	pause = 60 * time.Millisecond
	// canary begins every secret that the kit stores, so that an error which holds one is found.
	canary = "storetest-canary-"
)

// Test runs every check as a subtest of t. It calls fresh once per check, for a place that holds no record; fresh returns a func that opens
// a store there, which the check calls several times, each time as another process would: with a connection, a folder handle or a
// cache of its own. A store that can't be shared returns the same one each time. Test closes what it opened, where that is an io.Closer,
// once per store and before the cleanups that fresh registered. The checks run in parallel, last about a second in all, and use the real clock.
//
// What the interface allows to differ is not judged: order among those who wait, how a turn is lost, and what the errors say,
// besides that they hold no secret.
func Test(t *testing.T, fresh func(t *testing.T) (open func() credential.Store)) {
	for _, c := range slices.Concat(recordChecks, turnChecks, extraChecks) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			open := fresh(t)
			c.run(t, &world{t: t, open: open})
		})
	}
}

// check is one claim about a store.
type check struct {
	name string
	run  func(t *testing.T, w *world)
}

// world is the place of one check.
type world struct {
	t      *testing.T
	open   func() credential.Store
	opened []credential.Store
}

// process opens the store once more.
func (w *world) process() *watched {
	s := w.open()
	if c, ok := s.(io.Closer); ok && !slices.Contains(w.opened, s) {
		w.t.Cleanup(func() {
			if err := c.Close(); err != nil {
				w.t.Errorf("close the store: %v", err)
			}
		})
	}
	w.opened = append(w.opened, s)
	return &watched{Store: s, t: w.t}
}

// watched is a store whose errors are searched for secrets.
type watched struct {
	credential.Store
	t *testing.T
}

func (w *watched) quiet(err error) error {
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
		w.t.Errorf("an error of %T holds a secret", w.Store)
	}
	return err
}

// Load searches the error.
func (w *watched) Load(ctx context.Context, key credential.Key) (credential.Record, error) {
	r, err := w.Store.Load(ctx, key)
	return r, w.quiet(err)
}

// Lease searches the error.
func (w *watched) Lease(ctx context.Context, key credential.Key, seen uint64) (credential.Lease, credential.Record, error) {
	l, r, err := w.Store.Lease(ctx, key, seen)
	return l, r, w.quiet(err)
}

// Save searches the error.
func (w *watched) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	return w.quiet(w.Store.Save(ctx, key, prev, r))
}

// load fails the test where Load does.
func (w *watched) load(key credential.Key) credential.Record {
	w.t.Helper()
	r, err := w.Load(w.t.Context(), key)
	if err != nil {
		w.t.Fatalf("load %q: %v", key, err)
	}
	return r
}

// save puts r in place of prev and fails the test where that does not work.
func (w *watched) save(key credential.Key, prev uint64, r credential.Record) {
	w.t.Helper()
	if err := w.Save(w.t.Context(), key, prev, r); err != nil {
		w.t.Fatalf("save %q: %v", key, err)
	}
}

// take returns the turn, which must be free.
func (w *watched) take(key credential.Key, seen uint64) (*once, credential.Record) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	l, r, err := w.Lease(ctx, key, seen)
	if err != nil || l == nil {
		w.t.Fatalf("lease %q: got turn %v and error %v, want a turn", key, l != nil, err)
	}
	o := &once{Lease: l}
	w.t.Cleanup(o.Release)
	return o, r
}

// once is a turn that ends with its test where the test did not end it.
type once struct {
	credential.Lease
	over sync.Once
}

// Release ends the turn if that was not done.
func (o *once) Release() { o.over.Do(o.Lease.Release) }

// got is what Lease returned.
type got struct {
	lease  credential.Lease
	record credential.Record
	err    error
	after  time.Duration
}

// wait calls Lease in a goroutine of its own. What it brings is released at the end where the test did not receive it.
func (w *watched) wait(ctx context.Context, key credential.Key, seen uint64) <-chan got {
	ch, start := make(chan got, 1), time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	var running sync.WaitGroup
	running.Go(func() {
		defer cancel()
		l, r, err := w.Lease(ctx, key, seen)
		ch <- got{l, r, err, time.Since(start)}
	})
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
		select {
		case g := <-ch:
			if g.lease != nil {
				g.lease.Release()
			}
		default:
		}
	})
	return ch
}

// waits fails the test if Lease returned by now.
func (w *watched) waits(ch <-chan got, why string) {
	w.t.Helper()
	select {
	case g := <-ch:
		w.t.Fatalf("Lease returned turn %v, generation %d and error %v, want it to wait: %s", g.lease != nil, g.record.Generation, g.err, why)
	case <-time.After(pause):
	}
}

// token is a record of the given generation.
func token(generation uint64) credential.Record {
	return credential.Record{
		Generation: generation, Obtained: time.Unix(1_700_000_000, 0),
		Token: credential.Token{Access: redact.NewSecret(fmt.Sprint(canary, "access-", generation)), Refresh: redact.NewSecret(fmt.Sprint(canary, "refresh-", generation)), Lifetime: time.Hour},
	}
}

// until polls for what another goroutine brings about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
		<-time.After(5 * time.Millisecond)
	}
}
