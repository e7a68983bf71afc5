package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

func (a *app) showVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "show [PIPELINE]",
		Short: "Show a pipeline's values, and where each of them came from",
		Long: `Show the values that a pipeline runs with: its own, those of its stages in their order, of the credentials that they use with their
stores, and of its transport; and for each value who set it: the default, a table of the file with line and column, a LEAT_… variable or --set.

The pipeline may be left out where the file has only one. No secret is read: a secret shows as *** with the place that it comes from.`,
		Args:              between(1),
		ValidArgsFunction: a.pipelineNames(),
		RunE:              func(_ *cobra.Command, args []string) error { return a.show(strings.Join(args, "")) },
	}
}

// showReport is what `show -o json` prints.
type showReport struct {
	Pipeline    string         `json:"pipeline"`
	Template    bool           `json:"template"`
	Settings    []setting      `json:"settings"`
	Stages      []stageShown   `json:"stages"`
	Credentials []sectionShown `json:"credentials"`
	Stores      []sectionShown `json:"stores"`
	Transport   sectionShown   `json:"transport"`
}

type stageShown struct {
	Name     string        `json:"name"`
	Type     string        `json:"type"`
	Listed   config.Origin `json:"listed"`
	Settings []setting     `json:"settings"`
}

type sectionShown struct {
	Name     string    `json:"name"`
	Settings []setting `json:"settings"`
}

// show shows a pipeline; "" is the only one.
func (a *app) show(name string) error {
	plan, err := a.plan()
	if err != nil {
		return err
	}
	if name == "" {
		if len(plan.Pipelines) != 1 {
			return &exitError{exitUsage, fmt.Errorf("which pipeline? %s has %s", a.file, cmp.Or(strings.Join(shown(plan), ", "), "none"))}
		}
		name = plan.Pipelines[0].Name
	}
	i := slices.IndexFunc(plan.Pipelines, func(p pipeline.PipelinePlan) bool { return p.Name == name })
	if i < 0 {
		return &exitError{exitUsage, noPipeline(plan, name, a.file)}
	}
	r := report(plan, plan.Pipelines[i])
	if a.json() {
		return a.writeJSON(r)
	}
	a.printShow(r)
	return nil
}

// shown lists the pipelines, and says which are templates.
func shown(plan *pipeline.Plan) []string {
	var all []string
	for _, p := range plan.Pipelines {
		if p.Template {
			all = append(all, p.Name+" (a template)")
		} else {
			all = append(all, p.Name)
		}
	}
	return all
}

func noPipeline(plan *pipeline.Plan, name, file string) error {
	var known []string
	for _, p := range plan.Pipelines {
		known = append(known, p.Name)
	}
	if near, ok := config.Nearest(name, known); ok {
		return fmt.Errorf("no pipeline %q in %s: did you mean %s?", name, file, near)
	}
	return fmt.Errorf("no pipeline %q in %s: it has %s", name, file, strings.Join(known, ", "))
}

func report(plan *pipeline.Plan, p pipeline.PipelinePlan) showReport {
	r := showReport{Pipeline: p.Name, Template: p.Template, Settings: settings(plan, &p.Config, p.Section), Stages: []stageShown{}, Credentials: []sectionShown{},
		Stores: []sectionShown{}}
	used := []string{p.Config.Credential}
	for _, s := range p.Stages {
		shown := stageShown{Name: s.Name, Type: s.Type, Listed: s.Listed}
		if s.Section.Has("when") {
			shown.Settings = append(shown.Settings, setting{Key: "when", Value: s.When.String(), Origin: s.Section.Origin("when")})
		}
		if s.Remote != nil {
			shown.Settings = append(shown.Settings, remoteSettings(plan, s)...)
		} else {
			shown.Settings = append(shown.Settings, settings(plan, s.Config, s.Section)...)
		}
		r.Stages = append(r.Stages, shown)
		if other, ok := s.Section.Text("credential"); ok {
			used = append(used, other)
		}
	}
	var stores []string
	for _, c := range plan.Credentials {
		if slices.Contains(used, c.Name) {
			stores = append(stores, c.Host.Store)
			all := append(settings(plan, &c.Host, c.Section), settings(plan, c.Config, c.Section)...)
			r.Credentials = append(r.Credentials, sectionShown{c.Name, all})
		}
	}
	for _, s := range plan.Stores {
		if slices.Contains(stores, s.Name) {
			all := append(settings(plan, &s.Host, s.Section), settings(plan, s.Config, s.Section)...)
			r.Stores = append(r.Stores, sectionShown{s.Name, all})
		}
	}
	t := plan.Transports[p.Config.Transport]
	r.Transport = sectionShown{p.Config.Transport, settings(plan, &t.Config, t.Section)}
	return r
}

func (a *app) printShow(r showReport) {
	t := &table{app: a}
	kind := "pipeline"
	if r.Template {
		kind = "template"
	}
	t.section(kind+" "+r.Pipeline, "", r.Settings)
	for i, s := range r.Stages {
		title := fmt.Sprintf("%d. %s", i+1, s.Name)
		if s.Type != s.Name {
			title += ", type " + s.Type
		}
		t.section(title, ", listed in "+origin(s.Listed), s.Settings)
	}
	for _, c := range r.Credentials {
		t.section("credential "+c.Name, "", c.Settings)
	}
	for _, s := range r.Stores {
		t.section("store "+s.Name, "", s.Settings)
	}
	t.section("transport "+r.Transport.Name, "", r.Transport.Settings)
	t.print()
}

// table prints sections of settings whose columns stand below each other.
type table struct {
	app  *app
	rows []row
}

type row struct {
	title, note string // of a section, which then is the whole row
	setting
}

func (t *table) section(title, note string, all []setting) {
	t.rows = append(t.rows, row{title: title, note: note})
	for _, s := range all {
		t.rows = append(t.rows, row{setting: s})
	}
}

// widest bounds the columns: a value that is longer pushes its origin to the right, in its own row only.
const widestKey, widestValue = 32, 40

func (t *table) print() {
	key, value := 0, 0
	for _, r := range t.rows {
		if n := utf8.RuneCountInString(r.Key); n <= widestKey {
			key = max(key, n)
		}
		if n := utf8.RuneCountInString(r.text()); n <= widestValue {
			value = max(value, n)
		}
	}
	w := t.app.std.out
	for i, r := range t.rows {
		if r.title != "" {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintln(w, paint(w, color.Bold, r.title)+paint(w, color.Faint, r.note))
			continue
		}
		line := fmt.Sprintf("  %-*s  %-*s  %s", key, r.Key, value, r.text(), origin(r.Origin))
		if r.Origin.From == "default" {
			line = paint(w, color.Faint, line)
		}
		fmt.Fprintln(w, line)
	}
}

func origin(o config.Origin) string {
	if o.Position.IsZero() {
		return o.From
	}
	return fmt.Sprintf("%s %d:%d", o.From, o.Position.Line, o.Position.Column)
}
