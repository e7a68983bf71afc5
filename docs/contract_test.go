package docs_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// rule is one rule of the contract.
type rule struct {
	id      string // "owns-request", "retry.class"
	section string // the heading that it stands below
	text    string
}

var (
	// aRule is a rule where it is defined: "- `retry.class` It …", or "1. **`owns-request`** The …" for those of a stage.
	aRule   = regexp.MustCompile("^(?:- `([a-z-]+\\.[a-z0-9_]+)`|\\d+\\. \\*\\*`([a-z-]+)`\\*\\*) (.+)$")
	quoted  = regexp.MustCompile("`([a-z-]+)\\.[a-z0-9_]+`")
	section = regexp.MustCompile(`^## (.+)$`)
	fenced  = regexp.MustCompile("(?s)\n```.*?\n```")
	// holds is a line of what always holds: "| I1 | in words | `rule`, `rule` |".
	holds = regexp.MustCompile(`(?m)^\| I\d+ \| .+ \| (.+) \|$`)
)

// rules reads the rules of docs/contract.md.
func rules(t *testing.T) []rule {
	t.Helper()
	var found []rule
	heading, open := "", false
	for line := range strings.SplitSeq(fenced.ReplaceAllString(read(t, "docs/contract.md"), ""), "\n") {
		if m := section.FindStringSubmatch(line); m != nil {
			heading = m[1]
		}
		switch m := aRule.FindStringSubmatch(line); {
		case m != nil:
			found, open = append(found, rule{m[1] + m[2], heading, m[3]}), true
		case open && strings.HasPrefix(line, "  "):
			found[len(found)-1].text += " " + strings.TrimSpace(line)
		default:
			open = false
		}
	}
	if len(found) < 100 {
		t.Fatalf("the contract has %d rules: is their form another one?", len(found))
	}
	return found
}

// families are the sections that hold rules, each with the word that its ids begin with.
func families() map[string]string {
	return map[string]string{
		"What a stage must do": "", "Outcomes and classes": "send", "What a call does": "call", "What a send does": "send",
		"What a credential does": "credential", "What auth does": "auth", "What refresh does": "refresh", "What retry does": "retry", "What log does": "log",
		"What error-map does": "error-map", "What validate does": "validate", "What headers does": "headers", "What idempotency-key does": "idempotency-key", "What the file means": "pipeline",
		"What a span tells": "telemetry",
	}
}

func TestContract(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules(t) {
		family, _, dotted := strings.Cut(r.id, ".")
		if !dotted {
			family = ""
		}
		if want, ok := families()[r.section]; !ok || family != want {
			t.Errorf("%s stands below %q, where no such rule belongs", r.id, r.section)
		}
		if seen[r.id] {
			t.Errorf("the contract has two rules %s", r.id)
		}
		seen[r.id] = true
		if len(strings.Fields(r.text)) < 3 || !strings.ContainsAny(r.text[len(r.text)-1:], ".)") {
			t.Errorf("%s: %q is no sentence", r.id, r.text)
		}
	}
	for _, m := range quoted.FindAllStringSubmatch(read(t, "docs/contract.md"), -1) {
		id := strings.Trim(m[0], "`")
		if slices.Contains(slices.Collect(maps.Values(families())), m[1]) && !seen[id] {
			t.Errorf("the contract refers to the rule %s, which it does not have", id)
		}
	}
}

// What always holds rests on rules that are there.
func TestContract_says_what_always_holds(t *testing.T) {
	lines := holds.FindAllStringSubmatch(read(t, "docs/contract.md"), -1)
	if len(lines) != 11 {
		t.Errorf("got %d lines of what always holds, want 11", len(lines))
	}
	for _, line := range lines {
		ids := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line[1], -1)
		if len(ids) == 0 {
			t.Errorf("%q names no rule", line[0])
		}
		for _, id := range ids {
			if !slices.ContainsFunc(rules(t), func(r rule) bool { return r.id == id[1] }) {
				t.Errorf("%q names the rule %s, which is not there", line[0], id[1])
			}
		}
	}
}

// What ships has rules: each type of stage and of credential, and each class.
func TestContract_leaves_nothing_out(t *testing.T) {
	var ids []string
	for _, r := range rules(t) {
		ids = append(ids, r.id)
	}
	for _, f := range stages.All() {
		if !slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, f.Type()+".") }) {
			t.Errorf("the stage %s has no rule", f.Type())
		}
	}
	registry, err := pipeline.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range registry.CredentialTypes() {
		if id := "credential." + strings.ReplaceAll(typ, "-", "_"); !slices.Contains(ids, id) {
			t.Errorf("the credential type %s has no rule %s", typ, id)
		}
	}
	for _, class := range words(t, "pipeline/kind.go", `Class = "(\w+)"`) {
		if id := "send.class_" + class; !slices.Contains(ids, id) {
			t.Errorf("the class %s has no rule %s", class, id)
		}
	}
}
