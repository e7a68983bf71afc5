package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
)

func (a *app) pluginDevVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "dev [NAME]",
		Short: "Say how to run a plugin in a debugger, and watch it come and go",
		Long: `Print the line that starts a plugin of the file in a debugger, or by hand, and say when it is there and when it
has gone, until Ctrl-C. The socket that the line names is the same each time for the same file and plugin, in a
folder that only you can enter.

While the program runs so, "leat send PIPELINE PATH --attach NAME" uses it in place of starting the plugin's
command, and "leat check --attach NAME" asks it. Nothing ends while you look at a breakpoint: the timeouts of
the plugin's stages and of the pipeline do not hold then. Without --attach nothing changes: plugins are started
as ever. The lock is not held against a program under development; grants in the file are.

It works with the SDKs for Go, Python and Node; a program without one serves its protocol on the socket that
LEAT_PLUGIN_DEV names. The name may be left out where the file has only one plugin.`,
		Example: `  leat plugin dev signer
  leat send api GET /signed --attach signer      # in another terminal`,
		Args:              between(1),
		ValidArgsFunction: a.pluginNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.developPlugin(cmd.Context(), strings.Join(args, ""))
		},
	}
}

// devPoll is how often a plugin is looked for that is not there: a person starts it.
const devPoll = 200 * time.Millisecond

func (a *app) developPlugin(ctx context.Context, name string) error {
	plan, err := a.planWith(nil)
	if err != nil {
		return err
	}
	p, err := a.plugin(plan, name)
	if err != nil {
		return err
	}
	socket, err := host.AttachPoint(p)
	if err != nil {
		return err
	}
	w := devView{app: a, plugin: p, pipeline: "PIPELINE"}
	if used := slices.IndexFunc(plan.Pipelines, w.within); used >= 0 {
		w.pipeline = word(plan.Pipelines[used].Name)
	}
	if err := w.begin(socket); err != nil {
		return err
	}
	h := a.pluginHost(host.WithAttached(map[string]string{p.Name: socket}))
	for said := ""; ; {
		attached := false
		err := h.Watch(ctx, p, func(i *host.Interface) {
			attached = true
			w.attached(i)
		})
		switch {
		case ctx.Err() != nil:
			return &exitError{code: exitInterrupted}
		case attached:
			said = ""
			w.gone()
		case errors.Is(err, host.ErrNotListening):
			said = ""
		case unasked(err) != said: // it is there, and is not what it should be: told once
			said = unasked(err)
			w.wrong(said)
		}
		t := time.NewTimer(devPoll)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// devView tells what becomes of a plugin under development: lines for people, or one JSON object each.
type devView struct {
	app      *app
	plugin   pipeline.PluginPlan
	pipeline string // one that has a stage of it
}

// within reports whether a pipeline has a stage of the plugin.
func (w *devView) within(p pipeline.PipelinePlan) bool {
	return slices.ContainsFunc(p.Stages, func(s pipeline.StagePlan) bool { return strings.HasPrefix(s.Type, w.plugin.Name+"/") })
}

// devEvent is a line of `plugin dev -o json`.
type devEvent struct {
	Event   string   `json:"event"` // waiting, attached, gone, or wrong
	Plugin  string   `json:"plugin"`
	Socket  string   `json:"socket,omitempty"`
	Line    string   `json:"line,omitempty"` // to paste
	Version string   `json:"version,omitempty"`
	SDK     string   `json:"sdk,omitempty"`
	Types   []string `json:"types,omitempty"`
	Error   string   `json:"error,omitempty"`
}

func (w *devView) tell(e devEvent, text string) error {
	e.Plugin = w.plugin.Name
	if w.app.json() {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		text = string(line)
	}
	_, err := fmt.Fprintln(w.app.std.out, text)
	return err
}

func (w *devView) begin(socket string) error {
	line, unset := w.line(socket)
	var b strings.Builder
	fmt.Fprintf(&b, "Start %s with this line, or have your debugger start the program with this variable:\n\n  %s\n\n", w.plugin.Name, paint(w.app.std.out, color.FgCyan, line))
	if len(unset) > 0 {
		fmt.Fprintf(&b, "Of the variables that the file gives it these are not set here: %s.\n", strings.Join(unset, ", "))
	}
	fmt.Fprintf(&b, "Once it is attached, use it from another terminal:\n\n  leat send%s %s GET / --attach %s\n\nwaiting for %[3]s… (Ctrl-C ends this)", w.option(), w.pipeline, w.plugin.Name)
	return w.tell(devEvent{Event: "waiting", Socket: socket, Line: line}, b.String())
}

// option is how other commands name the file.
func (w *devView) option() string {
	if w.app.file == defaultFile {
		return ""
	}
	return " -c " + word(w.app.file)
}

// line is what starts the program in a shell, and the names of variables that are neither in it nor here.
func (w *devView) line(socket string) (line string, unset []string) {
	var words []string
	if here, err := os.Getwd(); err != nil || !sameFile(here, w.plugin.Dir) {
		words = append(words, "cd", word(w.plugin.Dir), "&&")
	}
	words = append(words, host.DevEnv+"="+word(socket))
	secrets := names{redact.New(redact.Rules{})}
	for _, entry := range w.plugin.Config.Env {
		name, value, sets := strings.Cut(entry, "=")
		switch _, here := os.LookupEnv(name); {
		case sets && !secrets.secret(name):
			words = append(words, name+"="+word(value))
		case sets || !here:
			unset = append(unset, name)
		}
	}
	for _, part := range w.plugin.Config.Command {
		words = append(words, word(part))
	}
	return strings.Join(words, " "), unset
}

func (w *devView) attached(i *host.Interface) {
	e := devEvent{Event: "attached", Version: i.Version, SDK: i.SDK, Types: typesOf(w.plugin.Name, i)}
	_ = w.tell(e, paint(w.app.std.out, color.FgGreen, "attached: ")+aboutPlugin(w.plugin.Name, i))
}

func (w *devView) gone() {
	_ = w.tell(devEvent{Event: "gone"}, w.plugin.Name+" has gone; waiting for it to come again…")
}

func (w *devView) wrong(why string) {
	_ = w.tell(devEvent{Event: "wrong", Error: why}, paint(w.app.std.out, color.FgRed, "wrong: ")+why)
}

// typesOf lists the types that a plugin serves, as a file writes them.
func typesOf(name string, i *host.Interface) []string {
	var types []string
	for _, t := range i.Types {
		types = append(types, name+"/"+t.Name)
	}
	return types
}

// aboutPlugin says in a line what a plugin is.
func aboutPlugin(name string, i *host.Interface) string {
	text := name
	if i.Version != "" {
		text += " " + i.Version
	}
	if i.SDK != "" {
		text += " (" + i.SDK + ")"
	}
	types := typesOf(name, i)
	if len(types) == 1 {
		return text + ", type " + types[0]
	}
	return text + ", types " + strings.Join(types, ", ")
}

// attachedFor is how long nothing ends by itself while a person looks at a plugin.
const attachedFor = "720h"

// attach has the named plugins be processes under development, and asks each what it is. For pipeline, which may be "", the limits on calls are
// lifted; what --set says holds all the same. It is to be called before anything needs the host of plugins.
func (a *app) attach(ctx context.Context, names []string, pipelineName string) error {
	if len(names) == 0 {
		return nil
	}
	plan, err := a.planWith(nil)
	if err != nil {
		return err
	}
	sockets, plugins := map[string]string{}, []pipeline.PluginPlan{}
	for _, name := range names {
		p, err := a.plugin(plan, name)
		if err != nil {
			return err
		}
		if sockets[p.Name], err = host.AttachPoint(p); err != nil {
			return err
		}
		plugins = append(plugins, p)
	}
	h := a.pluginHost(host.WithAttached(sockets))
	context.AfterFunc(ctx, func() { _ = h.Close() }) // Ctrl-C waits for no process that stands at a breakpoint
	for _, p := range plugins {
		i, err := h.Describe(ctx, p)
		if errors.Is(err, host.ErrNotListening) {
			return &exitError{exitFailed, fmt.Errorf("%s does not run at %s: `leat plugin dev %s` says how to start it", p.Name, sockets[p.Name], p.Name)}
		}
		if err != nil {
			return pluginFailed(ctx, err)
		}
		if !a.quiet {
			fmt.Fprintln(a.std.err, "attached: "+aboutPlugin(p.Name, i))
		}
	}
	for _, one := range plan.Pipelines {
		if one.Name != pipelineName {
			continue
		}
		var lifted []string
		for _, key := range []string{"timeout", "attempt_timeout", "body_idle_timeout"} {
			lifted = append(lifted, fmt.Sprintf("pipelines.%q.%s=%s", one.Name, key, attachedFor))
		}
		a.sets = append(lifted, a.sets...)
		if !a.quiet {
			fmt.Fprintf(a.std.err, "no timeout holds meanwhile: neither of the stages of %s nor of pipeline %s\n", strings.Join(names, ", "), one.Name)
		}
	}
	return nil
}

// attachFlag adds --attach to a verb.
func (a *app) attachFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringArrayVar(to, "attach", nil, "use this plugin as it runs under leat plugin dev, in place of starting it (repeatable)")
	_ = cmd.RegisterFlagCompletionFunc("attach", func(cmd *cobra.Command, _ []string, given string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.pluginNames(cmd, nil, given)
	})
}
