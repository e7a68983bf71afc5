//go:build unix

package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		all = append(all, filepath.Ext(e.Name()))
	}
	return strings.Join(all, " ")
}

func TestStore_keeps_to_itself(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	base := t.TempDir()
	s, err := New(Config{Dir: "a/tokens"}, credential.StoreSettings{Name: "tokens", Dir: base})
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, 0)
	lease, _, err := s.Lease(t.Context(), demo, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	if got := names(t, base+"/a/tokens"); got != ".lock .token .lock" {
		t.Errorf("the folder holds %q", got)
	}
	if info, err := os.Stat(base + "/a/tokens"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (%v)", info.Mode(), err)
	}
}

func TestStore_refuses_a_folder_that_others_may_use(t *testing.T) {
	for _, mode := range []fs.FileMode{0o750, 0o701, 0o770, 0o704} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, nil)
		_, err := s.Load(t.Context(), demo)
		wantError(t, err, dir, "others than its owner may use the tokens", "chmod 700")
		wantError(t, s.Save(t.Context(), demo, 0, record(1)), "chmod 700")
		_, _, err = s.Lease(t.Context(), demo, 0)
		wantError(t, err, "chmod 700")
		_, err = s.Keys(t.Context())
		wantError(t, err, "chmod 700")
		if got := names(t, dir); got != "" {
			t.Errorf("it left %q", got)
		}
	}
}

// TestStore_fails_and_keeps_the_old_record has each step of a write fail as a system's call does.
func TestStore_fails_and_keeps_the_old_record(t *testing.T) {
	for _, tc := range []struct {
		step  step
		cause error
		says  string
		stays uint64
	}{
		{stepCreate, syscall.EROFS, "mount it for writing", 1},
		{stepCreate, syscall.EACCES, "let the user that runs this program own the folder", 1},
		{stepCreate, syscall.ENOSPC, "the record that was there is intact; make room", 1},
		{stepWrite, syscall.ENOSPC, "make room", 1},
		{stepWrite, syscall.EDQUOT, "make room", 1},
		{stepSync, syscall.EIO, "input/output error", 1},
		{stepRename, syscall.EACCES, "own the folder", 1},
		{stepDurable, syscall.EIO, "input/output error", 2},
	} {
		t.Run(string(tc.step)+" "+tc.cause.Error(), func(t *testing.T) {
			dir := t.TempDir() + "/tokens"
			s := open(t, dir, nil)
			save(t, s, 0)
			s.before = func(at step, _ string) error {
				if at == tc.step {
					return tc.cause
				}
				return nil
			}
			err := s.Save(t.Context(), demo, 1, record(2))
			wantError(t, err, dir, tc.says)
			if !errors.Is(err, tc.cause) {
				t.Errorf("got %v, want its cause kept", err)
			}
			wantGeneration(t, s, tc.stays)
			if got := names(t, dir); got != ".token .lock" {
				t.Errorf("it left %q", got)
			}
			s.before = nil
			save(t, s, tc.stays)
			wantGeneration(t, s, tc.stays+1)
		})
	}
}

func TestStore_says_what_is_in_the_way(t *testing.T) {
	lease := func(s *Store) error {
		l, _, err := s.Lease(t.Context(), demo, 0)
		if l != nil {
			l.Release()
		}
		return err
	}
	for _, tc := range []struct {
		name string
		lay  func(dir string, f files) error
		says string
	}{
		{"dir_is_a_file", func(dir string, _ files) error { return os.WriteFile(dir, nil, 0o600) }, "is not a folder: name one as dir"},
		{"dir_below_a_file", func(dir string, _ files) error { return os.WriteFile(filepath.Dir(dir), nil, 0o600) }, "a part of dir is a file; name a folder"},
		{"record_is_a_link", func(dir string, f files) error {
			return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(dir+"/other", content(demo, nil), 0o600), os.Symlink(dir+"/other", f.record))
		}, "follows no links; move the link away"},
		{"record_is_a_folder", func(_ string, f files) error { return os.MkdirAll(f.record, 0o700) }, "is not a plain file: move it away"},
		{"record_is_a_pipe", func(dir string, f files) error {
			return errors.Join(os.MkdirAll(dir, 0o700), syscall.Mkfifo(f.record, 0o600))
		}, "is not a plain file: move it away"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir() + "/a/tokens"
			if tc.name != "dir_below_a_file" {
				if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, dir, nil)
			if err := tc.lay(dir, s.files(demo)); err != nil {
				t.Fatal(err)
			}
			_, err := s.Load(t.Context(), demo)
			wantError(t, err, dir, tc.says)
			wantError(t, lease(s), dir, tc.says)
			wantError(t, s.Save(t.Context(), demo, 0, record(1)), dir, tc.says)
		})
	}
	t.Run("locks_are_links", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, nil)
		f := s.files(demo)
		if err := errors.Join(os.Symlink(dir+"/other", f.turn), os.Symlink(dir+"/other", s.shardLock(f.shard))); err != nil {
			t.Fatal(err)
		}
		wantError(t, lease(s), "follows no links")
		wantError(t, s.Save(t.Context(), demo, 0, record(1)), "follows no links")
		if _, err := os.Lstat(dir + "/other"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a link was followed: %v", err)
		}
	})
}

// TestStore_waits_for_another_saver_no_longer_than_asked holds the lock of savers, as a process that is stopped does.
func TestStore_waits_for_another_saver_no_longer_than_asked(t *testing.T) {
	dir := t.TempDir() + "/tokens"
	a, b := open(t, dir, nil), open(t, dir, nil)
	save(t, a, 0)
	unlock, err := a.lockSaves(t.Context(), a.files(demo))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for _, s := range []*Store{a, b} { // of the same process, and of another
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		if err := s.Save(ctx, demo, 1, record(2)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	wantGeneration(t, b, 1)
}

func TestConfig(t *testing.T) {
	_, err := New(Config{}, credential.StoreSettings{})
	if err == nil || !strings.Contains(err.Error(), "needs dir: the folder that keeps the tokens") {
		t.Errorf("got %v", err)
	}
	if s, err := New(Config{Dir: "/abs"}, credential.StoreSettings{Dir: "/etc"}); err != nil || s.dir != "/abs" {
		t.Errorf("got %v, %v", s, err)
	}
}
