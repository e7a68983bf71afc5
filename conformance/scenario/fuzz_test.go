package scenario_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// FuzzLoad reads anything at all: what is wrong has a place, and nothing panics.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.test.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
		for test := range strings.SplitSeq(string(text), "[[test]]") {
			f.Add("version = 1\nfile = \"api.toml\"\n[[test]]" + test)
		}
	}
	archive, err := txtar.ParseFile(mistakes)
	if err != nil {
		f.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, a := range archive.Files {
		if strings.HasSuffix(a.Name, ".toml") {
			fsys[a.Name] = &fstest.MapFile{Data: a.Data}
		} else if !strings.HasSuffix(a.Name, ".out") {
			f.Add("version = 1\nfile = \"api.toml\"\n" + string(a.Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"x.test.toml": &fstest.MapFile{Data: []byte(text)}, "api.toml": fsys["api.toml"], "two.toml": fsys["two.toml"]}
		s, err := scenario.LoadFS(fsys, "x.test.toml", pipeline.WithStages(stages.All()...))
		if err == nil {
			if len(s.Tests()) == 0 {
				t.Error("it is right and holds no test")
			}
			return
		}
		diags, ok := errors.AsType[config.Diagnostics](err)
		if !ok || len(diags) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		lines := strings.Count(text, "\n") + 1
		for _, d := range diags {
			if d.File == "" || d.Message == "" || d.File == "x.test.toml" && d.Line > lines {
				t.Errorf("%+v", d)
			}
		}
	})
}

// Files that nobody writes by hand are read, or refused.
func TestLoad_large_and_odd(t *testing.T) {
	const head = "version = 1\n[pipelines.api]\nbase_url = \"https://api.example.com\"\nstages = [\"retry\"]\n"
	test := func(name, more string) string {
		return "[[test]]\nname = \"" + name + "\"\n" + more + "[[test.call]]\nrequest = \"GET /\"\nexpect = { status = 200 }\n"
	}
	var many strings.Builder
	for i := range 500 {
		many.WriteString(test(strings.Repeat("x", i+1), ""))
	}
	for name, tc := range map[string]struct{ text, wrong string }{
		"many_tests":          {head + many.String(), ""},
		"many_answers":        {head + test("a", "answers = ["+strings.Repeat("{ status = 503 },", 1500)+"]\n"), ""},
		"a_long_name":         {head + test(strings.Repeat("long ", 20000), ""), ""},
		"a_byte_order_mark":   {"\ufeff" + head + test("a", ""), ""},
		"windows_lines":       {strings.ReplaceAll(head+test("a", ""), "\n", "\r\n"), ""},
		"another_alphabet":    {head + test("ένα δύο τρία 你好", "files = { \"été.txt\" = \"x\" }\n"), ""},
		"nothing":             {"", "the file does not say its version"},
		"a_zero_byte":         {head + test("a\x00", ""), "control characters"},
		"no_text":             {"\xff\xfe" + head, "invalid character"},
		"deep":                {head + test("a", "answers = [{ json = "+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+" }]\n"), "more than 32 tables and arrays in each other"},
		"a_name_of_nothing":   {head + test("  ", ""), "the test has no name"},
		"larger_than_allowed": {head + "#" + strings.Repeat("x", config.MaxSize), "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{"x.test.toml": &fstest.MapFile{Data: []byte(tc.text)}}
			_, err := scenario.LoadFS(fsys, "x.test.toml", pipeline.WithStages(stages.All()...))
			switch {
			case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("got %v, want %q", err, tc.wrong)
			case tc.wrong == "" && err != nil:
				t.Error(err)
			}
		})
	}
}
