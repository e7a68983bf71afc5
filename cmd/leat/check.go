package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
	"github.com/leatdev/leat/stages"
)

func (a *app) checkVerb() *cobra.Command {
	files, plugins := true, false
	var attach []string
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Find every mistake in a file",
		Long: `Find every mistake in a file, and say for each one where it is and what to write instead.

LEAT_… variables and --set count as they do for send. The files that the pipelines name (schemas, certificates) are read as well, unless
--files=false: then only the text is judged, as for a machine that does not have them. No connection is made, no program is run and no
secret is read.

The stages of plugins are held against the lock that leat plugin lock writes. --plugins runs the plugins: they judge the configs of their
stages themselves, and what they are now is held against the lock.`,
		Example: `  leat check
  leat check staging.toml -o json
  leat check --set pipelines.api.timeout=5s`,
		Args:              between(1),
		ValidArgsFunction: tomlFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.file = args[0]
			}
			if strings.HasSuffix(a.file, scenario.Suffix) {
				return &exitError{exitUsage, fmt.Errorf("%[1]s is a test file: leat test %[1]s finds its mistakes and runs it", a.file)}
			}
			if err := a.attach(cmd.Context(), attach, ""); err != nil {
				return err
			}
			return a.check(cmd.Context(), files, plugins || len(attach) > 0)
		},
	}
	cmd.Flags().BoolVar(&files, "files", true, "also read the files that it names: schemas, certificates")
	cmd.Flags().BoolVar(&plugins, "plugins", false, "run the plugins, and ask them too")
	a.attachFlag(cmd, &attach)
	return cmd
}

// checkReport is what `check -o json` prints of a file without mistakes.
type checkReport struct {
	OK          bool               `json:"ok"`
	File        string             `json:"file"`
	Pipelines   []string           `json:"pipelines"`
	StageTypes  []string           `json:"stage_types"`
	Credentials []string           `json:"credentials"`
	Stores      []string           `json:"stores"`
	Plugins     []string           `json:"plugins"`
	Unchecked   []string           `json:"unchecked_plugins"` // whose interface is not known
	Diagnostics config.Diagnostics `json:"diagnostics"`
}

func (a *app) check(ctx context.Context, files, plugins bool) error {
	plan, diags, err := a.survey(a.pluginHost())
	if err != nil {
		return err
	}
	if files && len(diags) == 0 {
		if err := pipeline.Probe(plan).Err(); err != nil {
			return err
		}
	}
	if plugins {
		if plan, diags, err = a.askPlugins(ctx, plan); err != nil {
			return err
		}
	}
	if err := diags.Err(); err != nil {
		return err
	}
	r := checkReport{
		OK: true, File: a.file, Pipelines: []string{}, StageTypes: []string{}, Credentials: []string{}, Stores: []string{}, Plugins: []string{},
		Unchecked: a.unknownPlugins(plan), Diagnostics: config.Diagnostics{},
	}
	seen := map[string]bool{}
	for _, p := range plan.Pipelines {
		r.Pipelines = append(r.Pipelines, p.Name)
		for _, s := range p.Stages {
			if !seen[s.Type] {
				seen[s.Type] = true
				r.StageTypes = append(r.StageTypes, s.Type)
			}
		}
	}
	for _, c := range plan.Credentials {
		r.Credentials = append(r.Credentials, c.Name)
	}
	for _, s := range plan.Stores {
		r.Stores = append(r.Stores, s.Name)
	}
	for _, p := range plan.Plugins {
		r.Plugins = append(r.Plugins, p.Name)
	}
	if a.json() {
		return a.writeJSON(r)
	}
	for _, name := range r.Unchecked {
		fmt.Fprintf(a.std.err, "interface of %s not checked: run with --plugins\n", name)
	}
	parts := []string{plural(len(r.Pipelines), "pipeline"), plural(len(r.StageTypes), "stage type"), plural(len(r.Credentials), "credential")}
	if len(r.Stores) > 0 {
		parts = append(parts, plural(len(r.Stores), "store"))
	}
	if len(r.Plugins) > 0 {
		parts = append(parts, plural(len(r.Plugins), "plugin"))
	}
	_, err = fmt.Fprintf(a.std.out, "%s: ok: %s\n", a.file, strings.Join(parts, ", "))
	return err
}

// plan reads and judges the file, with what the environment and --set lay over it, and begins nothing.
func (a *app) plan() (*pipeline.Plan, error) { return a.planWith(a.pluginHost()) }

// unjudged is plan without a word on what plugins serve: for verbs that act on those that a lock refuses.
func (a *app) unjudged() ([]pipeline.PluginPlan, error) {
	plan, err := a.planWith(nil)
	if err != nil {
		return nil, err
	}
	return plan.Plugins, nil
}

func (a *app) planWith(plugins pipeline.PluginHost) (*pipeline.Plan, error) {
	plan, diags, err := a.survey(plugins)
	if err == nil {
		err = invalid(diags.Err())
	}
	if err != nil {
		return nil, err
	}
	return plan, nil
}

// survey is plan for who goes on where there are mistakes: see pipeline.Survey.
func (a *app) survey(plugins pipeline.PluginHost) (*pipeline.Plan, config.Diagnostics, error) {
	overlays := config.FromEnviron(os.Environ())
	for _, s := range a.sets {
		overlay, err := config.ParseSet(s)
		if err != nil {
			return nil, nil, &exitError{exitUsage, err}
		}
		overlays = append(overlays, overlay)
	}
	f, err := config.Load(a.file, overlays...)
	if f == nil {
		return nil, nil, invalid(err)
	}
	registry, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		return nil, nil, err
	}
	if err := registry.AddStores(redisstore.Factory()); err != nil {
		return nil, nil, err
	}
	registry.UsePlugins(plugins)
	plan, diags := pipeline.Survey(f, registry)
	a.learnSecrets(f, plan.Plugins)
	return plan, diags, nil
}

// invalid has an error about the file exit as one, whatever its type.
func invalid(err error) error {
	if _, isExit := errors.AsType[*exitError](err); err == nil || isExit {
		return err
	}
	return &exitError{exitInvalid, err}
}
