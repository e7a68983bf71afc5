package docs_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/pipeline"
)

// forgetful makes an error of a 404.
func forgetful(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusNotFound {
		return nil, pipeline.Errorf(pipeline.KindNotFound, "there is nothing at %s", req.URL.Path)
	}
	return resp, err
}

// TestForgetful fails, on purpose, where TestPages_show_how_a_stage_fails runs it.
func TestForgetful(t *testing.T) {
	if os.Getenv("LEAT_DOCS_FORGETFUL") != "" {
		conformance.Stage(t, pipeline.Define("forgetful", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return forgetful, nil }), "")
	}
}

// A block behind <!-- fails: TestName --> is what that test of this package prints when it fails.
func TestPages_show_how_a_stage_fails(t *testing.T) {
	shown := 0
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			name, ok := strings.CutPrefix(b.mark, "fails: ")
			if !ok {
				continue
			}
			shown++
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$")
			cmd.Env = append(os.Environ(), "LEAT_DOCS_FORGETFUL=1")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("%s:%d: %s passes", b.page, b.line, name)
			}
			got := regexp.MustCompile(`\(\d+\.\d+s\)`).ReplaceAllString(string(out), "(…)")
			got, _, _ = strings.Cut(got, "\nFAIL\n")
			if diff := cmp.Diff(got+"\n", b.text); diff != "" && *update {
				b.write(t, got+"\n")
			} else if diff != "" {
				t.Errorf("%s:%d: it prints something else; go test ./docs -update writes it anew (-got +page):\n%s", b.page, b.line, diff)
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows how a stage fails: is the mark written otherwise?")
	}
}
