package scenario

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// judge collects what was not as expected.
type judge struct{ result *Result }

func (j *judge) fail(at place, what, want, got string) {
	j.result.Failures = append(j.result.Failures, Failure{Diagnostic: at.wrong("", "%s", what), Expected: want, Got: got})
}

// done settles the result.
func (j *judge) done() {
	sort.SliceStable(j.result.Failures, func(a, b int) bool {
		x, y := j.result.Failures[a], j.result.Failures[b]
		return x.Line < y.Line || x.Line == y.Line && x.Column < y.Column
	})
	if len(j.result.Failures) > 0 {
		j.result.Status = Failed
	} else {
		j.result.Calls = nil
	}
}

func (j *judge) text(at place, what string, want *Text, got string, present bool) {
	if want == nil {
		return
	}
	if words, ok := want.check(got, present); !ok {
		j.fail(at, what, words, quoted(got, present))
	}
}

// word judges a text that is there, and empty where there is nothing to say.
func (j *judge) word(at place, what string, want *Text, got string) {
	j.text(at, what, want, got, want.there(got))
}

// there reports whether an empty text counts as one: unless it is to be absent.
func (t *Text) there(got string) bool { return got != "" || t == nil || !t.absent }

func quoted(s string, present bool) string {
	if !present {
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(s))
}

func (j *judge) count(at place, what string, want *Count, got int) {
	if want == nil {
		return
	}
	if words, ok := want.check(got); !ok {
		j.fail(at, what, words, fmt.Sprint(got))
	}
}

func (j *judge) time(at place, what string, want *Time, got time.Duration) {
	if want == nil {
		return
	}
	got = got.Round(time.Microsecond) // what takes no time may take nanoseconds
	if words, ok := want.check(got); !ok {
		j.fail(at, what, words, got.String())
	}
}

func (j *judge) size(at place, what string, want *pipeline.Size, got []byte) {
	if want != nil && len(got) != int(*want) {
		j.fail(at, what, plural(int(*want), "byte"), plural(len(got), "byte"))
	}
}

func (j *judge) headers(at place, want map[string]Text, got http.Header) {
	for _, name := range keys(want) {
		values, present := got[http.CanonicalHeaderKey(name)]
		t := want[name]
		j.text(at.at(name), "header "+name, &t, strings.Join(values, ", "), present)
	}
}

// calls judges what came of each call.
func (j *judge) call(c *caller) {
	e, at := &c.spec.Expect, c.at.at("expect")
	for _, odd := range c.odd {
		j.fail(c.at, odd, "", "")
	}
	if c.twice && c.hops == 1 { // at a redirect http.Client closes it too
		j.fail(c.at, "a request body was closed twice (call.request_unchanged)", "", "")
	}
	if c.bodies != c.released {
		j.fail(c.at, "request bodies that were closed", fmt.Sprint(c.bodies), fmt.Sprint(c.released))
	}
	kind, failed := c.kind(), c.err != nil
	if e.Status != nil && (failed || *e.Status != c.status) {
		j.fail(at.at("status"), "status of "+c.name, fmt.Sprint(*e.Status), c.outcome())
	}
	if e.Error != nil && *e.Error != failed {
		j.fail(at.at("error"), "error of "+c.name, map[bool]string{true: "an error", false: "a response"}[*e.Error], c.outcome())
	}
	if e.Kind != nil && *e.Kind != Kind(kind) {
		j.fail(at.at("kind"), "kind of "+c.name, fmt.Sprintf("%q", *e.Kind), fmt.Sprintf("%q: %s", string(kind), c.outcome()))
	}
	j.answer(c, e, at)
	j.failure(c, e, at)
	j.count(at.at("sends"), "sends of "+c.name, e.Sends, c.info.Sends())
	j.count(at.at("attempts"), "attempts of "+c.name, e.Attempts, c.info.Attempts())
	j.time(at.at("elapsed"), "time until "+c.name+" returned", e.Elapsed, c.elapsed)
	j.time(at.at("ended"), "time until the body of "+c.name+" was read", e.Ended, c.ended)
	att := c.info.Attached()
	j.count(at.at("attached"), "generation of the token that "+c.name+" carried last", e.Attached, int(att.Generation)) //nolint:gosec // small
	if e.NotAttached != nil && *e.NotAttached != att.Skipped {
		j.fail(at.at("not_attached"), "why "+c.name+" carried no credential", fmt.Sprintf("%q", *e.NotAttached), fmt.Sprintf("%q", att.Skipped))
	}
	j.events(at, e.Record, c.info.Events())
}

// answer judges a response.
func (j *judge) answer(c *caller, e *CallExpect, at place) {
	if c.err != nil && (e.Header != nil || e.Body != nil || e.JSON != nil || e.BodySize != nil || e.ReadError != nil) {
		j.fail(at, "outcome of "+c.name, "a response", c.outcome())
		return
	}
	j.headers(at.at("header"), e.Header, c.header)
	j.text(at.at("body"), "body of "+c.name, e.Body, string(c.body), true)
	j.size(at.at("body_size"), "size of the body of "+c.name, e.BodySize, c.body)
	j.json(at.at("json"), "json of "+c.name, e.JSON, c.body)
	got := Kind(pipeline.KindOf(c.readErr))
	if e.ReadError != nil && *e.ReadError != got {
		j.fail(at.at("read_error"), "kind of the error while the body of "+c.name+" was read", fmt.Sprintf("%q", *e.ReadError), fmt.Sprintf("%q: %v", got, c.readErr))
	} else if e.ReadError == nil && c.readErr != nil && c.left < 0 {
		j.fail(at, "reading the body of "+c.name, "its end", c.readErr.Error())
	}
}

// failure judges the error, and what a response that failed says of itself.
func (j *judge) failure(c *caller, e *CallExpect, at place) {
	f := c.failure
	if f == nil {
		if f = (&pipeline.Error{}); e.Class != nil || e.Stage != nil || e.Violations != nil || e.ErrorStatus != nil || e.ErrorHeader != nil || e.ErrorBody != nil || e.Truncated != nil ||
			e.ErrorText != nil || e.RetryAfter != nil {
			j.fail(at, "outcome of "+c.name, "an error", c.outcome())
			return
		}
		f.Reason, f.Message, f.ProblemType = c.info.StopReason(), c.info.Message(), c.info.ProblemType()
	}
	if e.Class != nil && *e.Class != f.Class {
		j.fail(at.at("class"), "class of "+c.name, string(*e.Class), string(f.Class))
	}
	if e.Reason != nil && *e.Reason != f.Reason {
		j.fail(at.at("reason"), "reason of "+c.name, fmt.Sprintf("%q", *e.Reason), fmt.Sprintf("%q", f.Reason))
	}
	j.word(at.at("stage"), "stage of "+c.name, e.Stage, f.Stage)
	j.word(at.at("message"), "message of "+c.name, e.Message, f.Message)
	j.word(at.at("problem_type"), "problem type of "+c.name, e.ProblemType, f.ProblemType)
	j.text(at.at("error_text"), "text of the error of "+c.name, e.ErrorText, f.Error(), c.err != nil)
	if e.ErrorStatus != nil && *e.ErrorStatus != f.Status {
		j.fail(at.at("error_status"), "status in the error of "+c.name, fmt.Sprint(*e.ErrorStatus), fmt.Sprint(f.Status))
	}
	j.headers(at.at("error_header"), e.ErrorHeader, f.Header)
	if e.Truncated != nil && *e.Truncated != f.Truncated {
		j.fail(at.at("truncated"), "whether the body in the error of "+c.name+" is only the beginning", fmt.Sprint(*e.Truncated), fmt.Sprint(f.Truncated))
	}
	j.word(at.at("error_body"), "body in the error of "+c.name, e.ErrorBody, string(f.Body))
	j.time(at.at("retry_after"), "retry-after in the error of "+c.name, e.RetryAfter, f.RetryAfter)
	for i, v := range e.Violations {
		if !slices.ContainsFunc(f.Violations, func(got string) bool { _, ok := v.check(got, true); return ok }) {
			j.fail(at.at("violations", index(i)), "violation of "+c.name, v.words(), strings.Join(f.Violations, "\n"))
		}
	}
}

func (j *judge) events(at place, want []EventExpect, got []pipeline.Event) {
	for i, w := range want {
		n := 0
		for _, e := range got {
			if w.like(e) {
				n++
			}
		}
		j.times(at.at("record", index(i)), "events like this", w.Count, n)
	}
}

func (w EventExpect) like(e pipeline.Event) bool {
	ok := func(want *Text, got string) bool {
		if want == nil {
			return true
		}
		_, fits := want.check(got, want.there(got))
		return fits
	}
	if w.At != nil {
		if _, fits := w.At.check(e.At.Round(time.Microsecond)); !fits {
			return false
		}
	}
	return ok(w.Stage, e.Stage) && ok(w.Event, e.Name) && ok(w.Reason, e.Reason) && ok(w.Text, e.Text) && (w.Status == nil || *w.Status == e.Status)
}

// times wants at least one, or as many as said.
func (j *judge) times(at place, what string, want *Count, got int) {
	if want == nil {
		want = &Count{1, unbounded}
	}
	j.count(at, what, want, got)
}

func (c *caller) kind() pipeline.Kind {
	if c.err != nil {
		return pipeline.KindOf(c.err)
	}
	return c.info.Kind()
}

// outcome says in one line what came of a call.
func (c *caller) outcome() string {
	var parts []string
	switch {
	case c.failure != nil:
		parts = append(parts, "error: "+c.failure.Error())
	case c.err != nil:
		parts = append(parts, "error: "+c.err.Error())
	default:
		parts = append(parts, fmt.Sprintf("%d", c.status))
		if k := c.info.Kind(); k != "" {
			parts = append(parts, "kind "+string(k))
		}
		if r := c.info.StopReason(); r != "" {
			parts = append(parts, "reason "+r)
		}
	}
	return strings.Join(append(parts, plural(c.info.Sends(), "send"), c.elapsed.Round(100*time.Microsecond).String()), ", ")
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
