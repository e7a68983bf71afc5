package pipeline_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// TestShown: whatever text a stage gives away, it is kept without the secrets that the runner knows.
func TestShown(t *testing.T) {
	const secret = "hunter2-and-more"
	careless := stageOf("careless", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		c := pipeline.CallFrom(req.Context())
		c.Note(pipeline.Event{Stage: "careless", Name: "seen", Text: "saw " + secret + ", basic: no token yet"})
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		c.Judge(pipeline.KindClient, "", "because of "+secret, "https://problems.example.com/"+secret)
		if req.URL.Path == "/fail" {
			_ = resp.Body.Close()
			e := pipeline.Errorf(pipeline.KindValidation, "no %s", secret)
			e.Violations, e.ProblemType = []string{"a." + secret + ": missing", "token: missing"}, "urn:"+secret
			return nil, e
		}
		return resp, nil
	})
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte("version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = [\"careless\"]\n"),
		pipeline.WithStages(careless), pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler)),
		pipeline.WithTransport("default", roundTripper(func(*http.Request) (*http.Response, error) { return answer(400, "{}"), nil })))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	r.Redactor().Learn(redact.NewSecret(secret))
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}

	resp, err := get(t, t.Context(), p, "/judge")
	if err != nil {
		t.Fatal(err)
	}
	c := pipeline.CallOf(resp)
	told := fmt.Sprint(c.Events(), c.Message(), c.ProblemType())

	_, err = get(t, t.Context(), p, "/fail")
	e := kindOf(t, err, pipeline.KindValidation)
	told += fmt.Sprint(e.Message, e.Violations, e.ProblemType, e.Call().Events())

	if strings.Contains(told, secret) {
		t.Errorf("the secret shows: %s", told)
	}
	for _, part := range []string{"saw ***", "because of ***", "problems.example.com/***", "no ***", "a.***: missing", "basic: no token yet", "token: missing", "urn:***"} {
		if !strings.Contains(told, part) {
			t.Errorf("got %s, want %q in it", told, part)
		}
	}
}
