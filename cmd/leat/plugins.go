package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
)

// pluginHost returns the command's host of plugins, which starts none before somebody asks. Whoever needs it first decides on its options, and
// closePlugins ends it.
func (a *app) pluginHost(opts ...host.Option) *host.Host {
	if a.plugins == nil {
		a.plugins = host.New(append([]host.Option{host.WithNotify(a.notice), host.WithRedactor(a.redactor())}, opts...)...)
		a.hurry.before(a.plugins.Kill)
	}
	return a.plugins
}

// redactor returns the one that masks what plugins say where no pipeline does.
func (a *app) redactor() *redact.Redactor {
	if a.shows == nil {
		a.shows = redact.New(redact.Rules{})
	}
	return a.shows
}

// learnSecrets has what plugins say show nothing of the secrets that the stages of a file find in the environment. It needs no stage to be
// right, for the plugin runs all the same.
func (a *app) learnSecrets(f *config.File, plugins []pipeline.PluginPlan) {
	learn := func(use string, s config.Section) {
		name, _, _ := strings.Cut(use, "/")
		for _, p := range plugins {
			if table, ok := s.Value(); ok && p.Name == name {
				host.Learn(a.redactor(), p, table)
			}
		}
	}
	for _, s := range f.Tables("stages") {
		use, _ := s.Text("use")
		learn(use, s)
	}
	for _, p := range f.Pipelines() {
		for _, s := range p.Stages { // with what the pipeline overrides
			learn(s.Use, s.Section)
		}
	}
}

// notice says why something takes long.
func (a *app) notice(n host.Notice) {
	if !a.quiet {
		fmt.Fprintln(a.std.err, n.Text)
	}
}

func (a *app) closePlugins() {
	if a.plugins != nil {
		_ = a.plugins.Close()
	}
}

// startPlugins starts what a pipeline needs of plugins, so that a start that takes long, such as a build, is not held against the request's
// deadline. What goes wrong is the request's to tell: its stages say what comes of it.
func startPlugins(ctx context.Context, p *pipeline.Pipeline) error {
	if !slices.ContainsFunc(p.Stages(), func(s pipeline.StageInfo) bool { return strings.Contains(s.Type, "/") }) {
		return nil
	}
	if err := p.Start(ctx); err != nil && ctx.Err() != nil {
		return errInterrupted()
	}
	return nil
}

// plugin returns a plugin of a plan; "" is the only one.
func (a *app) plugin(plan *pipeline.Plan, name string) (pipeline.PluginPlan, error) {
	var names []string
	for _, p := range plan.Plugins {
		if p.Name == name || name == "" && len(plan.Plugins) == 1 {
			return p, nil
		}
		names = append(names, p.Name)
	}
	switch {
	case len(names) == 0:
		return pipeline.PluginPlan{}, &exitError{exitUsage, fmt.Errorf("%s has no plugins: a table [plugins.NAME] declares one", a.file)}
	case name == "":
		return pipeline.PluginPlan{}, &exitError{exitUsage, fmt.Errorf("which plugin? %s has %s", a.file, strings.Join(names, ", "))}
	}
	if near, ok := config.Nearest(name, names); ok {
		return pipeline.PluginPlan{}, &exitError{exitUsage, fmt.Errorf("no plugin %q in %s: did you mean %s?", name, a.file, near)}
	}
	return pipeline.PluginPlan{}, &exitError{exitUsage, fmt.Errorf("no plugin %q in %s: it has %s", name, a.file, strings.Join(names, ", "))}
}

// unknownPlugins returns the plugins of whose types nothing is known.
func (a *app) unknownPlugins(plan *pipeline.Plan) []string {
	unknown := []string{}
	for _, p := range plan.Plugins {
		if i, err := a.pluginHost().Interface(p); i == nil && err == nil {
			unknown = append(unknown, p.Name)
		}
	}
	return unknown
}

// askPlugins starts each plugin of a plan and holds the file against what they say. One that can't be asked is a mistake of its table: the
// others are asked all the same, of each stage whose config is right by itself.
func (a *app) askPlugins(ctx context.Context, plan *pipeline.Plan) (*pipeline.Plan, config.Diagnostics, error) {
	if err := lendSignerKey(); err != nil {
		return nil, nil, err
	}
	h := a.pluginHost()
	var wrong config.Diagnostics
	mute := map[string]bool{}
	for _, p := range plan.Plugins {
		if _, err := h.Describe(ctx, p); err != nil {
			if ctx.Err() != nil {
				return nil, nil, errInterrupted()
			}
			mute[p.Name] = true
			wrong = append(wrong, atCommand(p, err))
		}
	}
	plan, diags, err := a.survey(h) // which holds it against what is known now
	if err != nil {
		return nil, nil, err
	}
	diags = append(wrong, diags...)
	for _, p := range plan.Plugins {
		if mute[p.Name] {
			continue
		}
		found, err := a.askPlugin(ctx, plan, p)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range found {
			if !slices.Contains(diags, d) { // pipelines that share a stage share its mistakes
				diags = append(diags, d)
			}
		}
	}
	return plan, diags.Sort(), nil
}

// askPlugin has a plugin judge its stages.
func (a *app) askPlugin(ctx context.Context, plan *pipeline.Plan, p pipeline.PluginPlan) (config.Diagnostics, error) {
	stages, sections := stagesOf(plan, p.Name)
	if len(stages) == 0 {
		return nil, nil
	}
	for _, name := range a.pluginHost().Unset(p, stages) {
		fmt.Fprintf(a.std.err, "%s is not set here: %s needs it for a secret\n", name, p.Name)
	}
	wrong, err := a.pluginHost().Check(ctx, p, stages)
	switch {
	case ctx.Err() != nil:
		return nil, errInterrupted()
	case err != nil:
		return config.Diagnostics{atCommand(p, err)}, nil
	}
	var diags config.Diagnostics
	for i, err := range wrong {
		diags = append(diags, sections[i].DiagnoseError(err)...)
	}
	return diags, nil
}

// atCommand places the error of a plugin that could not be asked in its table.
func atCommand(p pipeline.PluginPlan, err error) config.Diagnostic {
	return p.Section.Diagnose([]string{"command"}, "`leat plugin logs "+p.Name+"` runs it and shows what it writes", "%s", unasked(err))
}

// unasked says why a plugin could not be asked.
func unasked(err error) string {
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

func errInterrupted() error { return &exitError{exitInterrupted, errors.New("interrupted")} }

// stagesOf returns the stages that a plugin serves, used or not, and their tables.
func stagesOf(plan *pipeline.Plan, plugin string) (stages []host.StageToCheck, sections []config.Section) {
	all := slices.Clone(plan.Unused)
	for _, p := range plan.Pipelines {
		all = append(all, p.Stages...)
	}
	for _, s := range all {
		name, typ, _ := strings.Cut(s.Type, "/")
		if c, ok := s.Config.(*host.StageConfig); ok && name == plugin {
			stages, sections = append(stages, host.StageToCheck{Type: typ, Config: c}), append(sections, s.Section)
		}
	}
	return stages, sections
}

// pluginFailed is the error of a plugin that could not be asked, where no place in the file would say more.
func pluginFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted()
	}
	return &exitError{exitFailed, errors.New(unasked(err))}
}
