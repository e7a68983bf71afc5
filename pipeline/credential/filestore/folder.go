package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// makeFolder makes the folder where it is missing, and checks it.
func (s *Store) makeFolder() error {
	err := s.checkFolder()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return s.checkFolder()
}

// checkFolder refuses a folder that others may look into, as ssh does with keys. The folder may be a link; what is in it may not.
func (s *Store) checkFolder() error {
	info, err := os.Stat(s.dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder: name one as dir, or a name that is free", s.dir)
	case hasModes && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %04o, so others than its owner may use the tokens in it: chmod 700 it, or name a folder of its own below it as dir", s.dir, info.Mode().Perm())
	}
	return nil
}

// fault says which store, what it was doing, and what helps.
func (s *Store) fault(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("store %s: %s: %w", s.name, doing, err)
	}
	advice := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = ": the record that was there is intact; make room on the disk"
	case errors.Is(err, syscall.EROFS):
		advice = ": mount it for writing, or name another folder as dir"
	case errors.Is(err, fs.ErrPermission):
		advice = ": let the user that runs this program own the folder and what is in it"
	case errors.Is(err, syscall.ENOTDIR):
		advice = ": a part of dir is a file; name a folder"
	case errors.Is(err, syscall.ELOOP):
		advice = ": the store follows no links; move the link away"
	}
	return fmt.Errorf("store %s: %s: %w%s", s.name, doing, told{err}, advice)
}

// told is an error whose text names the file at the end: what stands after "….token: " passes for a secret, and is masked.
type told struct{ error }

func (e told) Error() string {
	switch err := e.error.(type) { //nolint:errorlint // one that is wrapped has words of its own around it
	case *fs.PathError:
		return fmt.Sprintf("%s: %v (the file %q)", err.Op, err.Err, err.Path)
	case *os.LinkError:
		return fmt.Sprintf("%s: %v (the file %q, to %q)", err.Op, err.Err, err.Old, err.New)
	}
	return e.error.Error()
}

func (e told) Unwrap() error { return e.error }

func (s *Store) faultUnlessMissing(doing string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.fault(doing, err)
}
