package pipeline_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/pipelinetest"
	"github.com/leatdev/leat/stages/auth"
)

// An API that answers 200 and says in the body that the token is over.
func TestRejectCredential(t *testing.T) {
	const file = `
version = 1
[credentials.odd]
type = "oauth2"
origins = ["https://api.example.com"]
grant = "client_credentials"
token_url = "https://api.example.com/token"
client_id = "me"
client_secret = { env = "ODD_SECRET" }
[pipelines.api]
base_url = "https://api.example.com"
credential = "odd"
stages = ["auth", "odd"]
`
	issued := 0
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			issued++
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, issued)
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	})
	named := "odd"
	odd := pipeline.Define("odd", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			pipeline.CallFrom(req.Context()).RejectCredential(named)
			return resp, err
		}, nil
	})
	env := pipelinetest.OpenText(t, file, server, pipeline.WithStages(auth.Factory(), odd))
	get := func() string {
		resp, err := env.Pipeline("api").Client().Get("https://api.example.com/")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return string(body)
	}
	if first, second := get(), get(); first != "Bearer token-1" || second != "Bearer token-2" {
		t.Errorf("got %q, then %q, want the second with a newer token", first, second)
	}
	named = "another"
	if third, fourth := get(), get(); third != "Bearer token-3" || fourth != third {
		t.Errorf("got %q, then %q, want the same: another credential was refused", third, fourth)
	}
}
