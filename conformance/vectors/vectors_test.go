package vectors_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the files instead of comparing with them")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// minByHand is how many cases of each file have their output written by hand, at least.
const minByHand = 3

// files lists every file of vectors.
func files() []file {
	return []file{
		classification(), idempotency(), kinds(), origins(), problemDetails(), redaction(), refreshDecisions(), retryAfter(), retryDecisions(),
		retryDelays(), tokenLifetimes(),
	}
}

// file is one file of vectors.
type file interface {
	// about returns the file's name, and the ids of the rules in docs/contract.md that it spells out.
	about() (name string, rules []string)
	// generate runs the implementation on every input, and reports what is wrong with an output whatever the file says.
	generate(t *testing.T) []byte
}

func TestVectors(t *testing.T) {
	for _, f := range files() {
		name, _ := f.about()
		t.Run(name, func(t *testing.T) {
			got := f.generate(t)
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatalf("%v: run go test ./conformance/vectors -update", err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the implementation says otherwise than %s.\nIf that is meant, run go test ./conformance/vectors -update (- file, + now):\n%s", name, diff)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	readme, contract := read(t, "README.md"), read(t, "../../docs/contract.md")
	var names []string
	for _, f := range files() {
		name, rules := f.about()
		names = append(names, name)
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not explain %s", name)
		}
		for _, id := range rules {
			if !strings.Contains(contract, "`"+id+"`") {
				t.Errorf("%s names the rule %s, which docs/contract.md does not have", name, id)
			}
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %v", names)
	}
	there, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names, there); diff != "" {
		t.Errorf("the folder holds other files than this package writes (- written, + there):\n%s", diff)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
