package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/fatih/color"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/check"
)

// knownFailing is a line of a list of rules that may fail.
type knownFailing struct {
	plugin, rule string // plugin "" is any
	line         config.Diagnostic
	used         bool // it was judged: the rule failed, or was skipped
}

// readKnown reads such a list.
func readKnown(name string) ([]knownFailing, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--known-failing: %w", err)}
	}
	var all []knownFailing
	var diags config.Diagnostics
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		k := knownFailing{rule: f[len(f)-1], line: config.Diagnostic{File: name, Position: config.Position{Line: n, Column: 1}}}
		if len(f) == 2 {
			k.plugin = f[0]
		}
		switch {
		case len(f) > 2:
			k.line.Message = "more than a plugin and a rule: write PLUGIN RULE, or RULE"
		case !isRule(k.rule):
			k.line.Message = unknownRule(k.rule).Error()
		}
		if k.line.Message != "" {
			diags = append(diags, k.line)
		}
		all = append(all, k)
	}
	return all, diags.Err()
}

// ruleReport tells what became of the rules.
type ruleReport struct {
	app   *app
	known []knownFailing
	only  string // a rule's id; "" is all

	all                       []ruleShown
	ok, bad, excuses, skipped int
	remarks                   int
}

// ruleShown is a line of `plugin check -o json`.
type ruleShown struct {
	check.Result

	Known bool `json:"known_failing,omitempty"`
}

// rulesShown is what it prints.
type rulesShown struct {
	OK      bool        `json:"ok"`
	Results []ruleShown `json:"results"`
}

// add tells the results of a plugin.
func (r *ruleReport) add(p pipeline.PluginPlan, results []check.Result) {
	w := r.app.std.out
	if !r.app.json() {
		fmt.Fprintln(w, paint(w, color.Bold, p.Name)+"  "+strings.Join(p.Config.Command, " "))
	}
	if r.only != "" {
		results = slices.DeleteFunc(results, func(one check.Result) bool { return one.Rule != r.only })
	}
	lines := ruleLines{w: w, only: r.only != ""}
	for _, one := range results {
		lines.width = max(lines.width, len(one.Rule))
	}
	if isTerminal(w) {
		lines.columns = columns(w, 0)
	}
	for _, one := range results {
		shown := ruleShown{Result: one, Known: r.excused(one)}
		if shown.Known && one.Status == check.OK {
			shown.Status = check.Fail
			shown.Seen, shown.Advice = []string{"it passes, and the list of --known-failing has it"}, "take it out of that list"
			shown.Known = false
		}
		r.count(shown)
		r.all = append(r.all, shown)
		if !r.app.json() {
			lines.print(shown)
		}
	}
	lines.untried()
}

// excused reports whether the list has a result.
func (r *ruleReport) excused(one check.Result) bool {
	i := slices.IndexFunc(r.known, func(k knownFailing) bool { return k.rule == one.Rule && (k.plugin == "" || k.plugin == one.Plugin) })
	if i < 0 {
		return false
	}
	r.known[i].used = true
	return true
}

func (r *ruleReport) count(one ruleShown) {
	r.remarks += len(one.Remarks)
	switch {
	case one.Status == check.OK:
		r.ok++
	case one.Status == check.Skipped:
		r.skipped++
	case one.Known:
		r.excuses++
	default:
		r.bad++
	}
}

// end tells the sum of it.
func (r *ruleReport) end() error {
	var diags config.Diagnostics
	for _, k := range r.known {
		if !k.used && (r.only == "" || k.rule == r.only) {
			k.line.Message = fmt.Sprintf("there is no plugin %s", k.plugin)
			diags = append(diags, k.line)
		}
	}
	if len(diags) > 0 {
		return diags.Err()
	}
	if r.app.json() {
		if err := r.app.writeJSON(rulesShown{r.bad == 0, r.all}); err != nil {
			return err
		}
	} else {
		text := fmt.Sprintf("%s kept, %d broken", plural(r.ok, "rule"), r.bad)
		if r.excuses > 0 {
			text += fmt.Sprintf(", %d known to fail", r.excuses)
		}
		if r.skipped > 0 {
			text += fmt.Sprintf(", %d not tried", r.skipped)
		}
		if r.remarks > 0 {
			text += ", " + plural(r.remarks, "remark")
		}
		fmt.Fprintln(r.app.std.out, text)
	}
	if r.bad > 0 {
		return &exitError{exitFailed, nil}
	}
	return nil
}
