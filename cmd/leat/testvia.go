package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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

// viaPlugin is the --via whose process is the command itself.
const viaPlugin = "plugin"

// away is what stages of tests are in another process.
type away struct {
	how    string      // as --via has it
	plugin *via.Plugin // the stages themselves; nil: others around them
	sdk    *via.SDK    // those
	bodies bool        // some of them read bodies
}

// sendAway has the tests that are loaded from now on use stages of other processes. Nothing is started yet.
func (p *program) sendAway(how string) error {
	if how != viaPlugin {
		p.far = &away{how: how, sdk: via.NewSDK(strings.Fields(how)), bodies: true}
		return nil
	}
	self, err := executable()
	if err != nil {
		return err
	}
	_, served := p.split()
	types := make([]string, len(served))
	for i, f := range served {
		types[i] = f.Type()
	}
	p.far = &away{how: how, plugin: via.New([]string{self, stagesProcess}, types)}
	return nil
}

// keep starts a process at once, which most tests share.
func (w *away) keep(ctx context.Context) error {
	if w.plugin != nil {
		return w.plugin.Keep(ctx, scenario.Draws{0.5})
	}
	return w.sdk.Keep(ctx)
}

func (w *away) close() {
	if w.plugin != nil {
		_ = w.plugin.Close() // no test runs any more
	} else {
		_ = w.sdk.Close()
	}
}

// excepted tells why a test can't pass so, and false if it can.
func (w *away) excepted(file, name string) (via.Exception, bool) {
	list := via.SDKExceptions()
	if w == nil {
		return via.Exception{}, false
	}
	if w.plugin != nil {
		list = via.Exceptions()
	}
	return via.Excepted(list, file, name)
}

// viaUsage refuses a --via that is neither "plugin" nor the command line of a program.
func viaUsage(how string) error {
	words := strings.Fields(how)
	if how == viaPlugin {
		return nil
	}
	if len(words) == 0 {
		return errors.New(`--via takes "plugin" or a command line, not blanks`)
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return fmt.Errorf(`--via takes "plugin" or the command line of a program, and there is no program %s`, words[0])
	}
	return nil
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
	home, served := p.split()
	if p.far.plugin != nil {
		return scenario.LoadWith(name, p.far.plugin.Stages, pipeline.WithStages(home...), stores)
	}
	for _, f := range served {
		home = append(home, p.far.sdk.Factory(f, p.far.bodies))
	}
	return scenario.Load(name, pipeline.WithStages(home...), stores)
}

// judge returns what a result means: of a test that can't pass by another process, failing is right and passing is wrong.
func (r *testRun) judge(n int, result scenario.Result) scenario.Result {
	e, excepted := r.far.excepted(result.File, result.Name)
	switch {
	case excepted && result.Status == scenario.Failed && !e.WithoutBodies():
		return skipped(result, e)
	case excepted && result.Status == scenario.Passed:
		return r.cases[n].suite.Lost(r.cases[n].i, "the test passed, but is listed as an exception: "+e.Reason, "", "")
	}
	return result
}

func skipped(result scenario.Result, e via.Exception) scenario.Result {
	result.Status, result.Reason, result.Failures, result.Calls = scenario.Skipped, e.Reason, nil, nil
	return result
}

// again runs a test without pass-bodies that failed, as it must, for that alone: it passes then, and counts as skipped; or that is its result.
func (c *testChild) again(t *testing.T, job jobTest, failed scenario.Result) scenario.Result {
	e, excepted := c.far.excepted(failed.File, failed.Name)
	if !excepted || !e.WithoutBodies() || failed.Status != scenario.Failed {
		return failed
	}
	p, far := c.program, *c.far
	far.bodies, p.far = false, &far
	suite, err := p.load(job.File)
	if err != nil {
		return failed
	}
	if result := suite.Run(t, job.Index); result.Status != scenario.Passed {
		return result
	}
	return skipped(failed, e)
}
