package scenario_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// TestSpanEvents: attributes of a span's event, and a caller's span, are compared and not taken on trust.
func TestSpanEvents(t *testing.T) {
	const head = `version = 1
[pipelines.api]
base_url = "https://api.example.com"
stages   = ["retry"]
propagate = true
[[test]]
name = "n"
answers = [{ status = 503 }, {}]
[[test.call]]
request = "GET /"
trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
`
	for _, tc := range []struct{ name, expect, want string }{
		{"an event by its name", `spans = [{ events = ["retry"] }]`, ""},
		{"another name", `spans = [{ events = ["replay"] }]`, "spans like this"},
		{"an event by an attribute", `spans = [{ events = [{ attributes = { "leat.outcome" = "503" } }] }]`, ""},
		{"another value", `spans = [{ events = [{ name = "retry", attributes = { "leat.outcome" = "504" } }] }]`, "spans like this"},
		{"an attribute that is not there", `spans = [{ events = [{ name = "retry", attributes = { "leat.none" = { absent = true } } }] }]`, ""},
		{"the third span is sent in the caller's trace", `sent = [{ header = { Traceparent = "00-0af7651916cd43dd8448eb211c80319c-0000000000000003-01" } }, {}]`, ""},
		{"the second is not", `sent = [{ header = { Traceparent = "00-0af7651916cd43dd8448eb211c80319c-0000000000000002-01" } }, {}]`, "header Traceparent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := failures(t, head+"[test.expect]\n"+tc.expect); tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	for _, tc := range []struct{ name, text, want string }{
		{"no traceparent", strings.Replace(head, "00-0af7", "0af7", 1) + `expect = { status = 200 }`, "is no traceparent"},
		{"an event that every event is", head + "[test.expect]\nspans = [{ events = [{}] }]", "every event is like this"},
		{"an event with a misspelt key", head + "[test.expect]\nspans = [{ events = [{ nme = \"retry\" }] }]", "did you mean name?"},
		{"through no pipeline", strings.Replace(head, `"retry"`, `"through"`, 1) + `expect = { status = 200 }`, "pipeline is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mistaken(t, tc.text); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestThrough: a stage of type "through" sends through another pipeline, whose stages run.
func TestThrough(t *testing.T) {
	const file = `version = 1
[stages.over]
use = "through"
pipeline = "beneath"
[stages.mark]
use = "headers"
set = { X-Mark = "yes" }
[pipelines.beneath]
base_url = "https://api.example.com"
stages   = ["mark"]
[pipelines.above]
base_url = "https://api.example.com"
stages   = ["over"]
[[test]]
name = "n"
pipeline = "above"
[[test.call]]
request = "GET /"
expect = { status = 200, sends = 0 }
[test.expect]
sends = 1
sent = [{ header = { X-Mark = "yes" } }]
`
	if got := failures(t, file); got != "" {
		t.Error(got)
	}
	if got := failures(t, strings.Replace(file, `header = { X-Mark = "yes"`, `header = { X-Mark = "no"`, 1)); !strings.Contains(got, "header X-Mark") {
		t.Errorf("got %q, want a failure of the header", got)
	}
}

// failures runs the first test of a file and returns what it found.
func failures(t *testing.T, text string) string {
	t.Helper()
	s, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Run(t, 0)
	if r.Status == scenario.Passed {
		return ""
	}
	return r.Text()
}

// mistaken returns what is wrong with a file.
func mistaken(t *testing.T, text string) string {
	t.Helper()
	if _, err := load(text); err != nil {
		return err.Error()
	}
	return ""
}

func load(text string) (*scenario.Suite, error) {
	return scenario.LoadFS(fstest.MapFS{"x.test.toml": {Data: []byte(text)}}, "x.test.toml", pipeline.WithStages(stages.All()...))
}
