package conformance_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// TestCorpus runs every scenario of the corpus.
func TestCorpus(t *testing.T) {
	conformance.Run(t, conformance.Corpus(), pipeline.WithStages(stages.All()...))
}

// ruleID finds the ids in docs/contract.md: the ten rules of a stage are a numbered list, the others begin a bullet.
var ruleID = regexp.MustCompile("(?m)^(?:- `([a-z-]+\\.[a-z0-9_]+)`|\\d+\\. \\*\\*`([a-z-]+)`\\*\\*)")

// TestCorpus_and_contract: each rule has a file that is named after it and proves it, and no file proves a rule that isn't there.
func TestCorpus_and_contract(t *testing.T) {
	page, err := os.ReadFile("../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]string{} // id → file
	for _, m := range ruleID.FindAllStringSubmatch(string(page), -1) {
		if family, rule, ok := strings.Cut(m[1], "."); ok {
			rules[m[1]] = path.Join(family, rule)
		} else {
			rules[m[2]] = path.Join("stage", m[2])
		}
	}
	if len(rules) < 100 {
		t.Fatalf("docs/contract.md holds only %d rules: the pattern no longer finds them", len(rules))
	}
	found := map[string][]string{} // file → rules
	corpus := conformance.Corpus()
	err = fs.WalkDir(corpus, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base, ok := strings.CutSuffix(name, scenario.Suffix)
		if !ok {
			t.Errorf("%s: no test file", name)
			return nil
		}
		suite, err := scenario.LoadFS(corpus, name, pipeline.WithStages(stages.All()...))
		if err != nil {
			t.Error(err)
			return nil
		}
		found[base] = suite.Rules
		text, err := fs.ReadFile(corpus, name)
		if first, _, _ := strings.Cut(string(text), "\n"); err == nil && !strings.HasPrefix(first, "# ") {
			t.Errorf("%s: the first line does not say the rule", name)
		}
		for _, rule := range suite.Rules {
			if rules[rule] == "" {
				t.Errorf("%s: docs/contract.md has no rule %s", name, rule)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for rule, file := range rules {
		if !slices.Contains(found[file], rule) {
			t.Errorf("rule %s has no scenario: write conformance/corpus/%s%s with rules = [%q]", rule, file, scenario.Suffix, rule)
		}
	}
}
