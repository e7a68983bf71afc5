package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline/config"
)

// The shell's completions. They never fail: where nothing is known, nothing is offered.

func tomlFiles(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []cobra.Completion{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// testFiles offers files that are named like tests, as every argument.
func testFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{strings.TrimPrefix(scenario.Suffix, ".")}, cobra.ShellCompDirectiveFilterFileExt
}

// pipelineNames offers the pipelines of the file as the first argument, and what more gives as the next ones.
func (a *app) pipelineNames(more ...cobra.Completion) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			if len(args) > 1 {
				more = nil
			}
			return more, cobra.ShellCompDirectiveNoFileComp
		}
		return a.offer(args, func(f *config.File) (names []cobra.Completion) {
			for _, p := range f.Pipelines() {
				names = append(names, p.Name)
			}
			return names
		})
	}
}

// credentialNames offers the credentials of the file as the first argument.
func (a *app) credentialNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.offer(args, func(f *config.File) (names []cobra.Completion) {
		for _, c := range f.Tables("credentials") {
			typ, _ := c.Text("type")
			names = append(names, cobra.CompletionWithDesc(c.Name(), typ))
		}
		return names
	})
}

// offer returns what list finds in the file as the first argument, and nothing as a further one.
func (a *app) offer(args []string, list func(*config.File) []cobra.Completion) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	f, _ := config.Load(a.file) // a file with mistakes has names all the same
	if f == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return list(f), cobra.ShellCompDirectiveNoFileComp
}
