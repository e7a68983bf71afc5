package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/conformance/via"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
)

// With --via plugin the stages of tests run in further processes of the command, started with this argument: see the package via.
const stagesProcess = "__serve-stages"

// split tells the stages that a plugin can serve from those that it can't, for they handle credentials.
func (p program) split() (home, away []pipeline.Factory) {
	for _, f := range p.stages {
		if f.Type() == "auth" || f.Type() == "refresh" {
			home = append(home, f)
		} else {
			away = append(away, f)
		}
	}
	return home, away
}

// serveStages is such a process. It does not return once it serves.
func (p program) serveStages(args []string) int {
	_, away := p.split()
	fmt.Fprintf(os.Stderr, "leat: %s is for the command itself: %v\n", stagesProcess, via.Serve(args, away...))
	return exitUsage
}

// sendAway has the tests that are loaded from now on use stages of such processes. To run them, one is started at once, which most share.
func (p *program) sendAway(run bool) error {
	self, err := executable()
	if err != nil {
		return err
	}
	_, away := p.split()
	types := make([]string, len(away))
	for i, f := range away {
		types[i] = f.Type()
	}
	p.far = via.New([]string{self, stagesProcess}, types)
	if !run {
		return nil
	}
	return p.far.Keep(context.Background(), scenario.Draws{0.5})
}

// executable returns the path of the command by the name that it was called by, if that is still it.
func executable() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	called, _ := exec.LookPath(os.Args[0]) // which need not find it
	called, _ = filepath.Abs(called)
	if sameFile(self, called) {
		return called, nil
	}
	return self, nil
}

func sameFile(one, other string) bool {
	a, err1 := os.Stat(one)
	b, err2 := os.Stat(other) //nolint:gosec // the name that the command was called by
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// load reads a test file.
func (p program) load(name string) (*scenario.Suite, error) {
	stores := pipeline.WithStores(redisstore.Factory())
	if p.far == nil {
		return scenario.Load(name, pipeline.WithStages(p.stages...), stores)
	}
	home, _ := p.split()
	return scenario.LoadWith(name, p.far.Stages, pipeline.WithStages(home...), stores)
}

// judge returns what a result means: of a test that can't pass by a plugin, failing is right and passing is wrong.
func (r *testRun) judge(n int, result scenario.Result) scenario.Result {
	reason, excepted := "", false
	if r.far != nil {
		reason, excepted = via.Excepted(result.File, result.Name)
	}
	switch {
	case excepted && result.Status == scenario.Failed:
		result.Status, result.Reason, result.Failures, result.Calls = scenario.Skipped, reason, nil, nil
	case excepted && result.Status == scenario.Passed:
		return r.cases[n].suite.Lost(r.cases[n].i, "the test passed, but is listed as an exception: "+reason, "", "")
	}
	return result
}
