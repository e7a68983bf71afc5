package scenario_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

const (
	loadPipelines = "version = 1\n[pipelines.api]\nbase_url = \"https://api.example.com\"\nstages = [\"retry\"]\n"
	loadTest      = "[[test]]\nname = \"a\"\n[[test.call]]\nrequest = \"GET /\"\nexpect = { status = 200 }\n"
)

// TestLoad finds the pipelines of a test file from where that is.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"pipelines.toml":      loadPipelines,
		"tests/own.test.toml": loadPipelines + loadTest,
		"tests/up.test.toml":  "version = 1\nfile = \"../pipelines.toml\"\n" + loadTest,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	memory := fstest.MapFS{
		"pipelines.toml":     &fstest.MapFile{Data: []byte(loadPipelines)},
		"tests/up.test.toml": &fstest.MapFile{Data: []byte("version = 1\nfile = \"../pipelines.toml\"\n" + loadTest)},
	}
	options := pipeline.WithStages(stages.All()...)
	for name, tc := range map[string]struct {
		load  func() (*scenario.Suite, error)
		from  string // the name of the pipelines file
		wrong string
	}{
		"on_the_disk": {func() (*scenario.Suite, error) {
			return scenario.Load(filepath.Join(dir, "tests", "own.test.toml"), options)
		}, "own.test.toml", ""},
		"from_another_folder": {func() (*scenario.Suite, error) {
			return scenario.Load(filepath.Join(dir, "tests", "up.test.toml"), options)
		}, "pipelines.toml", ""},
		"in_memory": {func() (*scenario.Suite, error) { return scenario.LoadFS(memory, "tests/up.test.toml", options) }, "pipelines.toml", ""},
		"of_a_folder_and_out_of_it": {func() (*scenario.Suite, error) {
			return scenario.LoadFS(os.DirFS(filepath.Join(dir, "tests")), "up.test.toml", options)
		}, "pipelines.toml", ""},
		"out_of_what_is_in_memory": {func() (*scenario.Suite, error) {
			sub, err := fs.Sub(memory, "tests")
			if err != nil {
				t.Fatal(err)
			}
			return scenario.LoadFS(sub, "up.test.toml", options)
		}, "", "up.test.toml:2:8: ../pipelines.toml:"},
		"not_there":           {func() (*scenario.Suite, error) { return scenario.Load(filepath.Join(dir, "none.test.toml"), options) }, "", "none.test.toml: no such file"},
		"not_there_in_memory": {func() (*scenario.Suite, error) { return scenario.LoadFS(memory, "none.test.toml", options) }, "", "none.test.toml: file does not exist"},
		"a_folder":            {func() (*scenario.Suite, error) { return scenario.Load(dir, options) }, "", "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := tc.load()
			switch {
			case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("got %v, want %q", err, tc.wrong)
			case tc.wrong == "" && err != nil:
				t.Error(err)
			case tc.wrong == "":
				if got := filepath.Base(s.Pipelines()); got != tc.from {
					t.Errorf("its pipelines are %s", got)
				}
				if r := s.Run(t, 0); r.Status != scenario.Passed {
					t.Error(r.Text())
				}
			}
		})
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.test.toml", "a/x.test.toml", "a/x.toml", ".git/y.test.toml", "testdata/z.test.toml", "a/node_modules/n.test.toml"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)))
		}
		return paths
	}
	for _, tc := range []struct{ paths, want []string }{
		{in("."), in("a/x.test.toml", "b.test.toml")},
		{in("testdata", "b.test.toml"), in("testdata/z.test.toml", "b.test.toml")},
		{in(".git"), in(".git/y.test.toml")},
	} {
		if got, err := scenario.Find(tc.paths...); err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v, %v", tc.paths, got, err)
		}
	}
	if _, err := scenario.Find(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none: no such file") {
		t.Errorf("got %v", err)
	}
}
