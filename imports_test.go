// Package leat_test holds the checks that concern the module as a whole: which package may import which, what packages
// may be called, and that nothing happens merely because a package was linked in.
//
// Only non-test code is bound: a test may import whatever proves the most.
package leat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/leatdev/leat"

// A rule forbids imports. Packages are written as `go list` patterns, those of this module relative to its root
// ("./pipeline/..."); "std" is the standard library and "..." is every package.
type rule struct {
	from   string   // whom it binds
	except []string // the parts of from that it leaves free
	not    []string // what these may not import
	but    []string // the parts of not that they may
	deep   bool     // true: not through other packages either
	why    string   // what a contributor reads who ran into it
}

// free lists the programs: they put the parts together, so they may import any of them.
var free = []string{"./cmd/...", "./examples/...", "./plugins/examples/..."}

// rules keeps the arrows of this module pointing one way:
//
//	cmd ─► stages | plugins | plugins/host | conformance ─► pipeline ─► pipeline/config | cond | credential | redact
var rules = []rule{
	{
		from: "...", except: free,
		not: []string{"./cmd/..."},
		why: "the command is a user of the library like any other; what a library needs from it belongs in a package of its own",
	},
	{
		from: "./pipeline/...",
		not:  []string{"./stages/...", "./plugins/...", "./conformance/..."},
		why:  "the framework knows stages only as factories handed to it; a program chooses which ones it links",
	},
	{
		from: "./pipeline/...",
		not: []string{
			"github.com/hashicorp/...", "google.golang.org/grpc/...", "go.opentelemetry.io/otel/sdk/...",
			"go.opentelemetry.io/otel/exporters/...", "github.com/spf13/cobra/...",
		},
		why: "an embedder pays for every dependency of the framework: processes, exporters and command lines are for the outer packages",
	},
	{
		from: "./pipeline", deep: true, not: heavy,
		why: "whoever embeds a pipeline must not link gRPC, a plugin host, a database client, the OpenTelemetry SDK or a command line",
	},
	{
		from: "./pipeline/...", except: []string{"./pipeline", "./pipeline/credential/redisstore/..."}, deep: true,
		not: []string{"github.com/redis/...", "./pipeline/credential/redisstore/..."},
		why: "only who names the redis store links a database client: everything else of the framework works without",
	},
	{
		from: "./stages/...", deep: true, not: heavy,
		why: "stages.All() is what most programs link: a stage with a heavy dependency must get it as an interface from the program",
	},
	{
		from: "./pipeline/redact/...",
		not:  []string{"./..."}, but: []string{"./pipeline/redact/..."},
		why: "redaction is the floor: everything that can print a secret imports it, so it may need nothing of ours",
	},
	{
		from: "./pipeline/cond/...",
		not:  []string{"./..."}, but: []string{"./pipeline/cond/...", "./pipeline/redact/..."},
		why: "conditions see plain values; an expression that could reach a pipeline could see credentials",
	},
	{
		from: "./pipeline/config/...",
		not:  []string{"./..."}, but: []string{"./pipeline/config/...", "./pipeline/redact/..."},
		why: "reading a file has no effects and knows no stage: what names mean is decided by Check, with the registry in hand",
	},
	{
		from: "./pipeline/credential/...",
		not:  []string{"./..."}, but: []string{"./pipeline/credential/...", "./pipeline/redact/..."},
		why: "a token request runs outside the pipeline that needs it: without the import, recursion is impossible by structure",
	},
	{
		from: "./stages/...",
		not:  []string{"./pipeline/config/..."},
		why:  "a stage gets its decoded Config and Settings; one that reads the file itself can't be used from Go without a file",
	},
	{
		from: "./stages/...",
		not:  []string{"./plugins/...", "./conformance/..."},
		why:  "a built-in and a plugin hand the registry the same factories, and neither may know which the other is",
	},
	{
		from: "./plugins/...", except: append([]string{"./plugins/check/..."}, free...),
		not: []string{"./stages/...", "./conformance/..."},
		why: "a plugin's author and the host need the contract only, not the built-in stages nor the kit that tests them",
	},
	{
		from: "./plugins/check/...",
		not:  []string{"./stages/..."},
		why:  "what checks plugins runs the contract's kit on theirs, and needs no stage of our own for that",
	},
	{
		from: "./plugins/...", except: append([]string{"./plugins/check/..."}, free...),
		not: []string{"./plugins/check/..."},
		why: "only a program that checks plugins links what checks them, and with it the package testing",
	},
	{
		from: "./conformance/demo/...",
		not:  []string{"..."}, but: []string{"std", "./conformance/demo/..."},
		why: "the misbehaving API judges leat from outside: with our own code in it, both ends could share one mistake",
	},
}

// heavy lists what must not reach an embedder's program unasked.
var heavy = []string{
	"google.golang.org/grpc/...", "github.com/hashicorp/...", "github.com/redis/...",
	"go.opentelemetry.io/otel/sdk/...", "github.com/spf13/cobra/...",
}

// vague lists the package names that say nothing, and so collect everything.
var vague = []string{"util", "common", "types", "helpers"}

const (
	whyInit  = "nothing may happen because a package was linked in: what a program uses, it names in a call that a reader can see"
	whyName  = "the name says nothing of what the package is for; name it after its one idea"
	whyStage = "stages never import each other: what two of them share belongs in pipeline, on the Call, or in stages/internal"
)

func TestImports(t *testing.T) {
	graph, names := load(t)
	t.Run("go_one_way", func(t *testing.T) {
		for _, line := range append(breaches(rules, graph), breaches(perStage(graph), graph)...) {
			t.Error(line)
		}
	})
	t.Run("come_from_packages_named_after_what_they_are_for", func(t *testing.T) {
		for path, name := range names {
			for _, line := range vaguelyNamed(path, name) {
				t.Error(line)
			}
		}
	})
	t.Run("have_no_effects", func(t *testing.T) {
		for _, name := range sources(t) {
			lines, err := linkEffects(name, nil)
			if err != nil {
				t.Error(err)
			}
			for _, line := range lines {
				t.Error(line)
			}
		}
	})
}

// load asks the go command for every package that the module's non-test code links, and for the names of its own packages.
func load(t *testing.T) (imports, map[string]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Name,Imports,Module", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	graph, names := imports{}, map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath, Name string
			Imports          []string
			Module           *struct{ Main bool }
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		path := short(pkg.ImportPath)
		for _, to := range pkg.Imports {
			graph[path] = append(graph[path], short(to))
		}
		if pkg.Module != nil && pkg.Module.Main {
			names[path] = pkg.Name
		}
	}
	if names["./pipeline/redact"] == "" || len(graph["./pipeline/redact"]) == 0 {
		t.Fatalf("go list found no ./pipeline/redact with its imports, only %v: nothing was checked", names)
	}
	return graph, names
}

// short writes a path of this module relative to its root, as the rules do.
func short(path string) string {
	if rest, ok := strings.CutPrefix(path, module); ok && (rest == "" || rest[0] == '/') {
		return "." + rest
	}
	return path
}

// sources returns the module's non-test Go files, for every platform. That it opens each folder also tells the go
// command what this test depends on: what `go list` reads it can't see, and it would serve an old result from its cache.
func sources(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".":
			_, err := os.Stat("go.mod") // decides which versions are linked
			return err
		case d.IsDir():
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if err == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return fs.SkipDir
			}
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
