package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline/config"
)

// Virtual time needs a *testing.T, whose package reads the command line, prints to standard output and ends the process; and a panic in a
// goroutine of a stage ends it as well. So the command starts itself once more, with this argument, to run tests for it. It reads a
// testJob from standard input and writes testMessages to standard output.
const testProcess = "__run-tests"

// testJob is what the process has to do.
type testJob struct {
	Tests []jobTest `json:"tests"`
}

type jobTest struct {
	File  string `json:"file"`
	Index int    `json:"index"` // in the file
	Name  string `json:"name"`
}

// testMessage says that a test of the job has begun, or what came of it.
type testMessage struct {
	Test    int                `json:"test"` // in the job
	Result  *scenario.Result   `json:"result,omitempty"`
	Took    time.Duration      `json:"took,omitempty"`    // in real time
	Invalid config.Diagnostics `json:"invalid,omitempty"` // the file was right when it was read first
}

// runTests is the process. It does not return once there is a job.
func (p program) runTests() int {
	signal.Ignore(os.Interrupt) // Ctrl-C reaches both; the command ends this process when it has to
	var job testJob
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		fmt.Fprintf(os.Stderr, "leat: %s is for the command itself: %v\n", testProcess, err)
		return exitUsage
	}
	go func() { // it ends with the process, or the process with it: whoever wants the results is gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(exitFailed)
	}()
	c := &testChild{program: p, out: json.NewEncoder(os.Stdout), suites: map[string]func() (*scenario.Suite, error){}}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "leat:", err)
		return exitFailed
	}
	os.Stdout, os.Args = null, os.Args[:1] // the testing package would print and parse
	var tests []testing.InternalTest
	for n, t := range job.Tests {
		if c.suites[t.File] == nil {
			c.suites[t.File] = sync.OnceValues(func() (*scenario.Suite, error) { return p.load(t.File) })
		}
		tests = append(tests, testing.InternalTest{Name: fmt.Sprint("Test", n), F: func(tt *testing.T) { c.test(tt, n, t) }})
	}
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, tests, nil, nil)
	return 0
}

// testChild is the process at work.
type testChild struct {
	program

	suites map[string]func() (*scenario.Suite, error) // read when the first test needs them

	mu  sync.Mutex
	out *json.Encoder
}

func (c *testChild) send(m testMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(m) // if nobody listens, standard input ends as well
}

func (c *testChild) test(t *testing.T, n int, job jobTest) {
	t.Parallel()
	c.send(testMessage{Test: n})
	suite, err := c.suites[job.File]()
	if err == nil && (job.Index >= len(suite.Tests()) || suite.Tests()[job.Index] != job.Name) {
		err = config.Diagnostics{{File: job.File, Message: "the file was changed before its tests ran", Hint: "run them again"}}
	}
	if diags, ok := errors.AsType[config.Diagnostics](err); ok {
		c.send(testMessage{Test: n, Invalid: diags})
		return
	}
	began := time.Now()
	defer func() {
		if t.Failed() { // and so it was ended; in a panic it has not failed yet
			r := suite.Lost(job.Index, "the test could not be run", "", "")
			c.send(testMessage{Test: n, Result: &r})
		}
	}()
	r := suite.Run(t, job.Index)
	c.send(testMessage{Test: n, Result: &r, Took: time.Since(began)})
}
