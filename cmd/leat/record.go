package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
)

// recordFlags are the options of `leat test --record`.
type recordFlags struct {
	pipeline string
	send     sendFlags
	out      string
	force    bool
}

// record sends a real request and writes what happened as a test.
func (a *app) record(ctx context.Context, f recordFlags, args []string) error {
	if len(args) == 0 || len(args) > 2 {
		return &exitError{exitUsage, errors.New("--record PIPELINE needs [METHOD] PATH-OR-URL, as in leat test --record api GET /posts")}
	}
	if f.out != "" && !strings.HasSuffix(f.out, scenario.Suffix) {
		return &exitError{exitUsage, fmt.Errorf("%s: the names of test files end in %s", f.out, scenario.Suffix)}
	}
	if _, err := os.Lstat(f.out); err == nil && !f.force { // before anything is sent
		return thereAlready(f.out)
	}
	out, err := a.outgoing(f.send, append([]string{f.pipeline}, args...))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	plan, err := a.plan()
	if err != nil {
		return err
	}
	recorder := &scenario.Recorder{}
	runner, server, err := a.open(ctx, pipeline.WithWrappedTransports(recorder.Wrap))
	if err != nil {
		return err
	}
	defer server.close()
	defer func() { _ = runner.Close() }()
	p, err := runner.Pipeline(out.pipeline)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	req, err := out.request(ctx, p)
	if err != nil {
		return err
	}
	r := exchange(p, req)
	if ctx.Err() != nil {
		return r.exit(ctx)
	}
	file, err := a.fileBeside(f.out)
	if err != nil {
		return err
	}
	x := scenario.Exchange{
		Pipeline: out.pipeline, Method: out.method, Ref: out.ref, Header: out.header, Body: out.body, File: file, Set: a.sets,
		Call: r.call, Err: r.err,
	}
	if r.resp != nil {
		x.Status = r.resp.StatusCode
	}
	text, err := recorder.Test(x, plan, runner.Redactor())
	if err != nil {
		return err
	}
	return a.writeTest(ctx, f, text, r)
}

// fileBeside is the pipelines file as a test file at name writes it.
func (a *app) fileBeside(name string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	file, err := filepath.Abs(a.file)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(dir, file)
	return filepath.ToSlash(rel), err
}

func (a *app) writeTest(ctx context.Context, f recordFlags, text []byte, r *result) error {
	if f.out == "" {
		_, err := a.std.out.Write(text)
		return err
	}
	if err := writeNew(f.out, text, f.force); err != nil {
		return err
	}
	fmt.Fprintf(a.std.err, "wrote %s: %s, %s\n", f.out, r.verdict(), plural(r.call.Sends(), "send"))
	cases, err := a.findTests([]string{f.out})
	if err != nil {
		return err
	}
	chosen, err := cases.chosen(testFlags{})
	if err != nil {
		return err
	}
	if err := a.runTests(ctx, chosen, testFlags{}); err != nil {
		fmt.Fprintln(a.std.err, "the test does not come out as the recording did; change it by hand, or say what you expect")
		return err
	}
	return nil
}
