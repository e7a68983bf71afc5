package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
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
	Via   string    `json:"via,omitempty"` // as --via has it
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
	if job.Via != "" {
		err := p.sendAway(job.Via)
		if err == nil {
			err = p.far.keep(context.Background())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "leat:", err)
			return exitFailed
		}
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
	for _, t := range job.Tests {
		if c.suites[t.File] == nil {
			c.suites[t.File] = sync.OnceValues(func() (*scenario.Suite, error) { return p.load(t.File) })
		}
	}
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, c.workers(job.Tests), nil, nil)
	return 0
}

// workers returns tests that run those of the job between them. Were each of them parallel by itself, the goroutines of all that wait would
// stand in every listing that a test makes of what it left behind.
func (c *testChild) workers(jobs []jobTest) []testing.InternalTest {
	var next atomic.Int64
	tests := make([]testing.InternalTest, min(runtime.GOMAXPROCS(0), len(jobs)))
	var working atomic.Int64
	working.Store(int64(len(tests)))
	work := func(t *testing.T) {
		t.Parallel()
		for n := int(next.Add(1)) - 1; n < len(jobs); n = int(next.Add(1)) - 1 {
			t.Run(strconv.Itoa(n), func(t *testing.T) { c.test(t, n, jobs[n]) })
		}
		if working.Add(-1) == 0 && c.far != nil {
			c.far.close() // the process ends now, and theirs with it
		}
	}
	for i := range tests {
		tests[i] = testing.InternalTest{Name: fmt.Sprint("Test", i), F: work}
	}
	return tests
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
	r := c.again(t, job, suite.Run(t, job.Index))
	c.send(testMessage{Test: n, Result: &r, Took: time.Since(began)})
}
