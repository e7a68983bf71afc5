// Package conformance makes leat's contract executable: [Run] runs scenario files, a user's own or those of the corpus, and [Stage] holds
// anybody's stage against the rules of docs/contract.md.
package conformance

import (
	"embed"
	"io/fs"
	"strings"
	"testing"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
)

//go:embed all:corpus
var corpus embed.FS

// Corpus returns the scenarios that prove each rule of docs/contract.md, for [Run]. They need the stages of stages.All().
func Corpus() fs.FS {
	sub, err := fs.Sub(corpus, "corpus")
	if err != nil {
		panic(err) // it was embedded
	}
	return sub
}

// Run runs every test of every *.test.toml in fsys as a subtest of t, in virtual time. The options say what the program links:
// pipeline.WithStages(stages.All()...) and whatever else its own pipelines need. docs/testing.md explains the files. A fsys that is an
// os.DirFS is read where it is on the disk, so that test files may name a pipelines file outside of it.
func Run(t *testing.T, fsys fs.FS, options ...pipeline.Option) {
	t.Helper()
	files := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, scenario.Suffix) {
			return err
		}
		files++
		t.Run(strings.TrimSuffix(name, scenario.Suffix), func(t *testing.T) { runFile(t, fsys, name, options) })
		return nil
	})
	if err != nil {
		t.Fatalf("look for tests: %v", err)
	}
	if files == 0 {
		t.Errorf("there is no *%s: nothing was tested", scenario.Suffix)
	}
}

func runFile(t *testing.T, fsys fs.FS, name string, options []pipeline.Option) {
	suite, err := scenario.LoadFS(fsys, name, options...)
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range suite.Tests() {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			switch r := suite.Run(t, i); r.Status {
			case scenario.Failed:
				t.Error(r.Text())
			case scenario.Skipped:
				t.Skip(r.Reason)
			}
		})
	}
}
