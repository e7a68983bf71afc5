package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/conformance"
)

// TestRules_are_those_of_the_contract: the sentences are those of pipeline.Stage's comment, the ids those of docs/contract.md.
func TestRules_are_those_of_the_contract(t *testing.T) {
	var ids []string
	for _, r := range conformance.Rules() {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff(stageComment(t), conformance.Rules()); diff != "" {
		t.Errorf("pipeline.Stage says otherwise (-pipeline +here):\n%s", diff)
	}
	page, err := os.ReadFile("../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^[0-9]+\\. \\*\\*`([a-z-]+)`\\*\\*").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1])
	}
	if diff := cmp.Diff(documented, ids); diff != "" {
		t.Errorf("docs/contract.md lists others (-page +here):\n%s", diff)
	}
}

// stageComment reads the rules from the comment of pipeline.Stage.
func stageComment(t *testing.T) []conformance.Rule {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../pipeline/stage.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var rules []conformance.Rule
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE || decl.Specs[0].(*ast.TypeSpec).Name.Name != "Stage" {
			continue
		}
		for _, item := range strings.Split(decl.Doc.Text(), "\n  - ")[1:] {
			item, _, _ = strings.Cut(item, "\n\n")
			id, sentence, _ := strings.Cut(strings.Join(strings.Fields(item), " "), ": ")
			rules = append(rules, conformance.Rule{ID: id, Sentence: strings.NewReplacer("[", "", "]", "").Replace(sentence)})
		}
	}
	return rules
}
