package pipeline_test

import (
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

// anyPlugin serves every type, whose config has one key.
type anyPlugin struct{}

func (anyPlugin) Factory(p pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	type table struct {
		Key string `toml:"key"`
	}
	return pipeline.Define(p.Name+"/"+typ, table{}, func(table, pipeline.Settings) (pipeline.StageFunc, error) { return nil, nil }), nil
}

// What is wrong at one place of a file takes nothing from a survey that is right by itself.
func TestSurvey(t *testing.T) {
	f, err := config.Read("p.toml", []byte(`version = 1
[plugins.good]
command = ["good"]
[plugins.bad]
command = ["bad"]
start_timeout = "soon"
[stages.right]
use = "good/a"
key = "k"
[stages.host_key]
use = "good/a"
key = "k"
timeout = "5"
[stages.own_key]
use = "good/a"
key = 5
[stages.unused]
use = "good/a"
key = "k"
[pipelines.api]
base_url = "https://a.example"
stages = ["right", "host_key", "own_key"]
`))
	if err != nil {
		t.Fatal(err)
	}
	registry, err := pipeline.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	registry.UsePlugins(anyPlugin{})
	plan, diags := pipeline.Survey(f, registry)
	if len(diags) != 3 {
		t.Errorf("got %v, want three mistakes", diags)
	}
	if len(plan.Plugins) != 1 || plan.Plugins[0].Name != "good" {
		t.Errorf("got %v, want the plugin whose table is right", plan.Plugins)
	}
	if len(plan.Unused) != 1 || plan.Unused[0].Name != "unused" || plan.Unused[0].Config == nil {
		t.Errorf("got %v, want the stage that nobody lists", plan.Unused)
	}
	if len(plan.Pipelines) != 1 || len(plan.Pipelines[0].Stages) != 3 {
		t.Fatalf("got %v, want the pipeline with all its stages", plan.Pipelines)
	}
	for i, config := range []bool{true, true, false} {
		if s := plan.Pipelines[0].Stages[i]; (s.Config != nil) != config {
			t.Errorf("stage %s has the config %v", s.Name, s.Config)
		}
	}
}
