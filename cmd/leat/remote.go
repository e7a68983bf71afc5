package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/host"
)

// remoteShown is what `stages PLUGIN/TYPE -o json` prints.
type remoteShown struct {
	Name   string          `json:"name"`
	Doc    string          `json:"doc"`
	Needs  pipeline.Needs  `json:"needs"`
	Schema json.RawMessage `json:"schema"`
}

// explainRemote explains a type of a plugin, as the lock of the file knows it.
func (a *app) explainRemote(plugin, typ string) error {
	plugins, err := a.unjudged()
	if err != nil {
		return err
	}
	p, err := a.plugin(&pipeline.Plan{Plugins: plugins}, plugin)
	if err != nil {
		return err
	}
	locked, err := a.pluginHost().Locked(p)
	if err != nil {
		return &exitError{exitInvalid, err}
	}
	if locked == nil {
		return &exitError{exitUsage, fmt.Errorf("what %s serves is not known: leat plugin lock %s asks it", plugin, plugin)}
	}
	t, ok := locked.Interface.Type(typ)
	if !ok {
		return &exitError{exitUsage, noType(locked.Interface, plugin, typ)}
	}
	if a.json() {
		return a.writeJSON(remoteShown{plugin + "/" + t.Name, t.Doc, t.Needs, t.Schema})
	}
	return a.printRemote(plugin, t)
}

func noType(i *host.Interface, plugin, typ string) error {
	var known []string
	for _, t := range i.Types {
		known = append(known, t.Name)
	}
	if near, ok := config.Nearest(typ, known); ok {
		return fmt.Errorf("no type %q of %s: did you mean %s/%s?", typ, plugin, plugin, near)
	}
	return fmt.Errorf("no type %q of %s: it serves %s", typ, plugin, strings.Join(known, ", "))
}

func (a *app) printRemote(plugin string, t host.Type) error {
	w := a.std.out
	fmt.Fprintln(w, paint(w, color.Bold, plugin+"/"+t.Name))
	if t.Doc != "" {
		fmt.Fprintln(w, wrap(t.Doc, width(w), ""))
	}
	fmt.Fprintln(w, "\n"+paint(w, color.Bold, "asks for"))
	all := asks(t.Needs)
	if len(all) == 0 {
		all = []string{"nothing"}
	}
	for _, one := range all {
		fmt.Fprintln(w, "  "+one)
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	if err := json.Unmarshal(t.Schema, &schema); err != nil {
		return errors.New("its schema is no table's")
	}
	fmt.Fprintln(w, "\n"+paint(w, color.Bold, "options"))
	if len(schema.Properties) == 0 {
		fmt.Fprintln(w, "  none of its own")
	}
	for _, key := range slices.Sorted(maps.Keys(schema.Properties)) {
		var o property
		_ = json.Unmarshal(schema.Properties[key], &o) // true is a schema too, that says nothing
		about := o.kind()
		switch {
		case slices.Contains(schema.Required, key):
			about += ", required"
		case o.Default != nil:
			about += ", default " + literal(o.Default)
		}
		fmt.Fprintf(w, "  %s  %s\n", paint(w, color.FgCyan, key), paint(w, color.Faint, about))
		if o.Description != "" {
			fmt.Fprintln(w, wrap(o.Description, width(w), "      "))
		}
	}
	_, err := fmt.Fprintln(w, "\nEvery stage of a plugin has use, when, timeout, on_failure and role as well: leat stages stages")
	return err
}

// property is what a schema says of a key, as far as people are told.
type property struct {
	Type        any    `json:"type"`
	Description string `json:"description"`
	Default     any    `json:"default"`
	Enum        []any  `json:"enum"`
}

func (p property) kind() string {
	if len(p.Enum) > 0 {
		var words []string
		for _, v := range p.Enum {
			words = append(words, literal(v))
		}
		return "one of " + strings.Join(words, ", ")
	}
	switch t := p.Type.(type) {
	case string:
		return inTOML(t)
	case []any:
		var words []string
		for _, one := range t {
			if s, ok := one.(string); ok {
				words = append(words, inTOML(s))
			}
		}
		return strings.Join(words, " or ")
	}
	return "any value"
}

// asks lists needs as a file writes grants, one key each: request.edit "a", "b".
func asks(n pipeline.Needs) []string {
	all := []string{}
	for _, need := range n.Beyond(pipeline.Needs{}) {
		what, name, named := strings.Cut(need, " ")
		if last := len(all) - 1; named && last >= 0 && strings.HasPrefix(all[last], what+" ") {
			all[last] += ", " + name
			continue
		}
		all = append(all, need)
	}
	return all
}

func inTOML(t string) string {
	if t == "object" {
		return "table"
	}
	return t
}

// lockedInterfaces lists the types that the lock knows of the file's plugins; none where there is no file that can be read, or no lock.
func (a *app) lockedInterfaces() []remoteShown {
	all := []remoteShown{}
	plugins, _ := a.unjudged() // whoever asks what there is need not have a file
	for _, p := range plugins {
		locked, err := a.pluginHost().Locked(p)
		if err != nil || locked == nil {
			continue
		}
		for _, t := range locked.Interface.Types {
			all = append(all, remoteShown{p.Name + "/" + t.Name, t.Doc, t.Needs, t.Schema})
		}
	}
	return all
}

// typesOf lists the types of a plugin: PLUGIN/TYPE.
func (a *app) typesOf(plugin string) []string {
	var names []string
	for _, t := range a.lockedInterfaces() {
		if strings.HasPrefix(t.Name, plugin+"/") {
			names = append(names, t.Name)
		}
	}
	return names
}
