package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/leatdev/leat/conformance/scenario"
)

// testRun runs tests in processes that may break without harm, one after the other until there is a result of each test.
type testRun struct {
	program

	cases   []testCase
	ends    []*testEnd // of each case, nil until it has ended
	settled func()     // called after each end
	temp    string     // for the files of tests
}

// testEnd is what came of a test.
type testEnd struct {
	scenario.Result

	took time.Duration // in real time
}

func (r *testRun) settle(n int, result scenario.Result, took time.Duration) {
	r.ends[n] = &testEnd{r.judge(n, result), took}
	r.settled()
}

// left returns the tests of which there is no result.
func (r *testRun) left() (left []int) {
	for n, end := range r.ends {
		if end == nil {
			left = append(left, n)
		}
	}
	return left
}

// report returns the results that there are, in the order of the tests.
func (r *testRun) report() scenario.Report {
	report := scenario.Report{Results: []scenario.Result{}}
	for _, end := range r.ends {
		if end != nil {
			report.Add(end.Result)
		}
	}
	return report
}

// run runs what is left. The error is about the run itself: it was interrupted, or tests can't be run at all.
func (r *testRun) run(ctx context.Context) (err error) {
	for n, c := range r.cases {
		if listed := c.listed(); listed.Status == scenario.Skipped {
			r.settle(n, listed, 0)
		}
	}
	if r.temp, err = os.MkdirTemp("", "leat-test-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.temp) //nolint:errcheck // a process that was killed left them, nothing else needs them gone
	for left := r.left(); len(left) > 0; left = r.left() {
		if err := r.round(ctx, left); err != nil {
			return err
		}
	}
	return nil
}

// round runs tests in one process, and finds out which of them broke it if it did not get to its end. At least one has a result then.
func (r *testRun) round(ctx context.Context, tests []int) error {
	p := &testParent{run: r, tests: tests}
	if err := p.work(ctx); err != nil {
		return err
	}
	underWay, settled := p.underWay()
	switch {
	case settled == len(tests):
		return nil
	case len(underWay) == 0 && settled == 0:
		return fmt.Errorf("the tests can't be run: their process ended with %w\n%s", p.end, lastLines(p.said.String()))
	case p.hung:
		for _, n := range underWay {
			where := ""
			if len(underWay) == 1 {
				where = stuckAt(p.said.String())
			}
			r.lose(n, fmt.Sprintf("the test did not end within %g s of real time", r.patience.Seconds()), where)
		}
	case len(tests) == 1:
		text, where := crashed(p.said.String(), p.end)
		r.lose(tests[0], "the test crashed: "+text, where)
	default:
		for _, n := range underWay { // only one of them need be to blame
			if err := r.round(ctx, []int{n}); err != nil {
				return err
			}
		}
	}
	return nil
}

// lose settles a test that did not live to say what came of it.
func (r *testRun) lose(n int, message, where string) {
	want := ""
	if where != "" {
		want = "an end of the test"
	}
	r.settle(n, r.cases[n].suite.Lost(r.cases[n].i, message, want, where), 0)
}

// testParent is one process that runs tests, seen from outside.
type testParent struct {
	run     *testRun
	tests   []int
	started []bool
	said    tail  // on standard error
	hung    bool  // it had to be ended
	end     error // of the process
}

// work runs the process to its end. The error is that it could not be started or that a file is wrong now.
func (p *testParent) work(ctx context.Context) error {
	cmd, in, out, err := p.command(ctx)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the process that runs the tests: %w", err)
	}
	messages := make(chan testMessage)
	go func() {
		defer close(messages)
		for dec := json.NewDecoder(out); ; {
			var m testMessage
			if dec.Decode(&m) != nil {
				return // it has ended; what else it could be shows in what is missing
			}
			messages <- m
		}
	}()
	var job testJob
	if p.run.far != nil {
		job.Via = p.run.far.how
	}
	for _, n := range p.tests {
		c := p.run.cases[n]
		job.Tests = append(job.Tests, jobTest{c.suite.Name, c.i, c.listed().Name})
	}
	_ = json.NewEncoder(in).Encode(job) // it reads this first; if it is dead already, Wait says why
	invalid := p.follow(cmd.Process, messages)
	_ = in.Close()
	p.end = cmd.Wait()
	if invalid == nil {
		return ctx.Err()
	}
	return invalid
}

func (p *testParent) command(ctx context.Context) (*exec.Cmd, io.WriteCloser, io.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, testProcess)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), "GOTRACEBACK=single", "TMPDIR="+p.run.temp, "TMP="+p.run.temp, "TEMP="+p.run.temp)
	cmd.Stderr = &p.said
	cmd.WaitDelay = time.Second
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	return cmd, in, out, errors.Join(err1, err2)
}

// follow takes what the process reports until it has nothing more to say, and ends it when nothing comes of it for too long.
func (p *testParent) follow(process *os.Process, messages <-chan testMessage) (invalid error) {
	p.started = make([]bool, len(p.tests))
	patience := time.NewTimer(p.run.patience)
	defer patience.Stop()
	for {
		select {
		case m, ok := <-messages:
			switch {
			case !ok:
				return invalid
			case m.Invalid != nil:
				invalid = m.Invalid
				_ = process.Kill()
			case m.Result == nil:
				p.started[m.Test] = true
				continue
			default:
				p.run.settle(p.tests[m.Test], *m.Result, m.Took)
			}
			patience.Reset(p.run.patience)
		case <-patience.C:
			if p.hung || process.Signal(syscall.SIGQUIT) != nil { // which has it say where it is
				_ = process.Kill()
			}
			p.hung = true
			patience.Reset(2 * time.Second)
		}
	}
}

// underWay returns the tests that began and have no result, and how many have one.
func (p *testParent) underWay() (underWay []int, settled int) {
	for i, n := range p.tests {
		switch {
		case p.run.ends[n] != nil:
			settled++
		case p.started[i]:
			underWay = append(underWay, n)
		}
	}
	return underWay, settled
}
