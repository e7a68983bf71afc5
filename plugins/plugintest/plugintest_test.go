package plugintest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFactory(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Header.Get("X-Greeting"))
	}))
	defer up.Close()
	f := pipeline.Define("greet", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Greeting", "hello")
			return next.RoundTrip(req)
		}, nil
	})
	runner, err := pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(`version = 1
[pipelines.api]
base_url = "`+up.URL+`"
stages = ["greet"]
`), pipeline.WithStages(plugintest.Factory(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	p, err := runner.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	req, err := p.NewRequest(t.Context(), "GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("X-Seen"); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
}
