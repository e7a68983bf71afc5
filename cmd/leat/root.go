package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fatih/color"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/leatdev/leat/pipeline/config"
)

// The exit codes, documented in the root command's help.
const (
	exitFailed      = 1   // the request ended in an error
	exitUsage       = 2   // the command line is wrong
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

// run runs the command line and returns its exit code.
func run(ctx context.Context, args []string, std stdio) int {
	app := &app{std: std}
	root := app.root()
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	return app.report(ctx, root.ExecuteContext(ctx))
}

// app is what the verbs share.
type app struct {
	std    stdio
	file   string
	sets   []string
	output string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "leat",
		Short: "Run HTTP requests through declared pipelines",
		Long: `leat runs HTTP requests through the stages that pipelines.toml declares: auth, refresh, retry, log, error-map, validate.

Exit codes: 0 done; 1 the request ended in an error (any 4xx or 5xx kind included); 2 wrong usage; 78 invalid file; 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("leat {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitUsage, fmt.Errorf("%w\nrun '%s --help' for the options", err, cmd.CommandPath())}
	})
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

// unknownVerb refuses what is no command, with the nearest that is one.
func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			known = append(known, verb.Name())
		}
	}
	hint := "run 'leat --help' for the commands"
	if near, ok := config.Nearest(args[0], known); ok {
		hint = "did you mean " + near + "?"
	}
	return &exitError{exitUsage, fmt.Errorf("unknown command %q: %s", args[0], hint)}
}

// usage has wrong arguments exit with 2, and checks the flags that all verbs share.
func (a *app) usage(verb *cobra.Command) {
	args := verb.Args
	verb.Args = func(cmd *cobra.Command, given []string) error {
		if a.output != "text" && a.output != "json" {
			return &exitError{exitUsage, fmt.Errorf("-o %s: must be text or json", a.output)}
		}
		for _, s := range a.sets {
			if _, err := config.ParseSet(s); err != nil {
				return &exitError{exitUsage, err}
			}
		}
		if args == nil {
			return nil
		}
		if err := args(cmd, given); err != nil {
			return &exitError{exitUsage, fmt.Errorf("%w\nusage: %s", err, cmd.UseLine())}
		}
		return nil
	}
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
	fmt.Fprintf(a.std.err, "%s %s\n", paint(a.std.err, color.FgRed, "leat:"), err)
	switch {
	case ok:
		return exit.code
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
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
	fmt.Fprintf(a.std.err, "%s %s\n", paint(a.std.err, color.FgRed, "leat:"), plural(len(diags), "mistake"))
}

// isTerminal reports whether w is one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sharesScreen reports whether a person reads standard output on a screen, or in one file with standard error: then a line is
// ended where a program would want the exact bytes.
func (a *app) sharesScreen() bool {
	out, outIsFile := a.std.out.(*os.File)
	errs, errIsFile := a.std.err.(*os.File)
	if isTerminal(a.std.out) || !outIsFile || !errIsFile {
		return isTerminal(a.std.out)
	}
	one, err1 := out.Stat()
	other, err2 := errs.Stat()
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// paint colours s if w is a terminal and NO_COLOR is not set.
func paint(w io.Writer, attr color.Attribute, s string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" {
		return s
	}
	c := color.New(attr)
	c.EnableColor()
	return c.Sprint(s)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
