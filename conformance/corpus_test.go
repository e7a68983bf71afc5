package conformance_test

import (
	"testing"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

func TestCorpus(t *testing.T) {
	conformance.Run(t, conformance.Corpus(), pipeline.WithStages(stages.All()...))
}
