package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/leatdev/leat/pipeline/credential"
)

const maxRecord = 4 << 20 // bytes; larger is not ours

// Load returns the record of key, or an error that names the file and what to do with it.
func (s *Store) Load(ctx context.Context, key credential.Key) (credential.Record, error) {
	if err := context.Cause(ctx); err != nil {
		return credential.Record{}, err
	}
	r, err := s.load(ctx, s.files(key))
	if err != nil {
		return credential.Record{}, s.fault("read", err)
	}
	return r, nil
}

// Save replaces the record whose generation is prev, and returns once the new one is on disk. Only the wait for another process that saves
// ends with ctx. Where it fails, the old record stands, unless the error is of the last step: then the new one does.
func (s *Store) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	record, err := s.codec.Encode(ctx, key, r)
	if err != nil {
		return s.fault("write", err)
	}
	if err := s.makeFolder(); err != nil {
		return s.fault("write", err)
	}
	f := s.files(key)
	unlock, err := s.lockSaves(ctx, f)
	if err != nil {
		return s.fault("write", err)
	}
	defer unlock()
	now, err := s.mend(ctx, f)
	if err != nil {
		return s.fault("write", err)
	}
	if now.Generation != prev {
		return credential.ErrConflict
	}
	if err := s.write(f, content(key, record)); err != nil {
		return s.fault("write", err)
	}
	return nil
}

// load reads a record, and nothing where there is no file or no folder.
func (s *Store) load(ctx context.Context, f files) (credential.Record, error) {
	if err := s.checkFolder(); err != nil {
		return credential.Record{}, ignore(err, fs.ErrNotExist)
	}
	return s.read(ctx, f, f.record)
}

// read decodes the file at path, which is the record or the temporary file of f.
func (s *Store) read(ctx context.Context, f files, path string) (credential.Record, error) {
	b, err := readFile(path)
	if err != nil {
		return credential.Record{}, ignore(err, fs.ErrNotExist)
	}
	key, record, ok := split(b)
	if !ok || key != f.key {
		return credential.Record{}, fmt.Errorf("%w (the file %q): see what it is, and delete it or log in anew", credential.ErrUnreadable, path)
	}
	r, err := s.codec.Decode(ctx, f.key, record)
	if err != nil {
		return credential.Record{}, fmt.Errorf("%w (the file %q)", err, path)
	}
	return r, nil
}

// mend returns the record after what a killed process left is put in order. The caller holds the lock of savers, so that nobody is
// writing: a temporary file is complete, and then newer than the record, or it is worth nothing.
func (s *Store) mend(ctx context.Context, f files) (credential.Record, error) {
	r, err := s.read(ctx, f, f.record)
	if errors.Is(err, credential.ErrUnreadable) {
		if err := os.Rename(f.record, f.unreadable); err != nil {
			return r, err
		}
		s.logger.Error("a stored token can't be read: it is put aside, and the session goes on without it", "store", s.name, "error", err, "file", f.unreadable)
		r, err = credential.Record{}, nil
	}
	if err != nil {
		return r, err
	}
	left, err := s.read(ctx, f, f.temp)
	switch {
	case err != nil && !errors.Is(err, credential.ErrUnreadable):
		return r, err
	case err == nil && left.Generation > r.Generation:
		if err := s.place(f); err != nil {
			return r, err
		}
		s.logger.Warn("a process ended while it stored a token: the write is completed", "store", s.name, "file", f.record)
		return left, nil
	}
	return r, ignore(os.Remove(f.temp), fs.ErrNotExist)
}

// write puts b in place of the record.
func (s *Store) write(f files, b []byte) (err error) {
	if err := s.at(stepCreate, f.temp); err != nil {
		return err
	}
	file, err := os.OpenFile(f.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	placing := false
	defer func() {
		if err != nil && !placing {
			_ = os.Remove(f.temp) // if that fails as well, the next one does it
		}
	}()
	if err = s.at(stepWrite, f.temp); err == nil {
		_, err = file.Write(b)
	}
	if err == nil {
		err = s.at(stepSync, f.temp)
	}
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := s.at(stepRename, f.temp); err != nil {
		return err
	}
	placing = true
	return s.place(f)
}

// place makes the temporary file the record, durably.
func (s *Store) place(f files) error {
	if err := os.Rename(f.temp, f.record); err != nil {
		return err
	}
	if err := s.at(stepDurable, s.dir); err != nil {
		return err
	}
	return syncFolder(s.dir)
}

// readFile reads a plain file of sensible size. It follows no link and waits for no pipe.
func readFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a plain file: move it away", path)
	}
	if info.Size() > maxRecord {
		return nil, fmt.Errorf("%w (the file %q): it has more than %d MiB", credential.ErrUnreadable, path, maxRecord>>20)
	}
	return io.ReadAll(file)
}

// ignore returns nil for the error that does not matter.
func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}
