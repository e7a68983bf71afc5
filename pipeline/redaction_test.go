package pipeline_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/stages"
)

// TestWithRedaction: what the program calls secret shows in no log, what it calls harmless shows.
func TestWithRedaction(t *testing.T) {
	var log bytes.Buffer
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(`
version = 1
[stages.log]
send_level   = "info"
request_body = true
[pipelines.p]
base_url = "https://api.example.com"
stages   = ["log"]
`), pipeline.WithStages(stages.All()...), pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))),
		pipeline.WithRedaction(redact.Rules{Headers: []string{"X-Region"}, Keys: []string{"nickname"}}),
		pipeline.WithTransport("default", roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
			return answer(200, "{}"), nil
		})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.NewRequest(t.Context(), "POST", "/", strings.NewReader(`{"nickname":"bunny","name":"ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Region", "north")
	req.Header.Set("X-Plan", "gold")
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	got := log.String()
	if !strings.Contains(got, "north") || !strings.Contains(got, "ada") {
		t.Errorf("what is harmless does not show:\n%s", got)
	}
	if strings.Contains(got, "bunny") || strings.Contains(got, "gold") {
		t.Errorf("what is secret shows:\n%s", got)
	}
}
