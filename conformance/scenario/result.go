package scenario

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

// Status says how a test ended.
type Status string

// The ends of a test.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what came of one test.
type Result struct {
	File     string       `json:"file"`
	Line     int          `json:"line"`
	Name     string       `json:"name"`
	Rules    []string     `json:"rules,omitempty"`
	Status   Status       `json:"status"`
	Reason   string       `json:"reason,omitempty"` // why it was skipped
	Elapsed  Millis       `json:"elapsed_ms"`       // in virtual time
	Failures []Failure    `json:"failures,omitempty"`
	Calls    []CallRecord `json:"calls,omitempty"` // of a test that failed
}

// Report is what came of many tests.
type Report struct {
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	Results []Result `json:"results"`
}

// Add counts a result.
func (r *Report) Add(result Result) {
	switch result.Status {
	case Passed:
		r.Passed++
	case Failed:
		r.Failed++
	case Skipped:
		r.Skipped++
	}
	r.Results = append(r.Results, result)
}

// Failure is one thing that was not as expected, and where the test file says what was.
type Failure struct {
	config.Diagnostic

	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
}

// CallRecord is what happened in one call.
type CallRecord struct {
	Name    string  `json:"name"`
	Request string  `json:"request"`
	Outcome string  `json:"outcome"`
	Events  []Noted `json:"events,omitempty"`
}

// maxShown is how many calls' records a text shows: those of a crowd are much alike.
const maxShown = 4

// Noted is an event of a call's record, as a report shows it.
type Noted struct {
	At     Millis `json:"at_ms"`
	Stage  string `json:"stage"`
	Event  string `json:"event"`
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"`
}

func noted(events []pipeline.Event) (list []Noted) {
	for _, e := range events {
		at := e.At
		if e.Name == pipeline.EventSent || e.Name == pipeline.EventWaited {
			at -= e.Duration // when it began
		}
		list = append(list, Noted{Millis(at.Round(time.Microsecond)), e.Stage, e.Name, e.Status, e.Reason, e.Text})
	}
	return list
}

// Millis is a time that JSON writes in milliseconds.
type Millis time.Duration

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) { return json.Marshal(float64(m) / 1e6) }

// UnmarshalJSON implements json.Unmarshaler.
func (m *Millis) UnmarshalJSON(text []byte) error {
	var ms float64
	err := json.Unmarshal(text, &ms)
	*m = Millis(math.Round(ms * 1e6))
	return err
}

// String writes it as a time.Duration does.
func (m Millis) String() string { return time.Duration(m).String() }

// Text writes a failed result for people: each difference with its line in the test file, and the records of the calls beneath.
func (r Result) Text() string {
	var b strings.Builder
	for _, f := range fold(r.Failures) {
		b.WriteString(f.Text())
	}
	for i, c := range r.Calls {
		if i == maxShown {
			fmt.Fprintf(&b, "… and %s more\n", plural(len(r.Calls)-maxShown, "call"))
			break
		}
		fmt.Fprintf(&b, "%s: %s → %s\n", c.Name, c.Request, c.Outcome)
		for _, e := range c.Events {
			fmt.Fprintf(&b, "  %s\n", row(e))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fold tells a difference once that several callers of one call have alike.
func fold(all []Failure) (folded []Failure) {
	type sight struct {
		line, column  int
		expected, got string
	}
	first, more := map[sight]int{}, map[int]int{}
	for _, f := range all {
		s := sight{f.Line, f.Column, f.Expected, f.Got}
		if at, ok := first[s]; ok && f.Expected+f.Got != "" {
			more[at]++
			continue
		}
		first[s] = len(folded)
		folded = append(folded, f)
	}
	for at, n := range more {
		folded[at].Message += fmt.Sprintf(", and %d more alike", n)
	}
	return folded
}

// Text writes the difference, its place, and the line of the test file.
func (f Failure) Text() string {
	var b strings.Builder
	at := f.File
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	fmt.Fprintf(&b, "%s: %s\n", at, f.Message)
	if f.Source != "" {
		number := fmt.Sprint(f.Line)
		fmt.Fprintf(&b, "  %s | %s\n", number, f.Source)
	}
	if f.Expected != "" || f.Got != "" {
		fmt.Fprintf(&b, "    expected  %s\n", indent(f.Expected))
		fmt.Fprintf(&b, "    got       %s\n", indent(f.Got))
	}
	if f.Hint != "" {
		fmt.Fprintf(&b, "    hint: %s\n", f.Hint)
	}
	return b.String()
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n              ") }

// row is one event of a record.
func row(e Noted) string {
	what := e.Text
	if what == "" {
		what = e.Event
		if e.Reason != "" {
			what += ": " + e.Reason
		}
	}
	return fmt.Sprintf("%9s  %-10s %s", time.Duration(e.At).Round(100*time.Microsecond), e.Stage, what)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
