package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the config refers to must come through env; what is no secret by the schema is not looked at.
func TestCheck_of_the_environment(t *testing.T) {
	const file = "version = 1\n[plugins.signer]\ncommand = [\"signer\"]\nenv = [\"ONE\", \"TWO=2\"]\n[stages.sign]\nuse = \"signer/t\"\n"
	for _, c := range []struct {
		name, table string
		want        []string
	}{
		{"let_through", `key = { env = "ONE" }` + "\n" + `keys = [{ env = "TWO" }]`, nil},
		{"not_let_through", `key = { env = "QUOTA_KEY" }` + "\n" + `keys = [{ env = "ONE" }, { env = "THREE" }]` + "\n" + `named = { a = { env = "FOUR" } }`, []string{
			"7:15: the plugin is not given QUOTA_KEY (add it to env of [plugins.signer])",
			"8:34: the plugin is not given THREE (add it to env of [plugins.signer])",
			"9:23: the plugin is not given FOUR (add it to env of [plugins.signer])",
		}},
		{"beside_other_mistakes", `key = { env = "QUOTA_KEY" }` + "\n" + `open = "long"`, []string{
			"7:15: the plugin is not given QUOTA_KEY (add it to env of [plugins.signer])", `8:8: it must have at most 3 characters`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			lock(t, dir, &Locked{Interface: &Interface{Types: []Type{{Name: "t", Schema: []byte(secretSchema)}}}})
			if diff := cmp.Diff(c.want, checked(t, &knowing{}, dir, file+c.table)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("of_one_that_runs_already", func(t *testing.T) {
		dir := t.TempDir()
		k := &knowing{known{free: map[string]bool{"signer": true}}}
		if got := checked(t, k, dir, file+`key = { env = "QUOTA_KEY" }`); got != nil {
			t.Errorf("got %q: who started it knows what it has", got)
		}
	})
}
