package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

func FuzzRun(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.test.toml")
	more, _ := filepath.Glob("../corpus/*/*.test.toml")
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		head, tests, _ := strings.Cut(string(text), "[[test]]")
		for test := range strings.SplitSeq(tests, "[[test]]") {
			f.Add(head + "[[test]]" + test)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"x.test.toml": &fstest.MapFile{Data: []byte(text)}}
		s, err := scenario.LoadFS(fsys, "x.test.toml", pipeline.WithStages(stages.All()...))
		if err != nil {
			return
		}
		c, _ := config.ReadBeside([]string{"file", "rules", "test"}, "x", []byte(text))
		var doc scenario.Document
		c.Beside().Decode(&doc)
		for i, test := range doc.Tests {
			n := 0
			for _, c := range test.Calls {
				if c.Count != nil {
					n += *c.Count
				}
			}
			if n < 60 && i < 3 {
				s.Run(t, i)
			}
		}
	})
}
