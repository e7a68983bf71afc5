package host

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/internal/wire"
)

const secretSchema = `{
  "type": "object", "additionalProperties": false,
  "$defs": {"place": {"type": "object", "properties": {"env": {"type": "string"}}, "additionalProperties": false, "minProperties": 1, "writeOnly": true},
    "round": {"anyOf": [{"$ref": "#/$defs/round"}, {"type": "integer"}]}},
  "properties": {
    "key": {"$ref": "#/$defs/place"},
    "pin": {"type": "string", "enum": ["hunter3", "swordfish"], "writeOnly": true},
    "keys": {"type": "array", "items": {"$ref": "#/$defs/place"}},
    "pair": {"prefixItems": [{"type": "string"}, {"type": "string", "maxLength": 3, "writeOnly": true}]},
    "named": {"type": "object", "additionalProperties": {"$ref": "#/$defs/place"}},
    "either": {"anyOf": [{"type": "integer"}, {"type": "boolean", "writeOnly": true}]},
    "round": {"$ref": "#/$defs/round"},
    "open": {"type": "string", "maxLength": 3}
  }
}`

func secretConfig(t *testing.T) *StageConfig {
	t.Helper()
	s, err := compile([]byte(secretSchema))
	if err != nil {
		t.Fatal(err)
	}
	return &StageConfig{typ: "t", schema: s}
}

func TestStageConfig_knows_secrets(t *testing.T) {
	c := secretConfig(t)
	for path, want := range map[string]bool{
		"key": true, "key/env": true, "pin": true, "keys": false, "keys/0": true, "pair/0": false, "pair/1": true, "named": false, "named/x": true,
		"either": true, "either/x": true, "round": false, "round/x": false, "open": false, "nothing": false, "": false,
	} {
		if got := c.Secret(strings.FieldsFunc(path, func(r rune) bool { return r == '/' })...); got != want {
			t.Errorf("%s: got %t", path, got)
		}
	}
	if new(StageConfig).Secret("key") {
		t.Error("of which nothing is known")
	}
}

func TestStageConfig_shows_no_secret_that_is_wrong(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"literal", `key = "hunter2"`, "3:7: expected a table, found a string (a secret is never written into the file: write a table with one of env, which says where it is)"},
		{"in_a_list", `keys = [{ env = "A" }, "hunter2"]`, "3:24: expected a table, found a string (a secret is never written into the file: write a table with one of env, which says where it is)"},
		{"under_another_key", `key = { value = "hunter2" }`, "3:9: unknown key value (known keys: env)"},
		{"by_name", `named = { x = "hunter2" }`, "3:15: expected a table, found a string (a secret is never written into the file: write a table with one of env, which says where it is)"},
		{"word", `pin = "hunter2"`, "3:7: this value is not known (one of hunter3, swordfish)"},
		{"element", `pair = ["a", "hunter2"]`, "3:14: it must have at most 3 characters"},
		{"beside_another_mistake", `key = "hunter2"` + "\nopen = 7", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := config.Read("pipelines.toml", []byte("version = 1\n[stages.sign]\n"+c.body))
			if err != nil {
				t.Fatal(err)
			}
			table, _ := f.Table("stages", "sign")
			diags := table.Decode(secretConfig(t))
			if len(diags) == 0 || strings.Contains(diags.Error(), "hunter2") {
				t.Error(diags)
			}
			if got := words(diags); c.want != "" && !cmp.Equal(got, []string{c.want}) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestMistakes_of_a_plugin_show_no_secret(t *testing.T) {
	f, err := config.Read("pipelines.toml", []byte("version = 1\n[stages.sign]\npin = \"hunter2\"\npair = [\"a\", \"hunter2\"]\nopen = \"abc\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	table, _ := f.Table("stages", "sign")
	for path, shown := range map[string]string{"pin": "pin = ***", "pair[1]": `["a", ***`, "open": "abc"} {
		diags := table.DiagnoseError(mistakesFrom([]*wire.Mistake{{Path: path, Message: "no"}}, secretConfig(t).schema))
		if strings.Contains(diags.Error(), "hunter2") || !strings.Contains(diags.Error(), shown) {
			t.Errorf("%s: %v", path, diags)
		}
	}
}
