package scenario_test

import (
	"testing"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// TestTour runs a file that uses most of the format once.
func TestTour(t *testing.T) {
	s, err := scenario.Load("testdata/tour.test.toml", pipeline.WithStages(stages.All()...))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range s.Tests() {
		t.Run(name, func(t *testing.T) {
			if r := s.Run(t, i); r.Status != scenario.Passed {
				t.Errorf("%s\n%s", r.Status, r.Text())
			}
		})
	}
}
