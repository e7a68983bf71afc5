package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/conformance/scenario"
)

type testFlags struct {
	run                  string
	pattern              *regexp.Regexp // of run, nil without it
	via                  string
	list, watch, verbose bool
	record               recordFlags
}

func (a *app) testVerb() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test [FILES|DIRS]\n  leat test --record PIPELINE [METHOD] PATH-OR-URL",
		Short: "Run tests of pipelines, in virtual time",
		Long: `Run the tests of the named files, and of every *` + scenario.Suffix + ` in the named folders and below; without arguments, below this folder. Folders whose
names begin with a dot, testdata and node_modules are left out unless they are named themselves.

A test file declares what the upstream answers, the calls, and what must come of them. Time is virtual: an hour passes in milliseconds. No
connection is made and no secret is read. LEAT_… variables do not count: a test says set = ["PATH=VALUE"] itself.

With --record one real request is sent through a pipeline, and a test is written of what happened. Secrets are masked in it, headers that may hold
one are left out or get fake values, and of bodies that are neither JSON nor a form only the size is kept.

All files are read first; if there is a mistake in one, or in a pipelines file that it names, nothing runs.`,
		Example: `  leat test
  leat test shop.test.toml --run 'refresh'
  leat test --watch
  leat test -o junit > report.xml
  leat test --record api GET /things --out things.test.toml`,
		ValidArgsFunction: testFiles,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := a.testUsage(cmd, &f); err != nil {
				return &exitError{exitUsage, err}
			}
			if f.record.pipeline != "" {
				return a.record(cmd.Context(), f.record, paths)
			}
			if f.via != "" {
				if err := a.sendAway(f.via); err != nil {
					return err
				}
				defer a.far.close()
			}
			if len(paths) == 0 {
				paths = []string{"."}
			}
			if f.watch {
				return a.watchTests(cmd.Context(), paths, f)
			}
			return a.test(cmd.Context(), paths, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&a.output, "output", "o", "text", "text, json or junit")
	flags.StringVar(&f.run, "run", "", "only the tests whose name, or \"FILE:LINE NAME\", this regular expression matches")
	flags.StringVar(&f.via, "via", "", "have another process serve the stages, as that of a plugin: \"plugin\"; or the command line of a conformance program of an SDK, whose stages then stand around each; auth and refresh stay as they are")
	flags.BoolVar(&f.list, "list", false, "list the tests, and run none")
	flags.BoolVar(&f.watch, "watch", false, "run again whenever a test file, its pipelines file or a file beside them changes; Ctrl-C ends it")
	flags.StringVar(&f.record.pipeline, "record", "", "send a real request through this pipeline, and write a test of what happened")
	flags.StringVar(&f.record.out, "out", "", "write the test to this new file in place of standard output (--record)")
	flags.BoolVar(&f.record.force, "force", false, "replace a file that is there (--record)")
	flags.StringVarP(&f.record.send.data, "data", "d", "", "the request's body; @FILE reads it from a file, @- from standard input (--record)")
	flags.StringArrayVarP(&f.record.send.headers, "header", "H", nil, "a header, as in 'Name: value' (repeatable; --record)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the tests that passed as well")
	return cmd
}

// testUsage refuses flags that have no meaning here, or none together.
func (a *app) testUsage(cmd *cobra.Command, f *testFlags) (err error) {
	switch {
	case f.record.pipeline != "":
		if f.watch || f.list || f.verbose || f.run != "" || f.via != "" || a.output != "text" {
			return errors.New("--record runs no tests: of the other flags it takes -c, --set, -d, -H, --out and --force")
		}
	case f.record.out != "" || f.record.force || f.record.send.data != "" || f.record.send.headers != nil:
		return errors.New("-d, -H, --out and --force go with --record PIPELINE")
	case cmd.Flags().Changed("config"):
		return errors.New(`-c is not for test: a test file says file = "PIPELINES.toml" itself`)
	case cmd.Flags().Changed("set"):
		return errors.New(`--set is not for test: a test says set = ["PATH=VALUE"] itself`)
	case f.watch && a.output != "text":
		return fmt.Errorf("--watch is for people: it does not print %s", a.output)
	case f.watch && f.list:
		return errors.New("--watch and --list exclude each other")
	case f.list && a.output == "junit":
		return errors.New("--list prints text or json")
	}
	if f.via != "" {
		if err := viaUsage(f.via); err != nil {
			return err
		}
	}
	if f.run == "" {
		return nil
	}
	if f.pattern, err = regexp.Compile(f.run); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	return nil
}

// test finds the tests and lists or runs them.
func (a *app) test(ctx context.Context, paths []string, f testFlags) error {
	found, err := a.findTests(paths)
	if err != nil {
		return err
	}
	cases, err := found.chosen(f)
	switch {
	case err != nil:
		return err
	case f.list:
		return a.listTests(cases)
	}
	return a.runTests(ctx, cases, f)
}

// runTests runs the tests and prints what came of them.
func (a *app) runTests(ctx context.Context, cases []testCase, f testFlags) error {
	began := time.Now()
	r := &testRun{program: a.program, cases: cases, ends: make([]*testEnd, len(cases)), settled: func() {}}
	text := &testText{w: a.std.out, run: r, verbose: f.verbose}
	if a.output == "text" {
		r.settled = text.more
	}
	err := r.run(ctx)
	if err != nil && ctx.Err() == nil {
		return err
	}
	interrupted := err != nil
	switch a.output {
	case "json":
		err = a.writeJSON(testReport{r.report(), interrupted})
	case "junit":
		err = writeJUnit(a.std.out, r, time.Since(began))
	default:
		err = text.end(time.Since(began))
	}
	switch {
	case err != nil:
		return err
	case interrupted:
		return &exitError{exitInterrupted, errors.New("interrupted")}
	case r.report().Failed > 0:
		return &exitError{code: exitFailed}
	}
	return nil
}

// testReport is what `test -o json` prints. Nothing in it depends on the real time that the tests took.
type testReport struct {
	scenario.Report

	Interrupted bool `json:"interrupted,omitempty"` // not all tests are there
}
