package docs_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// testHead begins the file that a page's tests stand in: they are about docs/testing/pipelines.toml.
const testHead = "version = 1\nfile    = \"pipelines.toml\"\n\n"

// A TOML block behind <!-- test --> holds tests that pass. Behind <!-- test: mistakes --> they are wrong, and the next block of the page says how.
func TestPages_show_tests_that_pass(t *testing.T) {
	passing, wrong := 0, 0
	for _, page := range pages(t) {
		all := blocks(t, page)
		for i, b := range all {
			fsys := fstest.MapFS{
				"pipelines.toml":   {Data: []byte(read(t, "docs/testing/pipelines.toml"))},
				"things.test.toml": {Data: []byte(testHead + b.text)},
			}
			switch b.mark {
			case "test":
				passing++
				t.Run(fmt.Sprint(b.page, ":", b.line), func(t *testing.T) {
					conformance.Run(t, fsys, pipeline.WithStages(stages.All()...))
				})
			case "test: mistakes":
				wrong++
				_, err := scenario.LoadFS(fsys, "things.test.toml", pipeline.WithStages(stages.All()...))
				if err == nil || i+1 == len(all) {
					t.Errorf("%s:%d: nothing is wrong with it, or no block says what", page, b.line)
				} else if diff := cmp.Diff(err.Error()+"\n", all[i+1].text); diff != "" && *update {
					all[i+1].write(t, err.Error()+"\n")
				} else if diff != "" {
					t.Errorf("%s:%d: the mistakes are others; go test ./docs -update writes them anew (-got +page):\n%s", page, b.line, diff)
				}
			}
		}
	}
	if passing < 5 || wrong == 0 {
		t.Errorf("the pages show %d tests and %d with mistakes: are the marks written otherwise?", passing, wrong)
	}
}
