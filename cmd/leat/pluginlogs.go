package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

func (a *app) pluginLogsVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "logs [NAME]",
		Short: "Run a plugin, and show what it writes",
		Long: `Start a plugin as a pipeline would, with the same environment and checks, and show what it writes to standard error, each line as
the record that the pipelines' logger gets; Ctrl-C ends it. It serves no pipeline meanwhile: this is to see why a plugin does not start, or what
it says when it does. What it writes while it serves a request, leat send --log shows.

The name may be left out where the file has only one plugin.`,
		Example:           `  leat plugin logs signer`,
		Args:              between(1),
		ValidArgsFunction: a.pluginNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.pluginLogs(cmd.Context(), strings.Join(args, ""))
		},
	}
}

func (a *app) pluginLogs(ctx context.Context, name string) error {
	plugins, err := a.unjudged()
	if err != nil {
		return err
	}
	p, err := a.plugin(&pipeline.Plan{Plugins: plugins}, name)
	if err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	var records slog.Handler = slog.NewTextHandler(a.std.out, options)
	if a.json() {
		records = slog.NewJSONHandler(a.std.out, options)
	}
	err = a.pluginHost(host.WithLogger(slog.New(records))).Watch(ctx, p, func(i *host.Interface) {
		var types []string
		for _, t := range i.Types {
			types = append(types, p.Name+"/"+t.Name)
		}
		fmt.Fprintf(a.std.err, "%s runs and serves %s; Ctrl-C ends it\n", p.Name, strings.Join(types, ", "))
	})
	if err != nil {
		return pluginFailed(ctx, err)
	}
	return &exitError{code: exitInterrupted}
}
