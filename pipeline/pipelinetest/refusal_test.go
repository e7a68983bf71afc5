package pipelinetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/pipelinetest"
)

// TestNothingLeavesTheProcess: also options that lead to a real network lead to the handler, and the environment is not read.
func TestNothingLeavesTheProcess(t *testing.T) {
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "real") }))
	t.Cleanup(outside.Close)
	t.Setenv("LEAT_PIPELINES__API__BASE_URL", "https://environment.example.com")
	env := pipelinetest.OpenText(t, `
version = 1
[transports.named]
[pipelines.api]
base_url = "`+outside.URL+`"
stages   = []
[pipelines.other]
base_url  = "`+outside.URL+`"
transport = "named"
stages    = []
`, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fake") }),
		pipeline.WithTransport("default", http.DefaultTransport), pipeline.WithTransport("named", http.DefaultTransport))
	for _, name := range []string{"api", "other"} {
		p := env.Pipeline(name)
		req, err := p.NewRequest(t.Context(), "GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(got) != "fake" || req.URL.Host != outside.Listener.Addr().String() {
			t.Errorf("pipeline %s: got %q from %s", name, got, req.URL.Host)
		}
	}
}

// TestStoresAreMemory: a file's stores are neither read nor written.
func TestStoresAreMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	env := pipelinetest.OpenText(t, `
version = 1
[stores.disk]
type = "file"
dir  = "`+dir+`"
[credentials.api]
type    = "bearer"
origins = ["https://api.example.com"]
token   = { env = "TOKEN" }
store   = "disk"
[pipelines.api]
base_url   = "https://api.example.com"
credential = "api"
stages     = []
`, http.NotFoundHandler())
	s, err := env.Runner.Credential("api", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the store's folder: %v, want that there is none", err)
	}
}
