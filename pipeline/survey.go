package pipeline

import (
	"slices"

	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
)

// Survey is [Check] for programs that go on to look for more mistakes where some were found: its plan holds what is right by itself, and is not
// to be opened. The Config of a stage is nil where it has mistakes; a plugin whose table has mistakes is left out.
func Survey(f *config.File, r *Registry) (*Plan, config.Diagnostics) {
	c := &checker{file: f, registry: r, diags: f.Diagnostics(), plan: &Plan{
		file: f, registry: r, Transports: map[string]TransportPlan{"default": {Config: defaultTransportConfig()}}, Secrets: map[string]credential.Ref{},
	}}
	c.secretTables()
	c.transportTables()
	c.storeTables()
	c.credentialTables()
	c.pluginTables()
	c.unusedStages()
	for _, p := range f.Pipelines() {
		c.pipeline(p)
	}
	for i := range c.plan.Pipelines {
		withoutFlaws(c.plan.Pipelines[i].Stages)
	}
	withoutFlaws(c.plan.Unused)
	c.plan.Plugins = slices.DeleteFunc(c.plan.Plugins, func(p PluginPlan) bool { return slices.Contains(c.broken, p.Name) })
	return c.plan, c.diags.Sort()
}

// withoutFlaws takes away the configs that have mistakes.
func withoutFlaws(stages []StagePlan) {
	for i := range stages {
		if stages[i].flawed {
			stages[i].Config = nil
		}
	}
}
