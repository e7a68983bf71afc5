package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestSecrets_Resolve_says_where_a_plugin_gets_its_environment(t *testing.T) {
	t.Setenv("LEAT_PLUGIN", "leat-plugin-v1")
	_, err := NewSecrets("", nil, nil, nil).Resolve(t.Context(), Env("CRED_TEST_UNSET"))
	if err == nil || !strings.Contains(err.Error(), "env CRED_TEST_UNSET is not set: name it in env of the plugin's table") {
		t.Errorf("got %v, want where to name it", err)
	}
}

func TestSecrets_Resolve(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token", canary+"\n")
	write("two", canary+"\n\n")
	write("windows", canary+"\r\n")
	write("spaces", " "+canary+" ")
	write("empty", "\n")
	write("large", strings.Repeat("x", maxSecret+1))
	write("print", "#!/bin/sh\necho "+canary+"\n")
	if err := os.Chmod(filepath.Join(dir, "print"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CRED_TEST_SET", canary)
	t.Setenv("CRED_TEST_EMPTY", "")
	t.Setenv("CRED_TEST_HIDDEN", canary) // given as empty: the environment is not asked
	s := NewSecrets(dir, map[string]Ref{
		"db": Env("CRED_TEST_SET"), "loop": Shared("db"), "missing": File("nowhere"),
	}, byName(map[string]string{"GIVEN": canary + "-given", "given": canary + "-shared", "CRED_TEST_HIDDEN": ""}), nil)

	for _, tc := range []struct {
		name string
		ref  Ref
		want string // the value
		err  string // or a part of the error
	}{
		{"env", Env("CRED_TEST_SET"), canary, ""},
		{"env_not_set", Env("CRED_TEST_UNSET"), "", "env CRED_TEST_UNSET is not set: set it"},
		{"env_empty", Env("CRED_TEST_EMPTY"), "", "env CRED_TEST_EMPTY is empty: set it"},
		{"given_empty", Env("CRED_TEST_HIDDEN"), "", "env CRED_TEST_HIDDEN is empty: the program gave it so"},
		{"given_env", Env("GIVEN"), canary + "-given", ""},
		{"given_shared", Shared("given"), canary + "-shared", ""},
		{"file", File("token"), canary, ""},
		{"file_one_newline_only", File("two"), canary + "\n", ""},
		{"file_crlf", File("windows"), canary, ""},
		{"file_keeps_spaces", File("spaces"), " " + canary + " ", ""},
		{"file_absolute", File(filepath.Join(dir, "token")), canary, ""},
		{"file_empty", File("empty"), "", "file empty gave an empty secret"},
		{"file_missing", File("nowhere"), "", "file nowhere: no such file"},
		{"file_large", File("large"), "", "more than 64 KiB"},
		{"file_is_folder", File("."), "", "is a directory"},
		{"shared", Shared("db"), canary, ""},
		{"shared_unknown", Shared("dB"), "", "secret dB is not declared: add [secrets.dB], or use one of: db, loop, missing"},
		{"shared_of_shared", Shared("loop"), "", "refers to another shared secret"},
		{"shared_missing", Shared("missing"), "", "secret missing: file nowhere: no such file"},
		{"cmd", Command("echo", canary), canary, ""},
		{"cmd_relative_program", Command("./print"), canary, ""},
		{"cmd_in_the_files_folder", Command("cat", "token"), canary, ""},
		{"cmd_unknown", Command("no-such-program-here", canary), "", "cmd no-such-program-here: "},
		{"cmd_status", Command("sh", "-c", "echo "+canary+"; echo "+canary+" >&2; exit 3"), "", "cmd sh: exit status 3"},
		{"cmd_empty", Command("true"), "", "cmd true gave an empty secret"},
		{"cmd_large", Command("head", "-c", fmt.Sprint(maxSecret+1), "/dev/zero"), "", "more than 64 KiB"},
		{"cmd_endless", Command("cat", "/dev/zero"), "", "more than 64 KiB"},
		{"zero", Ref{}, "", "no secret is configured"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tc.ref.form != "env" {
				t.Skip("needs a Unix")
			}
			got, err := s.Resolve(t.Context(), tc.ref)
			if tc.err == "" {
				if err != nil || got.Reveal() != tc.want {
					t.Errorf("got %q, %v, want %q", got.Reveal(), err, tc.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got error %v, want one with %q", err, tc.err)
			}
			checkHidden(t, err)
		})
	}
	checkHidden(t, s)
}

func TestSecrets_Resolve_reads_again_and_tells(t *testing.T) {
	var told []string
	s := NewSecrets("", nil, nil, func(v redact.Secret) { told = append(told, v.Reveal()) })
	for _, want := range []string{"one", "two"} {
		t.Setenv("CRED_TEST_SET", want)
		got, err := s.Resolve(t.Context(), Env("CRED_TEST_SET"))
		if err != nil || got.Reveal() != want {
			t.Errorf("got %q, %v, want %q", got.Reveal(), err, want)
		}
	}
	if got := strings.Join(told, " "); got != "one two" {
		t.Errorf("told %q, want both values", got)
	}
	var none *Secrets
	if got, err := none.Resolve(t.Context(), Env("CRED_TEST_SET")); err != nil || got.Reveal() != "two" {
		t.Errorf("a nil resolver gave %q, %v", got.Reveal(), err)
	}
}

func TestSecrets_Resolve_cancel_kills_the_whole_group(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for range 500 { // until the child has told its number
			if data, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil && strings.HasSuffix(string(data), "\n") {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	begin := time.Now()
	_, err := NewSecrets(dir, nil, nil, nil).Resolve(ctx, Command("sh", "-c", "sleep 60 & echo $! > pid; wait"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if took := time.Since(begin); took > 6*time.Second {
		t.Errorf("cancelling took %v", took)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("process %s outlived the command", pid)
}
