package scenario_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

var update = flag.Bool("update", false, "write testdata/mistakes.txtar anew")

const mistakes = "testdata/mistakes.txtar"

// TestMistakes loads each file of the archive, and compares what its author is told with the text that follows it there: place, words,
// the line with carets, and hint. A file begins with `version = 1` and `file = "api.toml"` unless it says itself where its pipelines are.
func TestMistakes(t *testing.T) {
	archive, err := txtar.ParseFile(mistakes)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".toml") {
			fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	var cases int
	for i, f := range archive.Files {
		name, isOutput := strings.CutSuffix(f.Name, ".out")
		if !isOutput {
			continue
		}
		cases++
		t.Run(name, func(t *testing.T) {
			text := string(archive.Files[i-1].Data)
			if archive.Files[i-1].Name != name {
				t.Fatalf("%s does not follow its file", f.Name)
			}
			if !strings.Contains(text, "file =") && !strings.Contains(text, "[pipelines.") {
				text = "version = 1\nfile = \"api.toml\"\n" + text
			}
			fsys["x.test.toml"] = &fstest.MapFile{Data: []byte(text)}
			_, err := scenario.LoadFS(fsys, "x.test.toml", pipeline.WithStages(stages.All()...))
			if err == nil {
				t.Fatal("nothing was found wrong")
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[i].Data = []byte(got)
			}
			if diff := cmp.Diff(string(archive.Files[i].Data), got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
	if cases < 45 {
		t.Errorf("%d mistakes, which is less than there were", cases)
	}
	if *update {
		if err := os.WriteFile(mistakes, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
