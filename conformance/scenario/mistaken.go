package scenario

import (
	"errors"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline/config"
)

// checkMistaken judges a test of pipelines that must be wrong: there is nothing that it could call.
func (s *Suite) checkMistaken(i int) config.Diagnostics {
	t, at := &s.doc.Tests[i], s.test(i)
	c := &checker{test: t}
	c.say(strings.TrimSpace(t.Name) == "", at, "name it after what it claims", "the test has no name")
	c.say(len(t.Set) == 0, at, `say what is wrong: set = ["stages.retry.max_attempts=0"]`, "the test sets nothing that could be a mistake")
	c.say(len(t.Calls) > 0, at.at("call"), "put the calls into a test of their own", "pipelines with a mistake can't be called")
	return c.diags
}

// mistaken compares what is wrong with the pipelines of test i with what must be.
func (s *Suite) mistaken(i int) Result {
	result := s.blank(i)
	j := &judge{result: &result}
	at := s.test(i).at("expect", "mistakes")
	var got []string
	if diags, ok := errors.AsType[config.Diagnostics](s.opened[i].err); ok {
		for _, d := range diags {
			got = append(got, d.Message)
		}
	}
	seen := strings.Join(got, "\n")
	if seen == "" {
		seen = "no mistake"
	}
	for k, want := range s.doc.Tests[i].Expect.Mistakes {
		if !slices.ContainsFunc(got, func(text string) bool { _, ok := want.check(text, true); return ok }) {
			j.fail(at.at(index(k)), "mistakes of the pipelines", want.words(), seen)
		}
	}
	j.done()
	return result
}
