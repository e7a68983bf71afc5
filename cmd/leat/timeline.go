package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// timeline draws what happens in a call, a line an event, as it happens.
type timeline struct {
	w     io.Writer
	on    bool
	login func(name, subject string) string // the command that logs in

	mu     sync.Mutex
	events []pipeline.Event
	call   *pipeline.Call // the newest hop
}

func (a *app) newTimeline(on bool) *timeline {
	return &timeline{w: a.std.err, on: on, login: func(name, subject string) string { return a.credentialCommand("login", name, subject) }}
}

// event is the runner's observer.
func (t *timeline) event(c *pipeline.Call, e pipeline.Event) {
	if !t.on {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c != t.call {
		if t.call != nil && c.Previous() == t.call {
			fmt.Fprintf(t.w, "%s  %-10s to %s\n", column(e.At), "redirect", c.URL())
		}
		t.call = c
	}
	t.events = append(t.events, e)
	if line := t.line(e); line != "" {
		fmt.Fprintln(t.w, line)
	}
}

// rowEnd is where the right column ends, on the narrowest of usual screens too.
const rowEnd = 77

// line is one row: when it began, who, what, and how long it took.
func (t *timeline) line(e pipeline.Event) string {
	who, what, at, took := e.Stage, e.Text, e.At, ""
	switch e.Name {
	case pipeline.EventSent:
		who, at, took = t.sender(e), e.At-e.Duration, short(e.Duration)
	case pipeline.EventWaited:
		who, at, took = "credential", e.At-e.Duration, short(e.Duration)
	case pipeline.EventResent:
		who = "transport"
	case pipeline.EventSnapshot:
		return ""
	case pipeline.EventSkipped:
		if e.Reason == "when" {
			what = "skipped by when"
		}
	}
	if what == "" {
		what = e.Name
		if e.Reason != "" {
			what += ": " + e.Reason
		}
	}
	row := fmt.Sprintf("%s  %-10s %s", column(at), who, what)
	if took == "" {
		return t.tint(e, row)
	}
	if utf8.RuneCountInString(row)+len(" ")+len(took) > rowEnd {
		row = strings.Replace(row, " application/", " ", 1)
	}
	rest := max(rowEnd-utf8.RuneCountInString(row), len(" ")+len(took)) // a long row has it right behind
	return t.tint(e, fmt.Sprintf("%s%*s", row, rest, took))
}

// sender names a send: a replay keeps the number of its attempt where no retry stage counts on.
func (t *timeline) sender(e pipeline.Event) string {
	replay := false
	for _, earlier := range slices.Backward(t.events[:len(t.events)-1]) { // the last one is e
		replay = replay || earlier.Name == pipeline.EventReplay
		if earlier.Name == pipeline.EventSent {
			if replay && earlier.Attempt == e.Attempt {
				return "replay"
			}
			break
		}
	}
	return fmt.Sprintf("attempt %d", max(e.Attempt, 1))
}

func (t *timeline) tint(e pipeline.Event, row string) string {
	switch {
	case e.Name == pipeline.EventFailed, e.Name == pipeline.EventSent && (e.Status >= 400 || e.Status == 0):
		return paint(t.w, color.FgRed, row)
	case e.Name == pipeline.EventRetry, e.Name == pipeline.EventReplay, e.Name == pipeline.EventStopped:
		return paint(t.w, color.FgYellow, row)
	}
	return row
}

// summary ends a timeline: what each stage did, the error in full, and where the time went.
func (t *timeline) summary(r *result, p *pipeline.Pipeline) {
	fmt.Fprintf(t.w, "stages: %s\n", t.stages(r, p))
	if problem := t.failure(r); problem != "" && problem != "about:blank" {
		fmt.Fprintf(t.w, "  problem type: %s\n", problem)
	}
	waiting, upstream := r.call.Times()
	own := max(r.took-waiting-upstream, 0)
	fmt.Fprintf(t.w, "%s · %s · stages %s · upstream %s · waiting %s · %s\n", r.verdict(), short(r.took), short(own), short(upstream), short(waiting),
		plural(r.call.Sends(), "send"))
}

// failure says what went wrong, and returns the problem type if the answer had one.
func (t *timeline) failure(r *result) (problem string) {
	switch kind := r.failed(); {
	case r.err != nil:
		fmt.Fprintf(t.w, "%s %s\n", paint(t.w, color.FgRed, "error:"), r.err)
		for _, v := range r.err.Violations {
			fmt.Fprintf(t.w, "  - %s\n", v)
		}
		if e, ok := errors.AsType[*credential.Error](r.err); ok && errors.Is(e, credential.ErrLoginRequired) {
			fmt.Fprintf(t.w, "  to log in: %s\n", t.login(e.Name, e.Subject))
		}
		return r.err.ProblemType
	case kind != "":
		text := kind.Error()
		if message := r.call.Message(); message != "" {
			text += ": " + message
		}
		fmt.Fprintf(t.w, "%s %s\n", paint(t.w, color.FgRed, "error:"), text)
		return r.call.ProblemType()
	}
	return ""
}

// verdict is the result in two words.
func (r *result) verdict() string {
	if r.err != nil && (r.resp == nil || r.failed() != "") {
		return string(r.err.Kind)
	}
	return fmt.Sprintf("%d %s", r.resp.StatusCode, http.StatusText(r.resp.StatusCode))
}

// stages says of each stage what it did, in the signs that `leat send --help` explains.
func (t *timeline) stages(r *result, p *pipeline.Pipeline) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for _, s := range p.Stages() {
		parts = append(parts, s.Name+" "+t.sign(r, s))
	}
	return strings.Join(parts, " ")
}

func (t *timeline) sign(r *result, s pipeline.StageInfo) string {
	again, skipped, passed := 0, false, false
	for _, e := range t.events {
		if e.Stage != s.Name {
			continue
		}
		switch e.Name {
		case pipeline.EventRetry, pipeline.EventReplay:
			again++
		case pipeline.EventSkipped:
			skipped = true
		case pipeline.EventPassed:
			passed = true
		}
	}
	switch {
	case r.err != nil && r.err.Stage == s.Name:
		return "✗"
	case again > 0:
		if s.Type == "retry" && r.failed() != "" {
			return fmt.Sprintf("↻%d✗", again) // and gave up
		}
		return fmt.Sprintf("↻%d", again)
	case !r.call.Ran(s.Name):
		if skipped {
			return "–"
		}
		return "·"
	case s.Type == "refresh", s.Type == "validate" && !passed:
		return "–"
	}
	return "✓"
}

// column is a moment in a column of nine.
func column(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 1000 {
		return fmt.Sprintf("%7.1fms", ms)
	}
	return fmt.Sprintf("%6.0f ms", ms)
}

// short is a duration for people.
func short(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return d.Round(100 * time.Millisecond).String()
}
