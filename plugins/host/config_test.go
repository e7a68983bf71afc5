package host

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// stageConfig is the empty config of signer/hmac, with its schema.
func stageConfig(t *testing.T) *StageConfig {
	t.Helper()
	typ, _ := described(t, nil).Type("hmac")
	s, err := compile(typ.Schema)
	if err != nil {
		t.Fatal(err)
	}
	return &StageConfig{typ: "hmac", schema: s}
}

// decode decodes the table of a stage as the loader does, and returns what is wrong with it as "line:column path: message (hint)".
func decode(t *testing.T, cfg any, body string) []string {
	t.Helper()
	f, err := config.Read("pipelines.toml", []byte("version = 1\n[stages.sign]\n"+body))
	if err != nil {
		t.Fatal(err)
	}
	table, ok := f.Table("stages", "sign")
	if !ok {
		t.Fatal("no table")
	}
	return words(table.Decode(cfg, "when", "timeout"))
}

func words(diags config.Diagnostics) []string {
	var all []string
	for _, d := range diags.Sort() {
		text := strings.TrimPrefix(strings.SplitN(d.Error(), "\n", 2)[0], "pipelines.toml:")
		if d.Hint != "" {
			text += " (" + d.Hint + ")"
		}
		all = append(all, text)
	}
	return all
}

func TestStageConfig_tells_every_mistake_in_the_words_of_the_file(t *testing.T) {
	const all = "key_env, parts, rounds, value"
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"right", "key_env = \"K\"\nrounds = 2\nparts = [{ header = \"Date\" }]\nvalue = { expr = \"x\" }\nwhen = 'true'\ntimeout = \"1s\"", nil},
		{"a_float_that_is_whole", "key_env = \"K\"\nrounds = 2.0", nil},
		{"missing", "rounds = 1", []string{"2:2: key_env is missing (The variable that holds the key.)"}},
		{"no_table", "", []string{"2:2: key_env is missing (The variable that holds the key.)"}},
		{"unknown_key", "key_env = \"K\"\nalgorithn = \"sha256\"", []string{"4:1: unknown key algorithn (did you mean algorithm?)"}},
		{"unknown_key_near_one_of_the_host", "key_env = \"K\"\nonfailure = \"skip\"", []string{"4:1: unknown key onfailure (did you mean on_failure?)"}},
		{
			"unknown_key_like_none", "key_env = \"K\"\ncolour = \"red\"",
			[]string{"4:1: unknown key colour (known keys: algorithm, key_env, parts, rounds, value, use, when, timeout, on_failure, role)"},
		},
		{"unknown_key_within", "key_env = \"K\"\nparts = [{ header = \"Date\" }, { heder = \"Host\" }]", []string{"4:33: unknown key heder (did you mean header?)"}},
		{"wrong_type", "key_env = \"K\"\nrounds = \"2\"", []string{"4:10: expected an integer, found a string"}},
		{"fraction", "key_env = \"K\"\nrounds = 2.5", []string{"4:10: expected an integer, found a number"}},
		{"wrong_type_within", "key_env = \"K\"\nparts = [{ header = 7 }]", []string{"4:21: expected a string, found an integer"}},
		{"list_expected", "key_env = \"K\"\nparts = { header = \"Date\" }", []string{"4:9: expected an array, found a table"}},
		{"none_of_the_types", "key_env = \"K\"\nvalue = 7", []string{"4:9: expected a string or a table, found an integer"}},
		{"in_the_form_that_is_meant", "key_env = \"K\"\nvalue = { exp = \"x\" }", []string{"4:11: unknown key exp (did you mean expr?)"}},
		{"enum", "key_env = \"K\"\nalgorithm = \"sha265\"", []string{"4:13: this value is not known (did you mean sha256? one of sha256, sha512)"}},
		{"bound", "key_env = \"K\"\nrounds = 0", []string{"4:10: it must be at least 1"}},
		{"empty", "key_env = \"\"", []string{"3:11: it must not be empty"}},
		{"not_finite", "key_env = \"K\"\nrounds = inf", []string{"4:10: a plugin can't be given a number that is not finite"}},
		{
			"all_at_once", "algorithm = \"md5\"\nrounds = \"a\"\ncolor = 1",
			[]string{
				"2:2: key_env is missing (The variable that holds the key.)",
				"3:13: this value is not known (one of sha256, sha512)",
				"4:10: expected an integer, found a string",
				"5:1: unknown key color (known keys: algorithm, " + all + ", use, when, timeout, on_failure, role)",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, decode(t, stageConfig(t), c.body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStageConfig_says_what_a_duration_is(t *testing.T) {
	text, err := json.Marshal(map[string]any{"properties": map[string]any{
		"wait": map[string]any{"type": "string", "pattern": wire.DurationPattern}, "id": map[string]any{"type": "string", "pattern": "^[a-z]+$"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := compile(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`3:8: it is no duration, as "5s" or "1m30s" is`, "4:6: it does not match the pattern ^[a-z]+$"}
	if diff := cmp.Diff(want, decode(t, &StageConfig{typ: "t", schema: s}, "wait = \"5 parsecs\"\nid = \"7\"")); diff != "" {
		t.Error(diff)
	}
}

func TestStageConfig_is_what_the_plugin_gets(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"without_the_keys_of_the_host", "when = 'true'\ntimeout = \"1s\"\nkey_env = \"K\"", `{"key_env":"K"}`},
		{"values", "a = [1, 2.5, true, \"x\"]\nb = { c = 1979-05-27T07:32:00Z }", `{"a":[1,2.5,true,"x"],"b":{"c":"1979-05-27T07:32:00Z"}}`},
		{"nothing", "", `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cfg StageConfig // of which nothing is known: every table is right
			if diff := cmp.Diff([]string(nil), decode(t, &cfg, c.body)); diff != "" {
				t.Error(diff)
			}
			if got := string(cfg.JSON()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	if got := string(new(StageConfig).JSON()); got != "{}" {
		t.Errorf("of no table: got %s", got)
	}
}

func TestStageConfig_finds_numbers_that_JSON_has_not(t *testing.T) {
	value := map[string]any{"a": []any{1.0, map[string]any{"b c": math.NaN()}}}
	var cfg StageConfig
	var placed interface{ ConfigPath() string }
	if err := cfg.UnmarshalConfig(value); !errors.As(err, &placed) || placed.ConfigPath() != `a[1]."b c"` {
		t.Error(err)
	}
}

func TestMistakes_of_a_plugin_stand_where_it_says(t *testing.T) {
	table := func() config.Section {
		f, err := config.Read("pipelines.toml", []byte("version = 1\n[stages.sign]\nkey = \"hunter2hunter2\"\nparts = [\"a b\"]\n"))
		if err != nil {
			t.Fatal(err)
		}
		s, _ := f.Table("stages", "sign")
		return s
	}
	for _, c := range []struct {
		name string
		m    *wire.Mistake
		want string
	}{
		{"place", &wire.Mistake{Path: "parts[0]", Message: "no header", Hint: "write \"a-b\""}, "4:10: no header (write \"a-b\")"},
		{"within_a_string", &wire.Mistake{Path: "parts[0]", Message: "no header", Offset: 2, Length: 1}, "4:12: no header"},
		{"whole_table", &wire.Mistake{Message: "no\nsense"}, "2:2: no sense"},
		{"without_a_word", &wire.Mistake{Path: "key"}, "3:7: the plugin refuses this"},
		{"place_that_is_not_there", &wire.Mistake{Path: "a[7].b", Message: "no"}, "2:2: no"},
		{"no_path_at_all", &wire.Mistake{Path: "a[[\"", Message: "no"}, "2:2: no"},
		{"numbers_that_mean_no_good", &wire.Mistake{Path: "key", Message: "no", Offset: math.MinInt32, Length: math.MaxInt32}, "3:7: no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, words(table().DiagnoseError(mistakesFrom([]*wire.Mistake{c.m}, nil)))); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("secret", func(t *testing.T) {
		diags := table().DiagnoseError(mistakesFrom([]*wire.Mistake{{Path: "key", Message: "too short", Secret: true}}, nil))
		if len(diags) != 1 || strings.Contains(diags.Error(), "hunter2") {
			t.Error(diags)
		}
	})
	t.Run("none", func(t *testing.T) {
		if err := mistakesFrom(nil, nil); err != nil {
			t.Error(err)
		}
	})
}
