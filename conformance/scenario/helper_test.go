package scenario_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

func TestMain(m *testing.M) {
	const here = "github.com/leatdev/leat/conformance/scenario"
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(here+"_test.stuck"), goleak.IgnoreAnyFunction(here+"_test.dozing"),
		goleak.IgnoreAnyFunction(here+"_test.restless"), goleak.IgnoreAnyFunction(here+".(*play).rest.func1"))
}

// open reads a test file that stands in the test, and must be right.
func open(t *testing.T, text string, options ...pipeline.Option) *scenario.Suite {
	t.Helper()
	fsys := fstest.MapFS{"x.test.toml": &fstest.MapFile{Data: []byte(text)}}
	s, err := scenario.LoadFS(fsys, "x.test.toml", append(options, pipeline.WithStages(stages.All()...))...)
	if err != nil {
		t.Fatalf("%v\n\n%s", err, text)
	}
	return s
}

// run runs the only test of a file.
func run(t *testing.T, text string, options ...pipeline.Option) scenario.Result {
	t.Helper()
	return open(t, text, options...).Run(t, 0)
}

// brief writes the failures of a result: line, what, expected, got.
func brief(r scenario.Result) string {
	var lines []string
	for _, f := range r.Failures {
		line := strings.Join([]string{f.Message, f.Expected, f.Got}, " | ")
		lines = append(lines, strings.TrimRight(line, " |"))
	}
	return strings.Join(lines, "\n")
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stage links a stage of type "own".
func stage(do func(s pipeline.Settings, req *http.Request, next http.RoundTripper) (*http.Response, error)) pipeline.Option {
	return pipeline.WithStages(pipeline.Define("own", struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return do(s, req, next) }, nil
	}))
}
