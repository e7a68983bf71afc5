package shop_test

import (
	"os"
	"testing"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

func TestPipelines(t *testing.T) {
	conformance.Run(t, os.DirFS("."), pipeline.WithStages(stages.All()...))
}
