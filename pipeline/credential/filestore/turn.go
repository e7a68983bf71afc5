package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/leatdev/leat/pipeline/credential"
)

// How often who waits looks: at first after 5 ms, then after twice as long each time, at most 80 ms.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 80 * time.Millisecond
)

// Lease takes the lock of key's turn. Who waits looks for the lock, and for a newer record, after 5 ms, 10 ms, and so on up to every 80 ms;
// a turn, or news, of another process are seen within that time, and the end of ctx at once. The turn has no end of its own.
func (s *Store) Lease(ctx context.Context, key credential.Key, seen uint64) (credential.Lease, credential.Record, error) {
	if err := s.makeFolder(); err != nil {
		return nil, credential.Record{}, s.fault("lock", err)
	}
	f := s.files(key)
	for look := firstLook; ; look = min(2*look, lastLook) {
		lease, r, err := s.lease(ctx, f, seen)
		if lease != nil {
			return lease, r, nil // not a nil *lease in an interface
		}
		if err != nil {
			return nil, credential.Record{}, s.fault("lock", err)
		}
		if r.Generation != 0 && r.Generation != seen {
			return nil, r, nil
		}
		if err := pause(ctx, look); err != nil {
			return nil, credential.Record{}, err
		}
	}
}

// lease looks once: it returns the turn and the record, or the record alone, or an error.
func (s *Store) lease(ctx context.Context, f files, seen uint64) (*lease, credential.Record, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, credential.Record{}, err
	}
	lock := newLock(f.turn)
	got, err := lock.TryLock()
	if err != nil {
		return nil, credential.Record{}, err
	}
	if !got {
		r, err := s.load(ctx, f)
		return nil, r, ignore(err, credential.ErrUnreadable) // for the one who has the turn to put aside
	}
	l := &lease{lock: lock}
	r, err := s.settled(ctx, f)
	if err != nil || r.Generation != 0 && r.Generation != seen {
		l.Release()
		return nil, r, err
	}
	// Only people read it, and a disk that is full says so soon enough.
	_ = os.WriteFile(f.turn, []byte(me()), 0o600)
	return l, r, nil
}

// settled returns the record, with whatever a killed process left in order.
func (s *Store) settled(ctx context.Context, f files) (credential.Record, error) {
	r, err := s.load(ctx, f)
	if err != nil && !errors.Is(err, credential.ErrUnreadable) {
		return r, err
	}
	if err == nil {
		if _, err := os.Lstat(f.temp); errors.Is(err, fs.ErrNotExist) {
			return r, nil
		}
	}
	unlock, err := s.lockSaves(ctx, f)
	if err != nil {
		return r, err
	}
	defer unlock()
	return s.mend(ctx, f)
}

// lockSaves waits for the lock under which f's record is compared and written: first for this process, then for all.
func (s *Store) lockSaves(ctx context.Context, f files) (unlock func(), err error) {
	mine := s.saves[f.shard]
	select {
	case mine <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	lock := newLock(s.shardLock(f.shard))
	for look := time.Millisecond; ; look = min(2*look, firstLook) {
		got, err := lock.TryLock()
		if err == nil && !got {
			err = pause(ctx, look)
		}
		if err != nil {
			<-mine
			return nil, err
		}
		if got {
			return func() { _ = lock.Unlock(); <-mine }, nil
		}
	}
}

// newLock returns a lock that excludes all others on path, those of this process too: a flock belongs to an open file.
func newLock(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|lockFlags|noFollow), flock.SetPermissions(0o600))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lease is a lock that is held.
type lease struct {
	lock *flock.Flock
	over atomic.Bool
}

// Held is true until Release: the kernel takes a lock from nobody who lives.
func (l *lease) Held() bool { return !l.over.Load() }

// Release empties the lock file, which names the holder, and unlocks it.
func (l *lease) Release() {
	if l.over.Swap(true) {
		return
	}
	_ = os.Truncate(l.lock.Path(), 0)
	_ = l.lock.Unlock()
}

// me is how a holder is named.
func me() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	return fmt.Sprintf("%s, %d\n", host, os.Getpid())
}

// Keys lists the records, tombstones included. A file that can't be read is left out.
func (s *Store) Keys(ctx context.Context) ([]credential.Key, error) {
	if err := s.checkFolder(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, s.fault("list", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, s.fault("list", err)
	}
	var keys []credential.Key
	for _, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if !strings.HasSuffix(e.Name(), recordSuffix) {
			continue
		}
		b, err := readFile(s.path(e.Name()))
		if err != nil {
			continue
		}
		if key, _, ok := split(b); ok && s.files(key).record == s.path(e.Name()) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Holder returns what the process that has the turn wrote into the lock file.
func (s *Store) Holder(ctx context.Context, key credential.Key) (string, error) {
	path := s.files(key).turn
	if err := s.checkFolder(); err != nil {
		return "", s.faultUnlessMissing("read", err)
	}
	// Who has just taken the turn has not written its name yet.
	for range 3 {
		lock := flock.New(path, flock.SetFlag(lockFlags|noFollow))
		free, err := lock.TryRLock()
		if err != nil {
			return "", s.faultUnlessMissing("read", err)
		}
		if free {
			return "", lock.Unlock()
		}
		b, err := readFile(path)
		if err != nil {
			return "", s.faultUnlessMissing("read", err)
		}
		if name := strings.TrimSpace(string(b)); name != "" {
			return name, nil
		}
		if err := pause(ctx, firstLook); err != nil {
			return "", err
		}
	}
	return "a process that has not written its name", nil
}
