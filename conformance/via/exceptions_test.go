package via

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/conformance/scenario"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestExceptions_are_listed: docs/testing.md says which they are, and why.
func TestExceptions_are_listed(t *testing.T) {
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]Exception{Exceptions(), SDKExceptions()} {
		var want strings.Builder
		reasons, tests := []string{}, map[string][]string{}
		for _, e := range list {
			if tests[e.Reason] == nil {
				reasons = append(reasons, e.Reason)
			}
			tests[e.Reason] = append(tests[e.Reason], fmt.Sprintf("  - %s: %s\n", e.File, e.Name))
		}
		for _, reason := range reasons {
			want.WriteString("- " + reason + "\n" + strings.Join(tests[reason], ""))
		}
		if !strings.Contains(string(page)+"\n", "\n\n"+want.String()+"\n") {
			t.Errorf("docs/testing.md does not list the exceptions; they are\n\n%s", want.String())
		}
	}
}

// TestExceptions_are_tests: each is a test of the corpus, and is known by the names that the command gives it.
func TestExceptions_are_tests(t *testing.T) {
	for _, list := range [][]Exception{Exceptions(), SDKExceptions()} {
		for _, e := range list {
			path := filepath.Join("..", "corpus", filepath.FromSlash(e.File))
			text, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
				continue
			}
			quoted := fmt.Sprintf("%q", e.Name)
			if !strings.Contains(string(text), quoted) && !strings.Contains(string(text), "'"+e.Name+"'") {
				t.Errorf("%s has no test %s", e.File, quoted)
			}
			if got, ok := Excepted(list, path, e.Name); !ok || got != e {
				t.Errorf("%s %s: got %v, %v", path, e.Name, got, ok)
			}
			if _, ok := Excepted(list, "other/"+e.File[1:], e.Name); ok {
				t.Errorf("a test of another file is taken for %s", e.Name)
			}
		}
	}
}

// TestDraws_travel: what a process draws from is what the test says.
func TestDraws_travel(t *testing.T) {
	for _, draws := range []scenario.Draws{{0.5}, {0}, {1 - 1e-9}, {0, 0.25, 1.0 / 3}} {
		got, err := parse(text(draws))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(draws) {
			t.Errorf("%v became %v: %v", draws, got, err)
		}
		draw := random(got)
		for i := range 2 * len(draws) {
			if n := draw(); n != draws[i%len(draws)] {
				t.Errorf("draw %d of %v is %v", i, draws, n)
			}
		}
	}
	for _, wrong := range []string{"", "x", "1", "-0.5", "0,,1", "NaN"} {
		if got, err := parse(wrong); err == nil {
			t.Errorf("%q draws %v", wrong, got)
		}
	}
}
