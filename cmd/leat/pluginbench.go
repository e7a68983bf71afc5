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
	"github.com/leatdev/leat/plugins/host"
)

// benchFlags are the options of `plugin bench`.
type benchFlags struct {
	stage    string
	count    int
	time     time.Duration
	parallel int
	headers  []string
	subject  string
	data     string
}

func (a *app) pluginBenchVerb() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [NAME|PATH]",
		Short: "Measure a plugin beside one in Go",
		Long: `Measure what a stage of a plugin costs, beside the echo: a stage in Go with the same needs that sets a header,
if it may set one, and reads the response's body, if it asks for it. Both run in processes of their own, in the
same run and in turns, with the same requests: ten headers, and a next that answers at once. So the ratios say
what the plugin's language and work cost, and hold on other machines more than the times do.

Each run starts both anew, warms them up, and measures them one after the other: alone, one request at a time;
with --parallel requests in flight; the time from the start up to the first answer; and the memory of the
process with its children after that (RSS). What is shown are medians of the runs; each ratio is the median of
the runs' own. Measured is the host's part of the stage and all that lies behind it, not the pipeline around it.
Ctrl-C ends it, and shows the runs that are complete.

NAME is a plugin of the file, and may be left out where there is only one; PATH a folder with a pipelines.toml,
such a file, or a program. A stage runs with the config that it has in the file, or in default of a file with
none. Nothing is sent anywhere, unless the stage itself does.`,
		Example: `  leat plugin bench signer
  leat plugin bench ./myplugin --count 9 --time 2s
  leat plugin bench bin/leat-plugin-tenant --subject ada -o json`,
		Args:              between(1),
		ValidArgsFunction: a.pluginNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.benchPlugin(cmd.Context(), strings.Join(args, ""), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stage, "stage", "", "the stage of the file, or a type of the plugin, where there are several")
	flags.IntVar(&f.count, "count", 5, "how many runs")
	flags.DurationVar(&f.time, "time", 500*time.Millisecond, "how long each measurement lasts; a run has four, after a warm-up")
	flags.IntVar(&f.parallel, "parallel", 64, "how many requests are in flight at a time")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "a header beside the ten, as in 'Name: value' (repeatable)")
	flags.StringVar(&f.subject, "subject", "", "on whose behalf the requests are")
	flags.StringVarP(&f.data, "data", "d", "", "the requests' body; they are POSTs then")
	return cmd
}

// benched is a stage to measure.
type benched struct {
	plan   pipeline.PluginPlan
	typ    string
	stage  string                 // its name in the file
	config any                    // of the host's factory; nil: the empty one
	remote *pipeline.RemoteConfig // nil: the defaults
	needs  pipeline.Needs         // the most that its type asks for, as far as the file grants it
	about  *host.Interface
}

func (a *app) benchPlugin(ctx context.Context, target string, f benchFlags) error {
	request, err := f.request()
	if err == nil && (f.count < 1 || f.parallel < 1 || f.time <= 0) {
		err = errors.New("--count and --parallel must be at least 1, and --time positive")
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if err := lendSignerKey(); err != nil {
		return err
	}
	plan, name, err := a.benchPlan(target)
	if err != nil {
		return err
	}
	one, err := a.benchStage(ctx, plan, name, f.stage)
	if err != nil {
		return err
	}
	echo, err := echoOf(one)
	if err != nil {
		return err
	}
	b := bench{app: a, flags: f, request: request, stages: [2]*benched{one, echo}}
	err = b.measure(ctx)
	if len(b.runs) == 0 {
		switch {
		case ctx.Err() != nil:
			return errInterrupted()
		case one.config == nil:
			return fmt.Errorf("%w\n  no stage of a file gives it a config here", err)
		}
		return err
	}
	if reported := b.report(); reported != nil {
		return reported
	}
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	return err
}

// benchPlan finds the file that is meant, and the plugin's name in it. Of a program without a file it makes a plan.
func (a *app) benchPlan(target string) (*pipeline.Plan, string, error) {
	info, err := os.Stat(target)
	isName := !strings.ContainsAny(target, `/\`) && !strings.HasSuffix(target, ".toml")
	if isName {
		if plugins, err := a.unjudged(); err == nil && (target == "" || slices.ContainsFunc(plugins, func(p pipeline.PluginPlan) bool { return p.Name == target })) {
			plan, err := a.plan()
			return plan, target, err
		}
	}
	switch {
	case err != nil && isName: // the file's mistakes, or that it has no such plugin
		plugins, err := a.unjudged()
		if err == nil {
			_, err = a.plugin(&pipeline.Plan{Plugins: plugins}, target)
		}
		return nil, "", err
	case err != nil:
		return nil, "", &exitError{exitUsage, fmt.Errorf("there is no %s: name a plugin of the file, a folder with a %s, such a file, or a program", target, defaultFile)}
	case info.IsDir():
		a.file = filepath.Join(target, defaultFile)
	case strings.HasSuffix(target, ".toml"):
		a.file = target
	default:
		alone, err := lone(target)
		if err != nil {
			return nil, "", err
		}
		return &pipeline.Plan{Plugins: []pipeline.PluginPlan{alone[0].plan}}, "", nil
	}
	plan, err := a.plan()
	return plan, "", err
}

// benchStage finds the stage of a plugin that is meant: one of the file, else a type that it serves.
func (a *app) benchStage(ctx context.Context, plan *pipeline.Plan, name, stage string) (*benched, error) {
	p, err := a.plugin(plan, name)
	if err != nil {
		return nil, err
	}
	about, err := a.pluginHost().Describe(ctx, p)
	if err != nil {
		return nil, pluginFailed(ctx, err)
	}
	var all []*benched
	for _, line := range plan.Pipelines {
		for _, s := range line.Stages {
			plugin, typ, _ := strings.Cut(s.Type, "/")
			if plugin == p.Name && !slices.ContainsFunc(all, func(b *benched) bool { return b.stage == s.Name }) {
				all = append(all, &benched{plan: p, typ: typ, stage: s.Name, config: s.Config, remote: s.Remote, about: about})
			}
		}
	}
	if len(all) == 0 || !slices.ContainsFunc(all, func(b *benched) bool { return b.stage == stage || stage == "" }) {
		for _, t := range about.Types { // a stage of the file goes before a type of its name
			if slices.ContainsFunc(all, func(b *benched) bool { return b.stage == t.Name }) {
				continue
			}
			all = append(all, &benched{plan: p, typ: t.Name, stage: t.Name, about: about})
		}
	}
	var names []string
	for _, b := range all {
		if b.stage == stage || stage == "" && len(all) == 1 {
			t, ok := about.Type(b.typ)
			if !ok {
				return nil, &exitError{exitInvalid, fmt.Errorf("plugin %s serves no type %q", p.Name, b.typ)}
			}
			if b.needs = t.Needs; p.Config.Grants != nil {
				b.needs = b.needs.Within(*p.Config.Grants)
			}
			return b, nil
		}
		names = append(names, b.stage)
	}
	if stage == "" {
		return nil, &exitError{exitUsage, fmt.Errorf("which stage of %s? --stage %s", p.Name, strings.Join(names, ", or --stage "))}
	}
	return nil, &exitError{exitUsage, fmt.Errorf("no stage %q of %s: there are %s", stage, p.Name, strings.Join(names, ", "))}
}

// request makes what is sent, without a context.
func (f benchFlags) request() (*http.Request, error) {
	method := http.MethodGet
	if f.data != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, "https://upstream.test/posts/1?page=2", nil) //nolint:noctx // each caller has its own
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Accept": "application/json", "Accept-Language": "en-GB,en;q=0.9", "User-Agent": "leat-bench/1.0", "Content-Type": "application/json",
		"X-Request-Id": "0f8fad5b-d9cb-469f-a165-70867728950e", "X-Tenant": "acme", "X-Region": "eu-central-1", "Cache-Control": "no-cache",
		"If-None-Match": `"33a64df551425fcc55e4d42a148795d9f25f89d4"`, "X-Client-Version": "2026.11.1",
	} {
		req.Header.Set(name, value)
	}
	for _, line := range f.headers {
		name, value, err := headerLine(line)
		if err != nil {
			return nil, err
		}
		req.Header.Add(name, value)
	}
	return req, nil
}
