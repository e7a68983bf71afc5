package via

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

// Serve is the program that a [Plugin] runs: args are what follows its command. The life of each session passes in a bubble of virtual time, in
// which the time is that of the test. It returns an error where the arguments are wrong, and else not at all: it ends the process.
func Serve(args []string, stages ...pipeline.Factory) error {
	if len(args) == 0 {
		return errors.New("the draws of the test are missing: the command that runs tests starts this by itself")
	}
	draws, err := parse(args[0])
	if err != nil {
		return err
	}
	serve := testing.InternalTest{Name: "Test", F: func(t *testing.T) {
		around := func(run func()) { synctest.Test(t, func(*testing.T) { run() }) }
		if err := plugins.Run(plugins.Options{Name: "built-in", Stages: stages, Around: around, Random: random(draws)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}}
	os.Args = os.Args[:1] // the testing package parses them
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{serve}, nil, nil)
	return errors.New("nothing was served")
}

// random draws from a list, over and over.
func random(draws scenario.Draws) func() float64 {
	var mu sync.Mutex
	n := 0
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		n++
		return draws[(n-1)%len(draws)]
	}
}
