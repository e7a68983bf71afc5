package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// fake names the variable that makes the test's own program play the command: it does what the value says.
const fake = "LEAT_MUTANTS_FAKE"

func TestMain(m *testing.M) {
	switch os.Getenv(fake) {
	case "":
		goleak.VerifyTestMain(m)
	case "passes":
		fmt.Print(`{"passed": 7, "failed": 0, "skipped": 0, "results": []}`)
	case "fails":
		fmt.Print(`{"passed": 6, "failed": 1, "results": [{"file": "conformance/corpus/retry/body.test.toml", "name": "x", "status": "failed"}]}`)
		os.Exit(1)
	case "crashes":
		panic("out of order")
	case "hangs":
		time.Sleep(time.Hour)
	}
}

// The list would rot silently otherwise: a find that no longer stands in its file is a breakage that nobody makes any more.
func TestList(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(mutants); got < 48 {
		t.Errorf("mutants: got %d, want at least 48", got)
	}
	for _, m := range mutants {
		source, err := m.apply(root)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.File, source, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s does not parse: %v", m.ID, err)
		}
	}
}

func TestList_refuses(t *testing.T) {
	const source = "package a\n\nvar x, y = 1, 1\n"
	good := mutant{ID: "a-b", What: "It is broken.", File: "a.go", Find: "x, y", Replace: "y, x"}
	tests := map[string]struct {
		change func(*mutant)
		want   string
	}{
		"a_find_that_is_gone":        {func(m *mutant) { m.Find = "z" }, "stands 0 times in a.go"},
		"a_find_that_stands_twice":   {func(m *mutant) { m.Find = "1" }, "stands 2 times in a.go"},
		"an_empty_find":              {func(m *mutant) { m.Find = "" }, "not once"},
		"no_change":                  {func(m *mutant) { m.Replace = m.Find }, "changes nothing"},
		"an_id_with_spaces":          {func(m *mutant) { m.ID = "a b" }, "kebab-case"},
		"an_id_that_stands_twice":    {func(m *mutant) { m.ID = "first" }, "stands twice"},
		"half_a_test":                {func(m *mutant) { m.Test = "TestX" }, "a package and a test's name"},
		"no_sentence":                {func(m *mutant) { m.What = "" }, "one line"},
		"a_test":                     {func(m *mutant) { m.File = "a_test.go" }, "no source file"},
		"a_file_outside":             {func(m *mutant) { m.File = "../a.go" }, "no source file"},
		"a_file_that_is_not_there":   {func(m *mutant) { m.File = "b.go" }, "b.go"},
		"nothing_of_what_is_correct": {func(*mutant) {}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			m := good
			tt.change(&m)
			text := "[[mutant]]\nid='first'\nwhat='x'\nfile='a.go'\nfind='x'\nreplace='z'\n" +
				fmt.Sprintf("[[mutant]]\nid=%q\nwhat=%q\nfile=%q\nfind=%q\nreplace=%q\ntest=%q\n", m.ID, m.What, m.File, m.Find, m.Replace, m.Test)
			write(t, filepath.Join(root, "a.go"), source)
			write(t, filepath.Join(root, listFile), text)
			_, err := load(root)
			if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestJudge(t *testing.T) {
	result := func(file, status string) string {
		return fmt.Sprintf(`{"file": %q, "name": "n", "status": %q}`, file, status)
	}
	four := `{"passed": 1, "failed": 5, "skipped": 0, "results": [` + strings.Join([]string{
		result("conformance/corpus/retry/a.test.toml", "failed"), result("conformance/corpus/retry/a.test.toml", "failed"),
		result("conformance/corpus/ok.test.toml", "passed"), result("/elsewhere/conformance/corpus/b.test.toml", "failed"),
		result("c.test.toml", "failed"), result("conformance/corpus/d.test.toml", "failed"),
	}, ",") + `]}`
	tests := map[string]struct {
		out, complaints string
		exit            int
		caught          bool
		want            string
	}{
		"all_passed_is_not_caught":        {`{"passed": 3, "failed": 0, "results": []}`, "a warning", 0, false, "**not caught**"},
		"names_three_files_and_how_many":  {four, "", 1, true, "`retry/a`, `b`, `c` and 1 more"},
		"failures_without_results":        {`{"passed": 3, "failed": 2}`, "", 1, true, "2 scenarios"},
		"no_report_is_a_crash":            {"panic", "panic: x\ngoroutine 1", 2, true, "crash (exit code 2): panic: x"},
		"another_object_is_a_crash":       {`{}`, "", 0, true, "crash (exit code 0)"},
		"an_exit_code_alone_is_a_crash":   {`{"passed": 3, "failed": 0, "results": []}`, "", 3, true, "crash (exit code 3)"},
		"nothing_at_all_is_a_crash":       {"", "", 0, true, "crash (exit code 0)"},
		"a_failure_counts_without_a_code": {`{"passed": 0, "failed": 1, "results": [` + result("conformance/corpus/e.test.toml", "failed") + `]}`, "", 0, true, "`e`"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := judge([]byte(tt.out), []byte(tt.complaints), tt.exit)
			if got.caught() != tt.caught || got.String() != tt.want {
				t.Errorf("got %v, %q, want %v, %q", got.caught(), got, tt.caught, tt.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	tests := map[string]struct {
		limit time.Duration
		want  string
	}{
		"passes":  {time.Minute, "**not caught**"},
		"fails":   {time.Minute, "`retry/body`"},
		"crashes": {time.Minute, "crash (exit code 2): panic: out of order"},
		"hangs":   {50 * time.Millisecond, "hang (50ms)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fake, name)
			l := &lab{root: t.TempDir(), limit: tt.limit}
			got, err := l.run(t.Context(), os.Args[0])
			if err != nil || got.String() != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	t.Run("ends_with_the_context", func(t *testing.T) {
		t.Setenv(fake, "hangs")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		l := &lab{root: t.TempDir(), limit: time.Hour}
		if _, err := l.run(ctx, os.Args[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

func TestPrintTable(t *testing.T) {
	var out bytes.Buffer
	printTable(&out, []mutant{{ID: "a", What: "One | two."}, {ID: "b", What: "Three."}}, []verdict{{failed: 1, files: []string{"x"}}, {}})
	want := "| breakage | what | caught by |\n|---|---|---|\n| `a` | One \\| two. | `x` |\n| `b` | Three. | **not caught** |\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestFlags(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"a_regexp_that_is_none": {[]string{"-run", "("}, "-run:"},
		"a_mutant_as_argument":  {[]string{"retry"}, "choose mutants with -run"},
		"no_jobs":               {[]string{"-jobs", "0"}, "at least 1"},
		"a_run_without_a_match": {[]string{"-run", "^nothing$"}, "no mutant matches"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), tt.args, &out, &out); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
