package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
)

// manyReport is what `send --count N -o json` prints.
type manyReport struct {
	Calls      int                   `json:"calls"` // that began
	Asked      int                   `json:"asked"` // by --count; more than calls where the command was interrupted
	Parallel   int                   `json:"parallel"`
	Succeeded  int                   `json:"succeeded"`
	Failed     map[pipeline.Kind]int `json:"failed"` // by kind
	Sends      int                   `json:"sends"`
	DurationMS float64               `json:"duration_ms"`
	P50MS      float64               `json:"p50_ms"`
	P99MS      float64               `json:"p99_ms"`
	Demo       *demo.Stats           `json:"demo,omitempty"` // what the demo server counted
	FirstError string                `json:"first_error,omitempty"`
}

// sendMany sends the same request many times and prints what came of it.
func (a *app) sendMany(ctx context.Context, p *pipeline.Pipeline, out *outgoing, f sendFlags, server *demoServer) error {
	if _, err := out.request(ctx, p); err != nil {
		return err
	}
	began := time.Now()
	results := a.repeat(ctx, p, out, f)
	report := manyReport{
		Calls: len(results), Asked: f.count, Parallel: f.parallel, Failed: map[pipeline.Kind]int{}, DurationMS: millis(time.Since(began)),
	}
	var times []time.Duration
	stores := 0 // calls that a store of tokens ended
	for _, r := range results {
		report.Sends += r.call.Sends()
		times = append(times, r.took)
		kind := r.failed()
		if kind == "" {
			report.Succeeded++
			continue
		}
		report.Failed[kind]++
		if r.storeFailed() {
			stores++
		}
		if report.FirstError == "" && r.err != nil {
			report.FirstError = r.err.Error()
		}
	}
	slices.Sort(times)
	if len(times) > 0 {
		report.P50MS, report.P99MS = millis(times[len(times)/2]), millis(times[len(times)*99/100])
	}
	if stats, ok := server.stats(); ok {
		report.Demo = &stats
	}
	if err := a.printMany(report); err != nil {
		return err
	}
	switch {
	case report.Succeeded == report.Asked:
		return nil
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted")}
	case report.Succeeded+stores == report.Asked:
		return &exitError{code: exitStore}
	}
	return &exitError{code: exitFailed}
}

func (a *app) repeat(ctx context.Context, p *pipeline.Pipeline, out *outgoing, f sendFlags) []*result {
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		results []*result
		next    = make(chan struct{})
	)
	for range min(f.parallel, f.count) {
		wg.Go(func() {
			for range next {
				req, err := out.request(ctx, p)
				if err != nil {
					return
				}
				r := exchange(p, req)
				mu.Lock()
				results = append(results, r)
				mu.Unlock()
			}
		})
	}
	for n := 0; n < f.count && ctx.Err() == nil; n++ {
		select {
		case next <- struct{}{}:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return results
}

func refreshes(n int) string {
	if n == 1 {
		return "1 refresh"
	}
	return fmt.Sprintf("%d refreshes", n)
}

func (a *app) printMany(r manyReport) error {
	if a.json() {
		return a.writeJSON(r)
	}
	w := a.std.out
	calls := plural(r.Calls, "call")
	if r.Calls < r.Asked {
		calls = fmt.Sprintf("%d of %s began", r.Calls, plural(r.Asked, "call"))
	}
	fmt.Fprintf(w, "%s, %d at a time: %d succeeded", calls, r.Parallel, r.Succeeded)
	for _, kind := range pipeline.Kinds() {
		if n := r.Failed[kind]; n > 0 {
			fmt.Fprintf(w, ", %d %s", n, kind.Error())
		}
	}
	fmt.Fprintf(w, "\n%s · p50 %.1f ms · p99 %.1f ms · %s\n", short(time.Duration(r.DurationMS*float64(time.Millisecond))), r.P50MS, r.P99MS, plural(r.Sends, "send"))
	if d := r.Demo; d != nil {
		fmt.Fprintf(w, "the demo server saw: %s, %s, %d reused refresh tokens, %d answers 401\n", plural(d.Logins, "login"), refreshes(d.Refreshes), d.RefreshReuses, d.Unauthorized)
	}
	if r.FirstError != "" {
		fmt.Fprintf(w, "first error: %s\n", r.FirstError)
	}
	return nil
}
