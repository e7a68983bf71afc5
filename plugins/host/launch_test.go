//go:build linux || darwin

package host

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

func TestEnvironment(t *testing.T) {
	t.Setenv("LEAT_TEST_SECRET", "hidden")
	t.Setenv("LEAT_TEST_SHOWN", "shown")
	dump := filepath.Join(t.TempDir(), "env")
	p := planOf(t, "env", dump)
	p.Config.Env = []string{"LEAT_TEST_SHOWN", "LEAT_TEST_SET=a=b", "LEAT_TEST_UNSET", "LEAT_PLUGIN=mine"}
	acquired(t, joined(t, newHost(t), p))
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for entry := range strings.SplitSeq(string(text), "\n") {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{
		"LEAT_PLUGIN", "LEAT_TEST_SET", "LEAT_TEST_SHOWN", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got  %v\nwant %v", names, want)
	}
	for _, entry := range []string{"LEAT_TEST_SHOWN=shown", "LEAT_TEST_SET=a=b", "LEAT_PLUGIN=leat-plugin-v1"} {
		if !strings.Contains(string(text), entry) {
			t.Errorf("%s is not in\n%s", entry, text)
		}
	}
}

func TestPin(t *testing.T) {
	digest := func(t *testing.T, path string) string {
		t.Helper()
		d, err := Digest(path)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Run("that_fits_is_run", func(t *testing.T) {
		p := planOf(t, "ok")
		p.Config.SHA256 = strings.ToUpper(digest(t, p.Config.Command[0]))
		acquired(t, joined(t, newHost(t), p))
	})
	t.Run("of_another_file_is_not", func(t *testing.T) {
		p := planOf(t, "ok")
		p.Config.SHA256 = strings.Repeat("0", 64)
		_, err := joined(t, newHost(t), p).acquire(within(t))
		if reasonOf(err) != "start" {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{"is not run: its SHA-256 is " + digest(t, p.Config.Command[0]), "by sha256 it must be 000000", "whatever it goes on to run"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error\n\t%v\nlacks\n\t%s", err, want)
			}
		}
	})
	t.Run("runs_the_file_that_was_judged", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "tool")
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho judged\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		prog, err := openProgram(path, pinned{program: digest(t, path), by: "sha256"})
		if err != nil {
			t.Fatal(err)
		}
		defer prog.close()
		if err := prog.unchanged(); err != nil {
			t.Error(err)
		}
		other := filepath.Join(dir, "other")
		if err := os.WriteFile(other, []byte("#!/bin/sh\necho other!\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
		if err := prog.unchanged(); err == nil || !strings.Contains(err.Error(), "was replaced while it was started") {
			t.Errorf("got %v", err)
		}
	})
}

func TestPin_of_an_argument(t *testing.T) {
	named := func(t *testing.T, mode, text string) (p pipeline.PluginPlan, path string) {
		t.Helper()
		p = planOf(t, mode, "script.py")
		path = filepath.Join(p.Dir, "script.py")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := NewLocked(p, &Interface{Types: []Type{{Name: "pass"}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Programs = nil
		if _, err := (&Lock{Plugins: map[string]*Locked{"raw": l}}).Write(LockPath(p)); err != nil {
			t.Fatal(err)
		}
		return p, path
	}
	t.Run("that_fits_is_run", func(t *testing.T) {
		p, _ := named(t, "ok", "pass")
		acquired(t, joined(t, newHost(t), p))
	})
	t.Run("of_another_file_is_not", func(t *testing.T) {
		p, path := named(t, "exit", "pass") // it ends with an error of its own if it is run
		want, err := Digest(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Digest(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = joined(t, newHost(t), p).acquire(within(t))
		e := inner(err)
		if reasonOf(err) != "start" || e.Class != pipeline.ClassTerminal {
			t.Fatalf("got %v", err)
		}
		text := "it is not run: the SHA-256 of the file script.py is " + got + ", by pipelines.lock it must be " + want + "; if that is right, run `leat plugin lock`"
		if !strings.HasSuffix(e.Message, text) {
			t.Errorf("got  %s\nwant %s", e.Message, text)
		}
	})
	t.Run("is_looked_at_again_once_it_runs", func(t *testing.T) {
		p, _ := named(t, "env", "pass") // it overwrites the file
		_, err := joined(t, newHost(t), p).acquire(within(t))
		if reasonOf(err) != "start" || !strings.Contains(err.Error(), "script.py was replaced while it was started: it was not the file that pipelines.lock names any more") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("holds_for_a_trial", func(t *testing.T) {
		p, path := named(t, "ok", "pass")
		if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
			t.Fatal(err)
		}
		trial, err := newHost(t).Try(p, nil, io.Discard)
		if err == nil {
			trial.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "it is not run: the SHA-256 of the file script.py") {
			t.Errorf("got %v", err)
		}
	})
}
