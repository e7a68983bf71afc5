package scenario_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// TestSent_alike: a request is compared with the one before it, and what either lacks is neither the same nor changed.
func TestSent_alike(t *testing.T) {
	for want, fails := range map[string]int{
		`same = ["x-first"]`: 0, `same = ["X-Own"]`: 1, `same = ["X-First", "X-Own"]`: 1, `same = ["X-None"]`: 1,
		`changed = ["X-Own"]`: 0, `changed = ["X-First"]`: 1, `changed = ["X-None"]`: 1, `changed = ["X-Late"]`: 1,
	} {
		t.Run(want, func(t *testing.T) {
			text := fmt.Sprintf(`version = 1
[stages.late]
use  = "headers"
when = 'call.attempt == 2'
set  = { X-Late = "yes" }
[stages.own]
use = "headers"
set = { X-Own = { uuid = true } }
[pipelines.api]
base_url = "https://api.example.com"
stages   = ["retry", "own", "late"]
[[test]]
name    = "a"
answers = [{ status = 503 }, {}]
[[test.call]]
request = "GET /"
header  = { X-First = "1" }
[test.expect]
sent = [{}, { %s }]
`, want)
			s, err := scenario.LoadFS(fstest.MapFS{"x.test.toml": {Data: []byte(text)}}, "x.test.toml", pipeline.WithStages(stages.All()...))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Run(t, 0); len(got.Failures) != fails {
				t.Errorf("got %d failures, want %d:\n%s", len(got.Failures), fails, got.Text())
			}
		})
	}
}
