package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"
)

// benchRow is one line of the report.
type benchRow struct {
	Load   string  `json:"load,omitempty"` // alone, or parallel
	What   string  `json:"what"`           // p50, p99, rate, start, or memory
	Unit   string  `json:"unit"`           // seconds, per_second, or bytes
	Plugin float64 `json:"plugin"`
	Echo   float64 `json:"echo"`
	Ratio  float64 `json:"ratio"` // of plugin to echo
}

// benchReport is what `plugin bench -o json` prints.
type benchReport struct {
	Plugin   string     `json:"plugin"`
	Type     string     `json:"type"`
	Stage    string     `json:"stage"`
	Version  string     `json:"version,omitempty"`
	SDK      string     `json:"sdk,omitempty"`
	Runs     int        `json:"runs"`
	Wanted   int        `json:"runs_wanted"`
	Seconds  float64    `json:"seconds"` // of each measurement
	Parallel int        `json:"parallel"`
	Rows     []benchRow `json:"rows"`
}

func (b *bench) rows() []benchRow {
	var rows []benchRow
	for _, row := range []struct {
		load, what, unit string
		of               func(figures) float64
	}{
		{"alone", "p50", "seconds", func(f figures) float64 { return f.AloneP50 }},
		{"alone", "p99", "seconds", func(f figures) float64 { return f.AloneP99 }},
		{"alone", "rate", "per_second", func(f figures) float64 { return f.AloneRate }},
		{"parallel", "p50", "seconds", func(f figures) float64 { return f.ParallelP50 }},
		{"parallel", "p99", "seconds", func(f figures) float64 { return f.ParallelP99 }},
		{"parallel", "rate", "per_second", func(f figures) float64 { return f.ParallelRate }},
		{"", "start", "seconds", func(f figures) float64 { return f.Start }},
		{"", "memory", "bytes", func(f figures) float64 { return f.Memory }},
	} {
		var plugin, echo, ratios []float64
		for _, run := range b.runs {
			p, e := row.of(run[0]), row.of(run[1])
			plugin, echo = append(plugin, p), append(echo, e)
			if e > 0 {
				ratios = append(ratios, p/e)
			}
		}
		rows = append(rows, benchRow{row.load, row.what, row.unit, median(plugin), median(echo), median(ratios)})
	}
	return rows
}

// median returns the middle one, or the mean of both; 0 for none.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[n/2] + list[(n-1)/2]) / 2
}

func (b *bench) report() error {
	one, w := b.stages[0], b.app.std.out
	r := benchReport{
		Plugin: one.plan.Name, Type: one.typ, Stage: one.stage, Version: one.about.Version, SDK: one.about.SDK, Runs: len(b.runs), Wanted: b.flags.count,
		Seconds: b.flags.time.Seconds(), Parallel: b.flags.parallel, Rows: b.rows(),
	}
	if b.app.json() {
		return b.app.writeJSON(r)
	}
	name := one.plan.Name + "/" + one.typ
	cut := ""
	if r.Runs < r.Wanted {
		cut = fmt.Sprintf(" (%d were wanted)", r.Wanted)
	}
	fmt.Fprintf(w, "%s, stage %s, %s, beside an echo in Go: %s of %s each%s, medians\n\n", paint(w, color.Bold, name), one.stage, one.about.SDK, plural(r.Runs, "run"), b.flags.time, cut)
	const line = "%-16s %-22s %*s %12s %8s\n"
	width := max(12, utf8.RuneCountInString(name))
	fmt.Fprintf(w, line, "", "", width, name, "echo", "ratio")
	last := ""
	for _, row := range r.Rows {
		label := map[string]string{"alone": "one at a time", "parallel": fmt.Sprintf("%d in flight", r.Parallel)}[row.Load]
		if label == last {
			label = ""
		} else {
			last = label
		}
		what := row.What
		switch what {
		case "start":
			label, what = "start", "to the first answer"
		case "memory":
			label, what = "memory", "RSS"
		}
		ratio := "–"
		if row.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", row.Ratio)
		}
		if _, err := fmt.Fprintf(w, line, label, what, width, amount(row.Plugin, row.Unit), amount(row.Echo, row.Unit), ratio); err != nil {
			return err
		}
	}
	if c := one.plan.Config.Command; len(c) > 1 && filepath.Base(c[0]) == "go" && c[1] == "run" {
		fmt.Fprint(w, "\nIts command is go run: the start includes that of the go command, and the memory too. Measure the built program.\n")
	}
	return nil
}

// amount writes a figure with its unit, in three digits or so.
func amount(v float64, unit string) string {
	switch {
	case v == 0:
		return "–"
	case unit == "bytes":
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	case unit == "per_second":
		return thousands(int64(v)) + "/s"
	case v < 1e-3:
		return fmt.Sprintf("%.0f µs", v*1e6)
	case v < 10e-3:
		return fmt.Sprintf("%.2f ms", v*1e3)
	case v < 1:
		return fmt.Sprintf("%.0f ms", v*1e3)
	}
	return time.Duration(v * float64(time.Second)).Round(10 * time.Millisecond).String()
}

// thousands groups the digits of a number.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
