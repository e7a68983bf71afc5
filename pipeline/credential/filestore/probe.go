package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/leatdev/leat/pipeline/credential"
)

// probeKey is no session's.
var probeKey = credential.Key{Credential: "\x00probe"}

// Probe writes a record as Save does, under a name that nobody reads, and removes it. The folder, which it makes, and the lock file
// of savers stay.
func (s *Store) Probe(ctx context.Context) error {
	const doing = "try to write"
	if err := context.Cause(ctx); err != nil {
		return err
	}
	record, err := s.codec.Encode(ctx, probeKey, credential.Record{Generation: 1})
	if err != nil {
		return s.fault(doing, err)
	}
	if err := s.makeFolder(); err != nil {
		return s.fault(doing, err)
	}
	f := s.files(probeKey)
	f.record = s.path("probe.written")
	unlock, err := s.lockSaves(ctx, f)
	if err != nil {
		return s.fault(doing, err)
	}
	defer unlock()
	if err := ignore(os.Remove(f.temp), fs.ErrNotExist); err != nil { // a probe that was killed left it
		return s.fault(doing, err)
	}
	err = s.write(f, content(probeKey, record))
	if err := errors.Join(err, ignore(os.Remove(f.record), fs.ErrNotExist)); err != nil {
		return s.fault(doing, err)
	}
	return nil
}

// Forget removes the record's file, and what a write to it left. What was put aside earlier stays.
func (s *Store) Forget(ctx context.Context, key credential.Key) error {
	const doing = "remove"
	if err := s.checkFolder(); err != nil {
		return s.faultUnlessMissing(doing, err)
	}
	f := s.files(key)
	unlock, err := s.lockSaves(ctx, f)
	if err != nil {
		return s.fault(doing, err)
	}
	defer unlock()
	for _, path := range []string{f.temp, f.record} {
		if err := ignore(os.Remove(path), fs.ErrNotExist); err != nil {
			return s.fault(doing, err)
		}
	}
	if err := syncFolder(s.dir); err != nil {
		return s.fault(doing, err)
	}
	return nil
}
