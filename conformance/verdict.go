package conformance

import (
	"errors"
	"fmt"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// Verdict is what [Judge] found of one rule.
type Verdict struct {
	Rule
	Findings []Finding // what broke it, each once; none: nothing did
	Unshown  bool      // it is about what a stage does with next, which this one never called
}

// Finding is what broke a rule, in words.
type Finding struct {
	Saw  string // what happened
	When string // the first situation in which it did; "" where that says nothing
	Do   string // what the author can do about it
}

// Judge is [Stage] for a program that tells the findings itself, such as a command: it neither fails t nor logs to it. It needs t for
// virtual time; see testing.Main. The verdicts are in the order of [Rules]. Where a rule has stopped virtual time, goroutines of it
// are left. An error says why the stage can't be tested at all.
func Judge(t *testing.T, f pipeline.Factory, config string, opts ...StageOption) ([]Verdict, error) {
	t.Helper()
	k := newStageKit(f, config, opts)
	if err := k.prepare(t); err != nil {
		return nil, fmt.Errorf("it can't be tested: %w", err)
	}
	var out []Verdict
	for _, r := range stageRules() {
		b := k.judge(t, r)
		if b.fatal != nil {
			return nil, errors.Join(errors.New("it can't be tested"), b.fatal)
		}
		v := Verdict{Rule: r.Rule, Unshown: r.next && b.sends.Load() == 0}
		seen := map[string]bool{}
		for _, f := range b.findings {
			if !seen[f.saw] {
				seen[f.saw] = true
				v.Findings = append(v.Findings, Finding{Saw: f.saw, When: f.when, Do: f.do})
			}
		}
		out = append(out, v)
	}
	return out, nil
}
