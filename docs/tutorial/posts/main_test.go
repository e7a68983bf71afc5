package main

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/pipelinetest"
	"github.com/leatdev/leat/stages"
)

func TestTitleWaitsAsTheServerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock jumps: no test waits for a second
		env := open(t)
		began := time.Now()
		title, err := titleOf(t.Context(), env.Pipeline("api"), "/flaky")
		if took := time.Since(began); err != nil || title == "" || took < time.Second {
			t.Errorf("got %q, %v after %s; want a title after a second", title, err, took)
		}
	})
}

func TestTitleTellsAConflict(t *testing.T) {
	_, err := titleOf(t.Context(), open(t).Pipeline("api"), "/problem")
	if !errors.Is(err, pipeline.KindConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

func open(t *testing.T) *pipelinetest.Env {
	api := demo.New(demo.Options{Password: "fake-DEMO_PASSWORD"}) // every secret is "fake-" and its name
	return pipelinetest.Open(t, "../pipelines.toml", api, pipeline.WithStages(stages.All()...))
}
