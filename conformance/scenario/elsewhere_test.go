package scenario_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
)

// TestLoadWith: stages that can't be given the draws are made for each test by its place and its draws.
func TestLoadWith(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.test.toml")
	text := strings.ReplaceAll(`version = 1
[pipelines.api]
base_url = "https://api.example.com"
stages   = ["far"]
[[test]]
name = "in the middle"
expect.sends = 1
call = [{ request = "GET /" }]
[[test]]
name = "drawn"
random = [0, 0.25]
expect.sends = 1
call = [{ request = "GET /" }]
`, "\t", "")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := map[string]scenario.Draws{}
	s, err := scenario.LoadWith(path, func(n scenario.Needed) []pipeline.Factory {
		return []pipeline.Factory{pipeline.Define("far", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
			return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				ran[strings.TrimPrefix(n.Place, path)] = n.Draws
				return next.RoundTrip(req)
			}, nil
		})}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Tests() {
		if r := s.Run(t, i); r.Status != scenario.Passed {
			t.Errorf("%s: %+v", r.Name, r.Failures)
		}
	}
	if !slices.Equal(ran[":5"], scenario.Draws{0.5}) || !slices.Equal(ran[":9"], scenario.Draws{0, 0.25}) || len(ran) != 2 {
		t.Errorf("stages ran with %v", ran)
	}
}
