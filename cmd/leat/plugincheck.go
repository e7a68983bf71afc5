package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/check"
	"github.com/leatdev/leat/plugins/host"
)

// The rules of the contract are tried in a further process of the command, started with this argument: see the package check.
const contractProcess = "__try-contract"

// pluginCheck is what the verb is given.
type pluginCheck struct {
	rule     string
	known    string // a file
	requests []string
	subject  string
}

func (a *app) pluginCheckVerb() *cobra.Command {
	var given pluginCheck
	cmd := &cobra.Command{
		Use:   "check [PATH]",
		Short: "Hold a plugin against every rule of the protocol and the contract",
		Long: `Start each plugin of a file as a pipeline would, play its host, and hold what it does against every rule of the wire protocol
(docs/plugins.md, wire.…) and of a stage's contract (docs/contract.md, contract.…). Each rule has a line: ok; or FAIL, with what was seen and what
to do. Those that could not be tried come at the end, with what it takes: that says nothing of them. A line with ! is no rule that is broken, and
should be known all the same.

PATH is a folder with a pipelines.toml, such a file, or a program, which is then tried without a file. The stages that the file has of a
plugin are tried with the configs that they have there; a type of which it has none with an empty config, if that is one. What a stage does
only for requests of a certain kind, or for a certain subject, --request and --subject bring about. Nothing is sent to any upstream. The lock
is not looked at.

A file for --known-failing has a rule in each line, or a plugin and a rule, and may have comments after #. Such a rule may fail; if it passes,
that is an error, so that the list gets shorter.`,
		Example: `  leat plugin check
  leat plugin check ./myplugin --rule wire.cancel
  leat plugin check bin/leat-plugin-signer --request "GET /signed"`,
		Args: between(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.checkPlugins(cmd.Context(), strings.Join(args, ""), given)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&given.rule, "rule", "", "try this rule alone, as in wire.next")
	flags.StringVar(&given.known, "known-failing", "", "a file with rules that may fail, and must not pass")
	flags.StringArrayVar(&given.requests, "request", nil, `try stages with this request, too, as in "GET /path" (repeatable)`)
	flags.StringVar(&given.subject, "subject", "", "on whose behalf the calls are that stages are tried with")
	_ = cmd.RegisterFlagCompletionFunc("rule", func(*cobra.Command, []string, string) (ids []cobra.Completion, _ cobra.ShellCompDirective) {
		for _, r := range check.Rules() {
			ids = append(ids, r.ID)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func (a *app) checkPlugins(ctx context.Context, path string, given pluginCheck) error {
	if given.rule != "" && !isRule(given.rule) {
		return &exitError{exitUsage, unknownRule(given.rule)}
	}
	requests, err := parseRequests(given.requests)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	var known []knownFailing
	if given.known != "" {
		if known, err = readKnown(given.known); err != nil {
			return err
		}
	}
	h := a.pluginHost(host.WithoutLock())
	targets, err := a.targets(ctx, path)
	if err != nil {
		return err
	}
	if err := lendSignerKey(); err != nil {
		return err
	}
	self, err := executable()
	if err != nil {
		return err
	}
	r := ruleReport{app: a, known: known, only: given.rule}
	for _, t := range targets {
		options := check.Options{Host: h, Requests: requests, Subject: given.subject, Only: given.rule, Contract: check.ByCommand(t.plan, self, contractProcess)}
		results, err := check.Plugin(ctx, t.plan, t.stages, options)
		if ctx.Err() != nil {
			return errInterrupted()
		}
		if err != nil && t.plan.Section.Name() != "" {
			return config.Diagnostics{atCommand(t.plan, err)}
		}
		if err != nil {
			return &exitError{exitInvalid, fmt.Errorf("%s: %w", strings.Join(t.plan.Config.Command, " "), err)}
		}
		r.add(t.plan, results)
	}
	return r.end()
}

// target is a plugin to check.
type target struct {
	plan   pipeline.PluginPlan
	stages []check.Stage
}

// targets finds the plugins that a path means.
func (a *app) targets(ctx context.Context, path string) ([]target, error) {
	info, err := os.Stat(path)
	switch {
	case path == "":
	case err != nil:
		return nil, &exitError{exitUsage, fmt.Errorf("there is no %s: name a folder with a %s, such a file, or a program", path, defaultFile)}
	case info.IsDir():
		a.file = filepath.Join(path, defaultFile)
		if _, err := os.Stat(a.file); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("%s has no %s: name a file or a program", path, defaultFile)}
		}
	case strings.HasSuffix(path, ".toml"):
		a.file = path
	default:
		return lone(path)
	}
	plan, err := a.plan()
	if err != nil {
		return nil, err
	}
	if len(plan.Plugins) == 0 {
		_, err := a.plugin(plan, "") // which says so
		return nil, err
	}
	var all []target
	for _, p := range plan.Plugins {
		all = append(all, target{p, servedStages(plan, p)})
	}
	return all, ctx.Err()
}

// lone is a program without a file.
func lone(path string) ([]target, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(filepath.Base(abs), "leat-plugin-")
	return []target{{plan: pipeline.PluginPlan{
		Name: name, File: defaultFile, Dir: filepath.Dir(abs),
		Config: pipeline.PluginConfig{Command: []string{abs}, StartTimeout: 10 * time.Second, MaxInFlight: 256},
	}}}, nil
}

// servedStages returns the stages of the plan that a plugin serves; those that pipelines share once.
func servedStages(plan *pipeline.Plan, p pipeline.PluginPlan) (all []check.Stage) {
	for _, line := range plan.Pipelines {
		for _, s := range line.Stages {
			name, typ, _ := strings.Cut(s.Type, "/")
			c, ok := s.Config.(*host.StageConfig)
			if !ok || name != p.Name || slices.ContainsFunc(all, func(st check.Stage) bool { return st.Name == s.Name }) {
				continue
			}
			all = append(all, check.Stage{Pipeline: line.Name, Name: s.Name, Type: typ, Config: c.JSON(), Dir: p.Dir})
		}
	}
	return all
}

func parseRequests(texts []string) (all []check.Request, err error) {
	for _, text := range texts {
		f := strings.Fields(text)
		if len(f) == 1 {
			f = append([]string{http.MethodGet}, f...)
		}
		if len(f) != 2 || !strings.HasPrefix(f[1], "/") {
			return nil, fmt.Errorf("--request %q: write a method and a path, as in \"GET /path\"", text)
		}
		all = append(all, check.Request{Method: strings.ToUpper(f[0]), Path: f[1]})
	}
	return all, nil
}

func isRule(id string) bool {
	return slices.ContainsFunc(check.Rules(), func(r check.Rule) bool { return r.ID == id })
}

func unknownRule(id string) error {
	var ids []string
	for _, r := range check.Rules() {
		ids = append(ids, r.ID)
	}
	if near, ok := config.Nearest(id, ids); ok {
		return fmt.Errorf("there is no rule %q: did you mean %s?", id, near)
	}
	return errors.New("there is no rule " + id + ": docs/plugins.md and docs/contract.md have them")
}
