//go:build linux || darwin

package host

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSocketFolder(t *testing.T) {
	short := func(t *testing.T) string {
		t.Helper()
		dir, err := os.MkdirTemp("/tmp", "leat-test-") //nolint:usetesting // the path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		t.Setenv("XDG_RUNTIME_DIR", dir)
		return dir
	}
	t.Run("is_its_owners_alone", func(t *testing.T) {
		dir := short(t)
		f, err := newSocketFolder()
		if err != nil {
			t.Fatal(err)
		}
		defer f.remove()
		info, err := os.Stat(f.path)
		if err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(f.path) != dir {
			t.Errorf("got %s, %v, %v", f.path, info.Mode(), err)
		}
	})
	t.Run("of_a_living_host_is_not_swept", func(t *testing.T) {
		dir := short(t)
		f, err := newSocketFolder()
		if err != nil {
			t.Fatal(err)
		}
		defer f.remove()
		sweep(dir)
		if _, err := os.Stat(f.path); err != nil {
			t.Error(err)
		}
	})
	t.Run("of_a_dead_host_is_swept_and_nothing_else", func(t *testing.T) {
		dir := short(t)
		for _, name := range []string{"leat-plugin-1", "leat-other"} {
			if err := os.MkdirAll(filepath.Join(dir, name, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		l, err := net.Listen("unix", filepath.Join(dir, "leat-plugin-1", "s"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := os.Symlink(filepath.Join(dir, "leat-other"), filepath.Join(dir, "leat-plugin-2")); err != nil {
			t.Fatal(err)
		}
		sweepAll()
		left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil || len(left) != 2 { // of the folder, and through the link
			t.Errorf("left: %v, %v", left, err)
		}
	})
	t.Run("is_made_while_others_sweep", func(t *testing.T) {
		dir := short(t)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 200 {
					sweep(dir)
				}
			})
			all.Go(func() {
				for range 50 {
					f, err := newSocketFolder()
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := os.Stat(f.path); err != nil {
						t.Error(err)
					}
					f.remove()
				}
			})
		}
		all.Wait()
	})
	t.Run("has_a_path_that_is_short_enough", func(t *testing.T) {
		long := filepath.Join(short(t), strings.Repeat("x", 80))
		if err := os.Mkdir(long, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_RUNTIME_DIR", long)
		t.Setenv("TMPDIR", long)
		f, err := newSocketFolder()
		if err != nil {
			t.Fatal(err)
		}
		defer f.remove()
		if filepath.Dir(f.path) != "/tmp" {
			t.Errorf("got %s", f.path)
		}
	})
}
