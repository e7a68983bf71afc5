package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"net/http"
)

// bench measures two stages in turns: the plugin's, and the echo.
type bench struct {
	app     *app
	flags   benchFlags
	request *http.Request
	stages  [2]*benched
	runs    []benchRun
}

// benchRun is what one run found out about each of the two.
type benchRun [2]figures

// figures are in seconds, requests a second, and bytes; 0 is unknown.
type figures struct {
	AloneP50     float64
	AloneP99     float64
	AloneRate    float64
	ParallelP50  float64
	ParallelP99  float64
	ParallelRate float64
	Start        float64
	Memory       float64
}

// measure adds runs until there are enough, or ctx ends; a run that it cuts short does not count.
func (b *bench) measure(ctx context.Context) error {
	for i := range b.flags.count {
		b.progress(fmt.Sprintf("run %d of %d…", i+1, b.flags.count))
		run, err := b.run(ctx, i)
		b.progress("")
		if err != nil {
			return err
		}
		b.runs = append(b.runs, run)
	}
	return nil
}

// progress says on a terminal what is under way.
func (b *bench) progress(text string) {
	if w := b.app.std.err; isTerminal(w) {
		fmt.Fprintf(w, "\r\x1b[K%s", text)
	}
}

// run starts both, and measures them one after the other; who comes first changes from run to run.
func (b *bench) run(ctx context.Context, number int) (out benchRun, err error) {
	order := [2]int{number % 2, 1 - number%2}
	var lanes [2]*lane
	for _, i := range order {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		l, took, err := b.openLane(b.stages[i])
		if err != nil {
			return out, err
		}
		defer l.close()
		stop := context.AfterFunc(ctx, func() { _ = l.host.Close() }) // what is under way fails then
		defer stop()
		lanes[i], out[i].Start = l, took.Seconds()
	}
	for _, i := range order {
		if _, err := lanes[i].burst(ctx, b.flags.parallel, b.flags.time/2); err != nil {
			return out, err
		}
	}
	for _, i := range order {
		alone, err := lanes[i].burst(ctx, 1, b.flags.time)
		if err != nil {
			return out, err
		}
		out[i].AloneP50, out[i].AloneP99, out[i].AloneRate = alone.at(0.5).Seconds(), alone.at(0.99).Seconds(), alone.perSecond()
	}
	for _, i := range order {
		many, err := lanes[i].burst(ctx, b.flags.parallel, b.flags.time)
		if err != nil {
			return out, err
		}
		out[i].ParallelP50, out[i].ParallelP99, out[i].ParallelRate = many.at(0.5).Seconds(), many.at(0.99).Seconds(), many.perSecond()
		for _, pid := range lanes[i].host.Processes(b.stages[i].plan) {
			out[i].Memory += float64(resident(ctx, pid))
		}
	}
	return out, nil
}

// resident returns the memory of a process group in bytes, as the system counts it; 0 where that can't be known.
func resident(ctx context.Context, group int) (bytes int64) {
	if runtime.GOOS == "linux" {
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, name := range stats {
			text, err := os.ReadFile(name)
			if err != nil {
				continue // it has ended
			}
			_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold anything but this
			fields := strings.Fields(rest)
			const pgrp, rss = 2, 21 // proc(5) counts from 1, and has two fields before
			if len(fields) > rss && fields[pgrp] == strconv.Itoa(group) {
				pages, _ := strconv.ParseInt(fields[rss], 10, 64)
				bytes += pages * int64(os.Getpagesize())
			}
		}
		return bytes
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-axo", "pgid=,rss=").Output()
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == strconv.Itoa(group) {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			bytes += kib << 10
		}
	}
	return bytes
}
