package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/host"
)

func (a *app) pluginVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Write plugins, and look after those of a file",
		Long: `Look after the plugins of a file: the programs that serve stages of their own.

The lock, pipelines.lock beside pipelines.toml, says what each plugin was when somebody last agreed to it: the digests of its program and
script, its types, the keys of their configs, and what they may see and do. Keep it with the file: then leat check judges the stages of plugins without
running any, and an upgrade that asks for more does not start unseen.`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.pluginListVerb(), a.pluginLockVerb(), a.pluginLogsVerb(), a.pluginCheckVerb(), a.pluginNewVerb(), a.pluginBenchVerb(), a.pluginDevVerb())
	return cmd
}

// pluginNames offers the plugins of the file as the first argument.
func (a *app) pluginNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.offer(args, func(f *config.File) (names []cobra.Completion) {
		for _, p := range f.Tables("plugins") {
			names = append(names, p.Name())
		}
		return names
	})
}

func (a *app) pluginListVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the plugins, with what their lock says",
		Long: `List the plugins of the file: the command of each, whether its lock still holds, and the types that it serves with what they ask for.

No plugin is run: the types are those of the lock.`,
		Args: between(0),
		RunE: func(*cobra.Command, []string) error { return a.listPlugins() },
	}
}

// pluginShown is a plugin of `plugin list -o json`.
type pluginShown struct {
	Name    string      `json:"name"`
	Command []string    `json:"command"`
	Lock    string      `json:"lock"`              // none, ok, or other-program
	Problem string      `json:"problem,omitempty"` // what is wrong with the program
	Version string      `json:"version,omitempty"`
	SDK     string      `json:"sdk,omitempty"`
	Types   []typeShown `json:"types"`
}

type typeShown struct {
	Name  string         `json:"name"`
	Doc   string         `json:"doc"`
	Asks  []string       `json:"asks"` // as people read it
	Needs pipeline.Needs `json:"needs"`
}

func (a *app) listPlugins() error {
	plan, err := a.plan()
	if err != nil {
		return err
	}
	all := []pluginShown{}
	for _, p := range plan.Plugins {
		all = append(all, a.shownPlugin(p))
	}
	if a.json() {
		return a.writeJSON(all)
	}
	w := a.std.out
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "%s has no plugins\n", a.file)
		return err
	}
	for i, p := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, paint(w, color.Bold, p.Name)+"  "+strings.Join(p.Command, " "))
		fmt.Fprintln(w, "  "+p.about())
		for _, t := range p.Types {
			fmt.Fprintln(w, strings.TrimRight("  "+paint(w, color.FgCyan, p.Name+"/"+t.Name)+"  "+t.Doc, " "))
			fmt.Fprintln(w, "      asks for "+cmp.Or(strings.Join(t.Asks, "; "), "nothing"))
		}
	}
	return nil
}

func (a *app) shownPlugin(p pipeline.PluginPlan) pluginShown {
	shown := pluginShown{Name: p.Name, Command: p.Config.Command, Lock: "none", Types: []typeShown{}}
	if err := a.pluginHost().Probe(p); err != nil {
		shown.Problem = strings.ReplaceAll(err.Error(), "\n", "; ") // one may have several
	}
	locked, err := a.pluginHost().Locked(p)
	if err != nil {
		shown.Problem = err.Error()
	}
	if locked == nil {
		return shown
	}
	if shown.Lock = "ok"; shown.Problem != "" {
		shown.Lock = "other-program"
	}
	shown.Version, shown.SDK = locked.Interface.Version, locked.Interface.SDK
	for _, t := range locked.Interface.Types {
		shown.Types = append(shown.Types, typeShown{t.Name, t.Doc, asks(t.Needs), t.Needs})
	}
	return shown
}

func (p pluginShown) about() string {
	text := "locked"
	switch {
	case p.Problem != "" && p.Lock == "none":
		return p.Problem
	case p.Problem != "":
		text = p.Problem + "\n  locked"
	case p.Lock == "none":
		return "not locked: leat plugin lock " + p.Name
	}
	if p.Version != "" {
		text += ", version " + p.Version
	}
	if p.SDK != "" {
		text += ", SDK " + p.SDK
	}
	return text
}

func (a *app) pluginLockVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "lock [NAME]",
		Short: "Agree to what the plugins are now",
		Long: `Start each plugin of the file once, or the one that is named, ask it what it is, and write that into the lock beside the file:
pipelines.lock for pipelines.toml. What has changed since the lock was last written is printed, so that it can be seen before it is kept.

The digest of a program stands in the lock for the platform that the command ran on, beside those of others. A program that comes from
PATH, such as an interpreter, has none; each argument of its command that names a file beside the TOML file, or in a folder there, such as
a script, has one. What a script imports has none. A plugin that does not start keeps the entry that it has, if any; the others are locked.`,
		Example: `  leat plugin lock
  leat plugin lock signer
  git diff pipelines.lock`,
		Args:              between(1),
		ValidArgsFunction: a.pluginNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.lockPlugins(cmd.Context(), strings.Join(args, ""))
		},
	}
}

// lockShown is what `plugin lock -o json` prints.
type lockShown struct {
	Lock    string              `json:"lock"`
	Changed bool                `json:"changed"`
	Changes map[string][]string `json:"changes"` // by plugin
	Failed  map[string]string   `json:"failed"`  // why, by plugin that could not be asked: its entry is as it was
}

func (a *app) lockPlugins(ctx context.Context, name string) error {
	plan, err := a.unjudged()
	if err != nil {
		return err
	}
	plugins := plan
	if name != "" || len(plan) == 0 {
		p, err := a.plugin(&pipeline.Plan{Plugins: plan}, name)
		if err != nil {
			return err
		}
		plugins = []pipeline.PluginPlan{p}
	}
	path := host.LockPath(plan[0])
	lock, err := host.ReadLock(path)
	if err != nil {
		lock = &host.Lock{Plugins: map[string]*host.Locked{}} // it is written anew
		a.complain(err)
	}
	shown := lockShown{Lock: host.LockName(a.file), Changes: map[string][]string{}, Failed: map[string]string{}}
	var diags config.Diagnostics
	for _, p := range plugins {
		old := lock.Plugins[p.Name]
		fresh, err := a.locked(ctx, p, old)
		if ctx.Err() != nil {
			return errInterrupted()
		}
		if err != nil {
			shown.Failed[p.Name] = unasked(err)
			diags = append(diags, atCommand(p, err))
			continue
		}
		lock.Plugins[p.Name] = fresh
		shown.Changes[p.Name] = append([]string{}, fresh.Changes(old)...)
	}
	for known := range lock.Plugins {
		if name == "" && !slices.ContainsFunc(plan, func(p pipeline.PluginPlan) bool { return p.Name == known }) {
			delete(lock.Plugins, known)
			shown.Changes[known] = []string{"removed: the file has it no more"}
		}
	}
	nothing := len(lock.Plugins) == 0 && len(shown.Failed) > 0 // a lock of nothing would only look like one
	if !nothing {
		if shown.Changed, err = lock.Write(path); err != nil {
			return err
		}
	}
	if a.json() {
		if err := a.writeJSON(shown); err != nil || len(diags) == 0 {
			return err
		}
		return &exitError{exitInvalid, nil}
	}
	if !nothing {
		if err := a.printLock(shown); err != nil {
			return err
		}
	}
	return diags.Sort().Err()
}

// locked asks a plugin for what its lock is to say.
func (a *app) locked(ctx context.Context, p pipeline.PluginPlan, old *host.Locked) (*host.Locked, error) {
	i, err := a.pluginHost(host.WithoutLock()).Describe(ctx, p)
	if err != nil {
		return nil, err
	}
	fresh, err := host.NewLocked(p, i, old)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	return fresh, nil
}

func (a *app) printLock(s lockShown) error {
	w := a.std.out
	for _, name := range slices.Sorted(maps.Keys(s.Changes)) {
		changes := s.Changes[name]
		if len(changes) == 0 {
			fmt.Fprintf(w, "%s: nothing has changed\n", name)
		}
		for _, c := range changes {
			fmt.Fprintf(w, "%s: %s\n", name, c)
		}
	}
	end := "is as it was"
	if s.Changed {
		end = "is written: look at it, and keep it with the file"
	}
	_, err := fmt.Fprintf(w, "%s %s\n", s.Lock, end)
	return err
}
