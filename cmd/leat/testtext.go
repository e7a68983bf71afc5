package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/leatdev/leat/conformance/scenario"
)

// testText prints a run for people: each test once all before it have ended, and a summary.
type testText struct {
	w       io.Writer
	run     *testRun
	verbose bool
	next    int
}

// more prints the tests whose turn it is.
func (t *testText) more() {
	for ; t.next < len(t.run.ends) && t.run.ends[t.next] != nil; t.next++ {
		t.one(t.run.ends[t.next])
	}
}

func (t *testText) one(r *testEnd) {
	switch {
	case r.Status == scenario.Failed:
		fmt.Fprintf(t.w, "%s %s\n", paint(t.w, color.FgRed, "FAIL"), harmless(title(r.Result)))
		for line := range strings.Lines(harmless(r.Text()) + "\n") {
			if strings.TrimSpace(line) != "" {
				line = "  " + line
			}
			fmt.Fprint(t.w, line)
		}
		fmt.Fprintln(t.w)
	case r.Status == scenario.Skipped:
		fmt.Fprintf(t.w, "%s %s: %s\n", paint(t.w, color.FgYellow, "skip"), harmless(title(r.Result)), harmless(r.Reason))
	case t.verbose:
		fmt.Fprintf(t.w, "%s %s %s\n", paint(t.w, color.FgGreen, "ok  "), harmless(title(r.Result)), paint(t.w, color.Faint, "("+brief(time.Duration(r.Elapsed))+")"))
	}
}

// end prints what there is behind a test that did not end, and the summary.
func (t *testText) end(took time.Duration) error {
	for ; t.next < len(t.run.ends); t.next++ {
		if t.run.ends[t.next] != nil {
			t.one(t.run.ends[t.next])
		}
	}
	r := t.run.report()
	var virtual time.Duration
	for _, result := range r.Results {
		virtual += time.Duration(result.Elapsed)
	}
	attr, parts := color.FgGreen, []string{fmt.Sprintf("%d passed", r.Passed)}
	if r.Failed > 0 {
		attr, parts = color.FgRed, append(parts, fmt.Sprintf("%d failed", r.Failed))
	}
	if r.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", r.Skipped))
	}
	if n := len(t.run.left()); n > 0 {
		attr, parts = color.FgYellow, append(parts, fmt.Sprintf("%d not run", n))
	}
	_, err := fmt.Fprintf(t.w, "%s in %.1f s (virtual %s)\n", paint(t.w, attr, strings.Join(parts, ", ")), took.Seconds(), brief(virtual))
	return err
}

// brief writes a time as people do: 1h3m, not 1h3m0s.
func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= 10*time.Millisecond:
		d = d.Round(time.Millisecond)
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// harmless replaces what could move a terminal's cursor: bodies and headers are in reports as the test or a stage made them.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, s)
}
