// Package via runs test files whose stages of some types are served by another process, as those of a plugin are: what a pipeline does
// must not depend on it.
package via

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/host"
)

// Plugin is a program that serves stages to tests: see [Serve]. Its processes start when a test first needs one. It is safe for concurrent
// use, and is made and closed outside of virtual time.
type Plugin struct {
	host    *host.Host
	command []string
	types   []string

	mu      sync.Mutex
	keepers map[string]*pipeline.Runner // of each process that many tests share
}

// New makes a Plugin whose processes run command, with the draws of a test as further arguments, and serve the types.
func New(command, types []string) *Plugin {
	return &Plugin{host: host.New(host.WithClock()), command: command, types: types, keepers: map[string]*pipeline.Runner{}}
}

// Close ends the processes.
func (p *Plugin) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.keepers {
		_ = r.Close() // its one stage is never used
	}
	return p.host.Close()
}

// Stages implements [scenario.Stages]. Tests that always draw the same number share a process with all others that draw it; one that draws
// from a list has its own, for there the draws must come in their order.
func (p *Plugin) Stages(n scenario.Needed) []pipeline.Factory {
	args := []string{text(n.Draws)}
	if len(n.Draws) > 1 {
		args = append(args, n.Place)
	}
	return p.factories(args, p.types, n.Mistakes)
}

// Keep begins a run of tests. It starts the process of tests that draw always the same number, and has it run until Close: between tests it would end.
func (p *Plugin) Keep(ctx context.Context, draws scenario.Draws) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := text(draws)
	if len(draws) > 1 || p.keepers[key] != nil {
		return nil
	}
	file, err := config.Read("keeper.toml", fmt.Appendf(nil, "version = 1\n[pipelines.keeper]\nbase_url = \"https://keeper.invalid\"\nstages = [%q]\n", p.types[0]))
	if err != nil {
		return err
	}
	r, err := pipeline.OpenFile(ctx, file, pipeline.WithStages(p.factories([]string{key}, p.types[:1], false)...))
	if err != nil {
		return err
	}
	p.keepers[key] = r
	keeper, err := r.Pipeline("keeper")
	if err != nil {
		return err
	}
	return keeper.Start(ctx)
}

// maxInFlight is more than a crowd in a test has stages under way: while one of them waited for another to end, virtual time would stand still.
const maxInFlight = 2048

func (p *Plugin) factories(args, types []string, judge bool) []pipeline.Factory {
	plan := pipeline.PluginPlan{Name: "built-in", Config: pipeline.PluginConfig{
		Command: slices.Concat(p.command, args), StartTimeout: time.Minute, MaxInFlight: maxInFlight,
	}}
	list := make([]pipeline.Factory, len(types))
	for i, typ := range types {
		list[i] = p.factory(plan, typ, judge)
	}
	return list
}

// factory makes stages in the process under the name of the built-in type.
func (p *Plugin) factory(plan pipeline.PluginPlan, typ string, judge bool) pipeline.Factory {
	far, err := p.host.Factory(plan, typ)
	if err != nil {
		return pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) { return nil, err })
	}
	defaults := table{StageConfig: *far.Config().(*host.StageConfig)} //nolint:forcetypeassert // the host's factories have no other
	if judge {
		defaults.judge = func(c *host.StageConfig) error { return p.judge(plan, typ, c) }
	}
	return pipeline.Define(typ, defaults, func(c table, s pipeline.Settings) (pipeline.Stage, error) {
		s.Remote = &pipeline.RemoteConfig{Timeout: 5 * time.Second}
		return far.Build(&c.StageConfig, s)
	})
}

// table is a stage's table that the process itself may judge.
type table struct {
	host.StageConfig

	judge func(*host.StageConfig) error // nil: only when the stage is made
}

// UnmarshalConfig reads the table.
func (t *table) UnmarshalConfig(value any) error {
	if err := t.StageConfig.UnmarshalConfig(value); err != nil || t.judge == nil {
		return err
	}
	return t.judge(&t.StageConfig)
}

// judge asks the process about a table. Before Keep nothing is started, and so no table is wrong.
func (p *Plugin) judge(plan pipeline.PluginPlan, typ string, c *host.StageConfig) error {
	p.mu.Lock()
	idle := len(p.keepers) == 0
	p.mu.Unlock()
	if idle {
		return nil
	}
	wrong, err := p.host.Check(context.Background(), plan, []host.StageToCheck{{Type: typ, Config: c}})
	if err != nil {
		return err
	}
	return wrong[0]
}

// text writes draws as an argument.
func text(draws scenario.Draws) string {
	words := make([]string, len(draws))
	for i, f := range draws {
		words[i] = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.Join(words, ",")
}

func parse(text string) (scenario.Draws, error) {
	var draws scenario.Draws
	for word := range strings.SplitSeq(text, ",") {
		f, err := strconv.ParseFloat(word, 64)
		if err != nil || !(f >= 0 && f < 1) {
			return nil, fmt.Errorf("%q is no draw from 0 to below 1", word)
		}
		draws = append(draws, f)
	}
	return draws, nil
}
