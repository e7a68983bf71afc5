//go:build linux || darwin

package check

import (
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// TestChecker_says_which_variable_lacks where a stage of the file can't be made.
func TestChecker_says_which_variable_lacks(t *testing.T) {
	const name = "LEAT_CHECK_TEST_KEY"
	for what, one := range map[string]struct {
		env  []string
		set  bool
		said string
		want string
	}{
		"not set":              {env: []string{name}, said: "no key", want: "set " + name + " in the environment of leat"},
		"set, not let through": {set: true, said: "no key", want: "a plugin sees no other variables"},
		"set and let through":  {env: []string{name}, set: true, said: "no key", want: "mend the config"},
		"given by the file":    {env: []string{name + "=x"}, said: "no key", want: "mend the config"},
		"named by the plugin":  {env: []string{"LEAT_CHECK_TEST_OTHER"}, set: true, said: "LEAT_CHECK_TEST_OTHER is not set", want: "LEAT_CHECK_TEST_OTHER"},
	} {
		t.Run(what, func(t *testing.T) {
			if one.set {
				t.Setenv(name, "x")
			}
			c := &checker{notes: newNotes(), plan: pipeline.PluginPlan{Name: "raw", Config: pipeline.PluginConfig{Env: one.env}}}
			c.adviseOpen(Stage{Name: "sign", Config: []byte(`{"keys":[{"env":"` + name + `"}],"level":3}`)}, one.said)
			if got := c.advice["wire.open"]; !strings.Contains(got, one.want) {
				t.Errorf("got %q, want %q in it", got, one.want)
			}
		})
	}
}
