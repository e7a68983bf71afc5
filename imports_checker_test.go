package leat_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imports is the graph: each package and what it imports directly, in the form that the rules use.
type imports map[string][]string

// breaches returns one line for each forbidden import, naming both ends, the way between them and the reason.
func breaches(rules []rule, graph imports) []string {
	var found []string
	for _, r := range rules {
		for _, from := range slices.Sorted(maps.Keys(graph)) {
			if !match(from, r.from) || match(from, r.except...) {
				continue
			}
			for _, way := range reach(graph, from, r.deep) {
				if to := way[len(way)-1]; match(to, r.not...) && !match(to, r.but...) {
					found = append(found, breach(way, r.why))
				}
			}
		}
	}
	return found
}

// perStage returns the rules that keep the stages apart, one for each folder beneath ./stages.
func perStage(graph imports) []rule {
	folders := map[string]bool{}
	for path := range graph {
		if rest, ok := strings.CutPrefix(path, "./stages/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			folders["./stages/"+name+"/..."] = true
		}
	}
	var rs []rule
	for _, own := range slices.Sorted(maps.Keys(folders)) {
		rs = append(rs, rule{from: own, not: []string{"./stages/..."}, but: []string{own, "./stages/internal/..."}, why: whyStage})
	}
	return rs
}

// reach returns the shortest way from a package to each one that it imports, with deep also through others.
func reach(graph imports, from string, deep bool) [][]string {
	seen := map[string]bool{from: true}
	var ways [][]string
	for queue := [][]string{{from}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		for _, to := range graph[way[len(way)-1]] {
			if seen[to] {
				continue
			}
			seen[to] = true
			next := append(slices.Clone(way), to)
			ways = append(ways, next)
			if deep {
				queue = append(queue, next)
			}
		}
	}
	return ways
}

func breach(way []string, why string) string {
	line := way[0] + " imports " + way[len(way)-1]
	if through := way[1 : len(way)-1]; len(through) > 0 {
		line += " (through " + strings.Join(through, ", ") + ")"
	}
	return line + ": " + why
}

// match tells whether a package is covered by one of the patterns.
func match(path string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if p == "..." {
			return true
		}
		if p == "std" {
			first, _, _ := strings.Cut(path, "/")
			return !strings.Contains(first, ".")
		}
		base, tree := strings.CutSuffix(p, "/...")
		return path == base || tree && strings.HasPrefix(path, base+"/")
	})
}

// vaguelyNamed returns one line if the package's path or its name holds one of the vague words.
func vaguelyNamed(path, name string) []string {
	for _, part := range append(strings.Split(path, "/"), name) {
		if slices.Contains(vague, part) {
			return []string{fmt.Sprintf("%s: a package called %s: %s", path, part, whyName)}
		}
	}
	return nil
}

// linkEffects returns one line for each init function and blank import of a file. Generated code is exempt, because its
// generator decides; so is `import _ "embed"`, which only permits the go:embed comment. A nil src reads the file.
func linkEffects(name string, src any) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	var found []string
	for _, spec := range file.Imports {
		if spec.Name != nil && spec.Name.Name == "_" && spec.Path.Value != `"embed"` {
			found = append(found, fmt.Sprintf("%v: a blank import of %s: %s", fset.Position(spec.Pos()), spec.Path.Value, whyInit))
		}
	}
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			found = append(found, fmt.Sprintf("%v: an init function: %s", fset.Position(fn.Pos()), whyInit))
		}
	}
	return found, nil
}

func TestRules(t *testing.T) {
	const grpc = "google.golang.org/grpc"
	tests := []struct {
		name  string
		graph imports
		want  []string // what each line begins with
	}{
		{name: "allow_the_arrows_that_the_design_draws", graph: imports{
			"./cmd/leat":              {"./stages", "./plugins/host", "./conformance", grpc, "github.com/spf13/cobra"},
			"./plugins/examples/sign": {"./plugins", "./stages/retry", "./conformance/demo"},
			"./conformance":           {"./stages", "./pipeline", "./conformance/demo"},
			"./conformance/demo":      {"net/http", "./conformance/demo/internal/clock"},
			"./stages":                {"./stages/auth", "./stages/retry"},
			"./stages/auth":           {"./pipeline", "./pipeline/credential", "./stages/internal/peek"},
			"./plugins/host":          {"./pipeline", grpc, "github.com/hashicorp/go-plugin"},
			"./pipeline":              {"./pipeline/config", "./pipeline/cond", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/trace"},
			"./pipeline/config":       {"./pipeline/redact"},
		}},
		{name: "keep_the_command_on_top",
			graph: imports{"./conformance": {"./cmd/leat/internal/draw"}},
			want:  []string{"./conformance imports ./cmd/leat/internal/draw: "}},
		{name: "keep_the_framework_free_of_what_stands_above_it",
			graph: imports{"./pipeline/pipelinetest": {"./stages", "./plugins/host", "./conformance/demo"}},
			want: []string{
				"./pipeline/pipelinetest imports ./stages: ",
				"./pipeline/pipelinetest imports ./plugins/host: ",
				"./pipeline/pipelinetest imports ./conformance/demo: ",
			}},
		{name: "keep_the_framework_light",
			graph: imports{"./pipeline/pipelinetest": {
				"github.com/hashicorp/go-plugin", grpc, "go.opentelemetry.io/otel/sdk/trace", "go.opentelemetry.io/otel/exporters/x", "github.com/spf13/cobra",
			}},
			want: []string{
				"./pipeline/pipelinetest imports github.com/hashicorp/go-plugin: ",
				"./pipeline/pipelinetest imports google.golang.org/grpc: ",
				"./pipeline/pipelinetest imports go.opentelemetry.io/otel/sdk/trace: ",
				"./pipeline/pipelinetest imports go.opentelemetry.io/otel/exporters/x: ",
				"./pipeline/pipelinetest imports github.com/spf13/cobra: ",
			}},
		{name: "see_through_other_packages",
			graph: imports{
				"./pipeline":      {"example.org/a"},
				"./stages/sign":   {"example.org/b"},
				"example.org/a":   {"example.org/b"},
				"example.org/b":   {"github.com/redis/go-redis/v9", "example.org/a"},
				"./plugins/store": {"github.com/redis/go-redis/v9"},
			},
			want: []string{
				"./pipeline imports github.com/redis/go-redis/v9 (through example.org/a, example.org/b): ",
				"./stages/sign imports github.com/redis/go-redis/v9 (through example.org/b): ",
			}},
		{name: "keep_the_database_client_to_the_store_that_needs_it",
			graph: imports{
				"./cmd/leat":                       {"./pipeline/credential/redisstore"},
				"./pipeline/credential/filestore":  {"./pipeline/credential/redisstore"},
				"./pipeline/credential/redisstore": {"github.com/redis/go-redis/v9", "./pipeline/credential"},
				"./pipeline/pipelinetest":          {"github.com/redis/go-redis/v9"},
			},
			want: []string{
				"./pipeline/credential/filestore imports ./pipeline/credential/redisstore: ",
				"./pipeline/credential/filestore imports github.com/redis/go-redis/v9 (through ./pipeline/credential/redisstore): ",
				"./pipeline/pipelinetest imports github.com/redis/go-redis/v9: ",
			}},
		{name: "keep_the_lowest_packages_apart",
			graph: imports{
				"./pipeline/redact":     {"./pipeline"},
				"./pipeline/cond":       {"./pipeline/config"},
				"./pipeline/config":     {"./pipeline/cond"},
				"./pipeline/credential": {"./pipeline/config", "./pipeline/redact"},
			},
			want: []string{
				"./pipeline/redact imports ./pipeline: ",
				"./pipeline/cond imports ./pipeline/config: ",
				"./pipeline/config imports ./pipeline/cond: ",
				"./pipeline/credential imports ./pipeline/config: ",
			}},
		{name: "keep_stages_from_the_file_and_from_plugins",
			graph: imports{"./stages/auth": {"./pipeline/config", "./plugins"}},
			want:  []string{"./stages/auth imports ./pipeline/config: ", "./stages/auth imports ./plugins: "}},
		{name: "keep_plugins_from_the_built-in_stages",
			graph: imports{"./plugins/host": {"./stages/retry"}},
			want:  []string{"./plugins/host imports ./stages/retry: "}},
		{name: "let_what_checks_plugins_run_the_contract_and_nobody_else",
			graph: imports{"./plugins/check": {"./conformance", "./plugins/host", "./stages/retry"}, "./plugins/host": {"./plugins/check"}},
			want:  []string{"./plugins/check imports ./stages/retry: ", "./plugins/host imports ./plugins/check: "}},
		{name: "keep_the_misbehaving_API_an_outsider",
			graph: imports{"./conformance/demo": {"net/http", "./pipeline/redact", "golang.org/x/net/http2"}},
			want: []string{
				"./conformance/demo imports ./pipeline/redact: ",
				"./conformance/demo imports golang.org/x/net/http2: ",
			}},
		{name: "keep_stages_apart",
			graph: imports{
				"./stages/auth":          {"./stages/refresh", "./stages"},
				"./stages/auth/basic":    {"./stages/auth"},
				"./stages/internal/peek": {"./stages/validate"},
			},
			want: []string{
				"./stages/auth imports ./stages/refresh: ",
				"./stages/auth imports ./stages: ",
				"./stages/internal/peek imports ./stages/validate: ",
			}},
	}
	used := map[string]bool{}
	for _, tt := range tests {
		var got []string
		for _, line := range append(breaches(rules, tt.graph), breaches(perStage(tt.graph), tt.graph)...) {
			start, why, _ := strings.Cut(line, ": ")
			got, used[why] = append(got, start+": "), true
		}
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("breaches (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("can_each_fail", func(t *testing.T) {
		for _, r := range rules {
			if !used[r.why] {
				t.Errorf("no made-up import above breaks the rule for %s: %s", r.from, r.why)
			}
		}
	})
}

func TestVaguelyNamed(t *testing.T) {
	for path, want := range map[string]int{
		"./pipeline/util": 1, "./common/clock": 1, "./stages/internal/types": 1, "./helpers": 1, "./pipeline/utility": 0, "./stages/auth": 0,
	} {
		if got := vaguelyNamed(path, path[strings.LastIndex(path, "/")+1:]); len(got) != want {
			t.Errorf("vaguelyNamed(%q) = %q, want %d lines", path, got, want)
		}
	}
	if got := vaguelyNamed("./pipeline/clock", "util"); len(got) != 1 {
		t.Errorf("a folder called clock with a package called util gives %q, want one line", got)
	}
}

func TestLinkEffects(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"finds_an_init_function", "package a\nfunc init() {}", "a.go:2:1: an init function: " + whyInit},
		{"finds_a_blank_import", "package a\nimport _ \"net/http/pprof\"", "a.go:2:8: a blank import of \"net/http/pprof\": " + whyInit},
		{"allows_embed", "package a\nimport _ \"embed\"", ""},
		{"allows_a_method_called_init", "package a\ntype t struct{}\nfunc (t) init() {}", ""},
		{"leaves_generated_code_alone", "// Code generated by x. DO NOT EDIT.\n\npackage a\nfunc init() {}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := linkEffects("a.go", tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
