package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/docs"
	"github.com/leatdev/leat/pipeline/config"
)

func (a *app) stagesVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "stages [TYPE]",
		Short: "List the stages, or explain one",
		Long: `List the stage types that ship, or explain one: what it does, its options with their types and defaults, and an example.

Credential types (bearer, login, …), store types (file, redis, …) and the tables of the file (pipelines, transports, …)
are explained as well. The types of plugins, PLUGIN/TYPE, are listed and explained from the lock beside the file; no plugin is run.`,
		Example: `  leat stages
  leat stages retry
  leat stages oauth2
  leat stages signer/hmac`,
		Args:              between(1),
		ValidArgsFunction: typeNames,
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := docs.Read()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.listStages(r)
			}
			if plugin, typ, ok := strings.Cut(args[0], "/"); ok {
				return a.explainRemote(plugin, typ)
			}
			if types := a.typesOf(args[0]); types != nil && !slices.ContainsFunc(everything(r), func(t docs.Type) bool { return t.Name == args[0] }) {
				return &exitError{exitUsage, fmt.Errorf("%s is a plugin: leat stages TYPE explains a type of it: %s", args[0], strings.Join(types, ", "))}
			}
			return a.explain(r, args[0])
		},
	}
}

func typeNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	r, err := docs.Read()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, t := range everything(r) {
		out = append(out, cobra.CompletionWithDesc(t.Name, t.Summary))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func everything(r docs.Reference) []docs.Type {
	return slices.Concat(r.Stages, r.Credentials, r.Stores, r.Tables)
}

func (a *app) listStages(r docs.Reference) error {
	if a.json() {
		return a.writeJSON(struct {
			docs.Reference

			Remote []remoteShown `json:"plugins"`
		}{r, a.lockedInterfaces()})
	}
	w := a.std.out
	fmt.Fprintln(w, paint(w, color.Bold, "stage types"))
	list(w, r.Stages)
	if remote := a.lockedInterfaces(); len(remote) > 0 {
		fmt.Fprintln(w, "\n"+paint(w, color.Bold, "stage types of plugins"))
		var types []docs.Type
		for _, t := range remote {
			types = append(types, docs.Type{Name: t.Name, Summary: t.Doc})
		}
		list(w, types)
	}
	fmt.Fprintln(w, "\n"+paint(w, color.Bold, "credential types"))
	list(w, r.Credentials)
	fmt.Fprintln(w, "\n"+paint(w, color.Bold, "store types"))
	list(w, r.Stores)
	fmt.Fprintln(w, "\n"+paint(w, color.Bold, "tables of the file"))
	list(w, r.Tables)
	_, err := fmt.Fprintln(w, "\nleat stages NAME explains one of them.")
	return err
}

func list(w io.Writer, types []docs.Type) {
	const column = 19
	for _, t := range types {
		text := wrap(t.Summary, width(w), strings.Repeat(" ", column))
		fmt.Fprintf(w, "  %-*s%s\n", column-2, t.Name, strings.TrimLeft(text, " "))
	}
}

func (a *app) explain(r docs.Reference, name string) error {
	var known []string
	for i, t := range everything(r) {
		if t.Name != name {
			known = append(known, t.Name)
			continue
		}
		if a.json() {
			return a.writeJSON(t)
		}
		a.printType(t, i < len(r.Stages))
		return nil
	}
	if near, ok := config.Nearest(name, known); ok {
		return &exitError{exitUsage, fmt.Errorf("no type %q: did you mean %s?", name, near)}
	}
	return &exitError{exitUsage, fmt.Errorf("no type %q: there are %s", name, strings.Join(known, ", "))}
}

func (a *app) printType(t docs.Type, isStage bool) {
	w := a.std.out
	fmt.Fprintln(w, paint(w, color.Bold, t.Name))
	for i, p := range append([]string{t.Summary + "."}, t.Text...) {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, wrap(unticked(p), width(w), ""))
	}
	fmt.Fprintln(w, "\n"+paint(w, color.Bold, "example"))
	for line := range strings.Lines(strings.TrimSpace(t.Example)) {
		fmt.Fprint(w, "  "+line)
	}
	fmt.Fprintln(w, "\n\n"+paint(w, color.Bold, "options"))
	for _, o := range t.Options {
		about := o.Type
		switch o.Default {
		case "":
		case "required":
			about += ", required"
		default:
			about += ", default " + o.Default
		}
		fmt.Fprintf(w, "  %s  %s\n", paint(w, color.FgCyan, o.Name), paint(w, color.Faint, about))
		fmt.Fprintln(w, wrap(unticked(o.Text), width(w), "      "))
	}
	if isStage {
		fmt.Fprintln(w, "\nEvery stage has use and when as well: leat stages stages")
	}
}

// unticked takes out what only a page needs.
func unticked(s string) string { return strings.ReplaceAll(s, "`", "") }

// width returns how long a line may be.
func width(w io.Writer) int {
	const most = 100
	return min(max(columns(w, most), 40), most)
}

// wrap breaks a text into lines of at most columns, each after indent.
func wrap(text string, columns int, indent string) string {
	var b strings.Builder
	at := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case at == 0:
			b.WriteString(indent)
			at = len(indent)
		case at+1+n > columns:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
