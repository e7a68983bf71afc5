package main

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leatdev/leat/pipeline"
)

// bad is the program with stages that break the process that tests them, and with as much patience as PATIENCE says.
func bad() program {
	p := shipped()
	if d, err := time.ParseDuration(os.Getenv("PATIENCE")); err == nil {
		p.patience = d
	}
	p.stages = append(p.stages,
		pipeline.Define("crash", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return crash, nil }),
		pipeline.Define("deadlock", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return deadlock, nil }),
		pipeline.Define("hang", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return hang, nil }),
		pipeline.Define("interrupt", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return interrupt, nil }),
		pipeline.Define("chatter", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return chatter, nil }),
	)
	return p
}

// crash panics where nobody can recover it.
func crash(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	var wg sync.WaitGroup
	wg.Go(func() { panic("a stage's own goroutine fell over") })
	wg.Wait()
	return next.RoundTrip(req)
}

// deadlock waits inside of the bubble for what never comes.
func deadlock(*http.Request, http.RoundTripper) (*http.Response, error) {
	<-make(chan bool)
	return nil, nil
}

// hang waits outside of the bubble, so that virtual time stands still.
func hang(*http.Request, http.RoundTripper) (*http.Response, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	_, err = r.Read(make([]byte, 1))
	return nil, err
}

// interrupt has Ctrl-C reach the command, and hangs.
func interrupt(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	command, err := os.FindProcess(os.Getppid())
	if err == nil {
		err = command.Signal(os.Interrupt)
	}
	if err != nil {
		return nil, err
	}
	return hang(req, next)
}

// chatter prints where results go.
func chatter(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	_, _ = os.Stdout.WriteString("hello\n")
	_, _ = os.Stderr.WriteString("panic: not really\n")
	return next.RoundTrip(req)
}

var realTime = regexp.MustCompile(`in \d+\.\d s |(time=")\d+\.\d{3}"`)

// reads compares standard output with a file, apart from the real time that the tests took: reads want
func reads(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: reads FILE")
	}
	want, got := ts.ReadFile(args[0]), realTime.ReplaceAllStringFunc(ts.ReadFile("stdout"), func(s string) string {
		if s[0] == 't' {
			return `time="T"`
		}
		return "in T s "
	})
	if got != want {
		ts.Fatalf("standard output is\n%s\nand not\n%s", got, want)
	}
}

// until waits until a file has so many matches of an expression: until FILE REGEXP COUNT
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: until FILE REGEXP COUNT")
	}
	expr := regexp.MustCompile("(?m)" + args[1])
	count, err := strconv.Atoi(args[2])
	ts.Check(err)
	text := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if text = string(data); err == nil && len(expr.FindAllString(text, -1)) >= count {
			return
		}
	}
	ts.Fatalf("%s has not %d of %s:\n%s", args[0], count, args[1], text)
}
