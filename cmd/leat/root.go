package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/stages"
)

// The exit codes, documented in the root command's help.
const (
	exitFailed      = 1   // the request ended in an error, or a test failed
	exitUsage       = 2   // the command line is wrong
	exitStore       = 69  // a store of tokens can't be used (EX_UNAVAILABLE of sysexits.h)
	exitInvalid     = 78  // the file is wrong (EX_CONFIG of sysexits.h)
	exitInterrupted = 130 // Ctrl-C
)

const defaultFile = "pipelines.toml"

type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// exitError ends the command with a code; whatever there was to say has been said if err is nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// program is what the command is made of.
type program struct {
	stages   []pipeline.Factory // for tests
	patience time.Duration      // how long `leat test` waits for a test to end, in real time
	hurry    *hurry             // nil: nobody interrupts it
	far      *away              // what stages of tests are in another process; nil: none
}

// shipped is the program as it ships.
func shipped() program { return program{stages: stages.All(), patience: time.Minute} }

// run runs the command line and returns its exit code.
func (p program) run(ctx context.Context, args []string, std stdio) int {
	out := &output{Writer: std.out}
	app := &app{program: p, std: stdio{std.in, out, std.err}}
	defer app.closePlugins()
	root := app.root()
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(out)
	root.SetErr(std.err)
	err := root.ExecuteContext(ctx)
	if out.err != nil && errors.Is(err, out.err) {
		err = nil // it is told below
	}
	code := app.report(ctx, err)
	if out.err == nil {
		return code
	}
	app.complain(fmt.Errorf("write to standard output: %w", out.failure()))
	return max(code, exitFailed)
}

// app is what the verbs share.
type app struct {
	program

	std    stdio
	file   string
	sets   []string
	output string

	plugins *host.Host       // nil: nobody needed it yet
	shows   *redact.Redactor // likewise; see redactor
	quiet   bool             // says nothing of what takes long
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "leat",
		Short: "Run HTTP requests through declared pipelines",
		Long: `leat runs HTTP requests through the stages that pipelines.toml declares: auth, refresh, retry, log, error-map, validate.

Exit codes: 0 done; 1 the request ended in an error (any 4xx or 5xx kind included), a test or a login failed, or what came of it could
not be written; 2 wrong usage; 69 a store of tokens could not be read or written; 78 invalid file; 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("leat {{.Version}}\n")
	root.SetFlagErrorFunc(wrongFlag)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.file, "config", "c", defaultFile, "the file")
	flags.StringArrayVar(&a.sets, "set", nil, "set a value over the file's, as in pipelines.demo.timeout=5s (repeatable)")
	flags.StringVarP(&a.output, "output", "o", "text", "text or json")
	root.AddCommand(a.verbs()...)
	for _, verb := range root.Commands() {
		a.usage(verb)
	}
	return root
}

func (a *app) json() bool { return a.output == "json" }

// writeJSON prints v as one indented object.
func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.std.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// report says what went wrong and returns the exit code.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exitError](err)
	if ok && exit.err == nil {
		return exit.code
	}
	if diags, isFile := errors.AsType[config.Diagnostics](err); isFile {
		a.reportFile(diags)
		return exitInvalid
	}
	a.complain(err)
	switch {
	case ok:
		return exit.code
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}

// complain writes an error that is not the request's.
func (a *app) complain(err error) {
	fmt.Fprintf(a.std.err, "%s %s\n", paint(a.std.err, color.FgRed, "leat:"), err)
}

func (a *app) reportFile(diags config.Diagnostics) {
	if a.json() {
		_ = a.writeJSON(struct {
			OK          bool               `json:"ok"`
			File        string             `json:"file"`
			Diagnostics config.Diagnostics `json:"diagnostics"`
		}{false, a.file, diags})
		return
	}
	fmt.Fprintln(a.std.err, diags.Error())
	a.complain(errors.New(plural(len(diags), "mistake")))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
