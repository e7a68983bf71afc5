package credential

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leatdev/leat/pipeline/redact"
)

func buildCommand(t *testing.T, s Settings, change func(*CommandConfig)) (Source, Placement) {
	t.Helper()
	f := factoryOf(t, "command")
	config := f.Config().(*CommandConfig)
	config.Command = []string{"get-token"}
	if change != nil {
		change(config)
	}
	source, place, err := f.Build(config, s)
	if err != nil {
		t.Fatal(err)
	}
	return source, place
}

// script is a program in dir, for commands that are to run.
func script(t *testing.T, dir, lines string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix shell")
	}
	if err := os.WriteFile(filepath.Join(dir, "get-token"), []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestCommand_reads_what_the_program_prints(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	object := func(c *CommandConfig) { c.Format = "json" }
	for _, tc := range []struct {
		name   string
		change func(*CommandConfig)
		out    string
		access string
		life   time.Duration
		err    string
	}{
		{"text", nil, " " + canary + "\r\n\n", canary, 0, ""},
		{"text_lifetime", func(c *CommandConfig) { c.Lifetime = time.Hour }, canary, canary, time.Hour, ""},
		{"text_nothing", nil, "\n", "", 0, "it printed nothing"},
		{"text_two_lines", nil, canary + "\n" + canary, "", 0, "line break"},
		{"json", object, `{"access_token":"A1","token":"no","expires_in":"60"}`, "A1", time.Minute, ""},
		{"json_token", object, `{"token":"A1","expires_at":"2026-03-01T12:00:30Z"}`, "A1", 30 * time.Second, ""},
		{"json_paths", func(c *CommandConfig) {
			c.Format, c.Access, c.ExpiresAt, c.Lifetime = "json", "data.0.jwt", "data.0.until", time.Hour
		}, fmt.Sprintf(`{"access_token":"no","data":[{"jwt":"A1","until":%d}]}`, now.Unix()+90), "A1", 90 * time.Second, ""},
		{"json_without_end", func(c *CommandConfig) { c.Format, c.Lifetime = "json", time.Hour }, `{"token":"A1"}`, "A1", time.Hour, ""},
		{"json_over", object, `{"token":"` + canary + `","expires_at":"2026-03-01T12:00:00Z"}`, "", 0, "already expired"},
		{"json_none", object, `{"tokens":"` + canary + `"}`, "", 0, `its output has no string "token"`},
		{"json_no_string", object, `{"access_token":{"x":"` + canary + `"}}`, "", 0, `its output has no string "access_token"`},
		{"json_text", object, canary, "", 0, "not one JSON object"},
		{"json_two", object, `{"token":"` + canary + `"}{}`, "", 0, "not one JSON object"},
		{"kubectl", func(c *CommandConfig) { c.Format = "exec-credential" },
			`{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"A1","expirationTimestamp":"2026-03-01T12:15:00Z"}}`,
			"A1", 15 * time.Minute, ""},
		{"kubectl_certificate", func(c *CommandConfig) { c.Format = "exec-credential" },
			`{"status":{"clientKeyData":"` + canary + `"}}`, "", 0, `no string "status.token"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config := factoryOf(t, "command").Config().(*CommandConfig)
			config.Command = []string{"bin/get-token", canary}
			if tc.change != nil {
				tc.change(config)
			}
			if err := config.Validate(); err != nil {
				t.Fatal(err)
			}
			got, err := config.parse([]byte(tc.out), now)
			if got.Lifetime == 0 {
				got.Lifetime = config.Lifetime
			}
			if tc.err == "" && (err != nil || got.Access.Reveal() != tc.access || got.Lifetime != tc.life) {
				t.Errorf("got %q for %v, %v, want %q for %v", got.Access.Reveal(), got.Lifetime, err, tc.access, tc.life)
			}
			if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want an error with %q", err, tc.err)
			}
			checkHidden(t, err, got)
		})
	}
}

func TestCommand_runs_the_program_again_each_time(t *testing.T) {
	dir, learnt := t.TempDir(), []string(nil)
	script(t, dir, `echo x >> runs; echo `+canary+`-$(wc -l < runs | tr -d ' '); echo secret >&2`)
	secrets := NewSecrets(dir, nil, nil, func(s redact.Secret) { learnt = append(learnt, s.Reveal()) })
	source, place := buildCommand(t, Settings{Secrets: secrets}, func(c *CommandConfig) {
		c.Command, c.Lifetime, c.Header, c.Prefix = []string{"./get-token"}, time.Minute, "x-token", ""
	})
	if place.Header != "X-Token" || place.Prefix != "" {
		t.Errorf("placed at %+v", place)
	}
	for i, get := range []func() (Token, error){
		func() (Token, error) { return source.Obtain(t.Context()) },
		func() (Token, error) { return source.Refresh(t.Context(), Token{}) },
	} {
		got, err := get()
		if want := fmt.Sprint(canary, "-", i+1); err != nil || got.Access.Reveal() != want || got.Lifetime != time.Minute {
			t.Errorf("run %d: got %q, %v, want %q", i+1, got.Access.Reveal(), err, want)
		}
	}
	if diff := cmp.Diff([]string{canary + "-1", canary + "-2"}, learnt); diff != "" {
		t.Errorf("learnt: %s", diff)
	}
	checkHidden(t, source)
}

func TestCommand_passes_on_only_what_is_named(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, `env > seen; echo token`)
	t.Setenv("CRED_TEST_SET", "passed")
	t.Setenv("CRED_TEST_HIDDEN", canary)
	source, _ := buildCommand(t, Settings{Subject: "ada", Secrets: NewSecrets(dir, nil, nil, nil)}, func(c *CommandConfig) {
		c.Command, c.Env = []string{"./get-token"}, []string{"CRED_TEST_SET", "CRED_TEST_UNSET"}
	})
	if _, err := source.Obtain(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	seen := strings.Split(string(data), "\n")
	for _, want := range []string{"CRED_TEST_SET=passed", "LEAT_SUBJECT=ada", "PATH=" + os.Getenv("PATH")} {
		if !slices.Contains(seen, want) {
			t.Errorf("the program lacks %s", want)
		}
	}
	for _, not := range []string{canary, "KUBERNETES_EXEC_INFO", "CRED_TEST_UNSET"} {
		if strings.Contains(string(data), not) {
			t.Errorf("the program got %s", not)
		}
	}
}

func TestCommand_failures_show_nothing_of_what_it_printed(t *testing.T) {
	for _, tc := range []struct{ name, lines, want string }{
		{"status", "echo " + canary + "; echo " + canary + " >&2; exit 3", "read: cmd ./get-token: exit status 3: run it by hand to see why"},
		{"killed_at_the_timeout", "echo " + canary + "; sleep 60", "read: cmd ./get-token: stopped: context deadline exceeded"},
		{"endless", "while :; do echo " + canary + "; done", "more than 64 KiB"},
		{"reads", "read x && echo got; echo", "it printed nothing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			script(t, dir, tc.lines)
			source, _ := buildCommand(t, Settings{Secrets: NewSecrets(dir, nil, nil, nil)}, func(c *CommandConfig) {
				c.Command, c.Timeout = []string{"./get-token", canary}, 2*time.Second
			})
			begin := time.Now()
			_, err := source.Obtain(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if f := (*Failure)(nil); !errors.As(err, &f) || f.Op != "read" || !f.NotSent || f.Refresh {
				t.Errorf("got %#v, want a failure to read", err)
			}
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("took %v", took)
			}
			checkHidden(t, err)
		})
	}
}

func TestCommand_is_not_run_where_the_host_gives_its_output(t *testing.T) {
	secrets := NewSecrets("", nil, func(reference, _ string) (string, bool) {
		return `{"status":{"token":"A1"}}`, reference == "cmd no-such-program"
	}, nil)
	source, _ := buildCommand(t, Settings{Secrets: secrets}, func(c *CommandConfig) {
		c.Command, c.Format = []string{"no-such-program", "argument"}, "exec-credential"
	})
	if got, err := source.Obtain(t.Context()); err != nil || got.Access.Reveal() != "A1" {
		t.Errorf("got %q, %v", got.Access.Reveal(), err)
	}
}

func TestCommand_tells_kubectl_plugins_that_nobody_can_be_asked(t *testing.T) {
	env := CommandConfig{Format: "exec-credential"}.environment("")
	if last := env[len(env)-1]; !strings.HasPrefix(last, "KUBERNETES_EXEC_INFO={") || !strings.Contains(last, `"interactive":false`) {
		t.Errorf("got %q", last)
	}
}

func TestCommandConfig_Validate(t *testing.T) {
	for path, change := range map[string]func(*CommandConfig){
		"command":  func(c *CommandConfig) { c.Command = nil },
		"format":   func(c *CommandConfig) { c.Format = "yaml" },
		"access":   func(c *CommandConfig) { c.Access = "x" },
		"lifetime": func(c *CommandConfig) { c.Lifetime = -1 },
		"timeout":  func(c *CommandConfig) { c.Timeout = 11 * time.Second },
		"env[1]":   func(c *CommandConfig) { c.Env = []string{"A", "B=c"} },
		"header":   func(c *CommandConfig) { c.Header = "a b" },
	} {
		config := factoryOf(t, "command").Config().(*CommandConfig)
		config.Command = []string{"x"}
		if err := config.Validate(); err != nil {
			t.Fatal(err)
		}
		change(config)
		var at interface{ ConfigPath() string }
		if err := config.Validate(); !errors.As(err, &at) || at.ConfigPath() != path {
			t.Errorf("got %v, want an error at %s", err, path)
		}
	}
}
