package served_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/stages"
)

func compiled(t *testing.T, f pipeline.Factory) *jsonschema.Schema {
	t.Helper()
	text, err := served.Schema(f)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("test:schema", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("test:schema")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestSchema(t *testing.T) {
	for _, f := range stages.All() {
		t.Run("accepts_the_defaults_of_"+f.Type(), func(t *testing.T) {
			s := compiled(t, f)
			defaults, err := json.Marshal(served.Defaults(f))
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"{}", string(defaults)} {
				if err := valid(t, s, text); err != nil {
					t.Errorf("%s: %v", text, err)
				}
			}
			if valid(t, s, `{"no_such_key":1}`) == nil {
				t.Error("it accepts an unknown key")
			}
		})
	}
	f := pipeline.Define("mine", config{Timeout: 3 * time.Second, Words: []string{"a"}, Inner: inner{Size: 1 << 10}}, func(config, pipeline.Settings) (pipeline.StageFunc, error) { return nil, nil })
	s := compiled(t, f)
	for name, tc := range map[string]struct {
		text string
		ok   bool
	}{
		"durations_are_strings":         {`{"timeout":"1m30s"}`, true},
		"durations_are_no_numbers":      {`{"timeout":5}`, false},
		"sizes_are_strings":             {`{"inner":{"size":"4KiB"}}`, true},
		"nested_tables_know_their_keys": {`{"inner":{"sized":"4KiB"}}`, false},
		"counts_are_not_negative":       {`{"count":-1}`, false},
		"counts_are_whole":              {`{"count":1.5}`, false},
		"lists_hold_what_they_hold":     {`{"words":["a",1]}`, false},
		"maps_take_any_key":             {`{"map":{"x":true}}`, true},
		"maps_hold_what_they_hold":      {`{"map":{"x":"y"}}`, false},
		"what_reads_itself_is_anything": {`{"own":[{"a":1}]}`, true},
		"secrets_stand_elsewhere":       {`{"secret":{"env":"X"}}`, true},
		"secrets_may_come_of_a_command": {`{"secret":{"cmd":["pass","show","x"]}}`, true},
		"secrets_are_no_literals":       {`{"secret":"hunter2"}`, false},
		"secrets_stand_in_one_place":    {`{"secret":{"env":"X","file":"y"}}`, false},
		"secrets_stand_somewhere":       {`{"secret":{}}`, false},
		"secrets_know_their_places":     {`{"secret":{"value":"hunter2"}}`, false},
		"commands_are_lists":            {`{"secret":{"cmd":"pass show x"}}`, false},
		"texts_are_literals":            {`{"user":"ada"}`, true},
		"texts_may_stand_elsewhere":     {`{"user":{"env":"X"}}`, true},
		"texts_are_nothing_else":        {`{"user":7}`, false},
		"embedded_structs_are_the_same": {`{"shared":"x"}`, true},
		"what_has_no_tag_is_no_key":     {`{"Untagged":"x"}`, false},
		"pointers_are_what_they_point":  {`{"perhaps":true}`, true},
		"anything_is_anything":          {`{"free":[1,{"a":"b"}]}`, true},
		"recursion_ends":                {`{"tree":{"children":[{"children":[]}]}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := valid(t, s, tc.text); (err == nil) != tc.ok {
				t.Errorf("%s: %v", tc.text, err)
			}
		})
	}
	t.Run("names_the_defaults", func(t *testing.T) {
		want := map[string]any{
			"timeout": "3s", "words": []any{"a"}, "inner": map[string]any{"size": "1KiB"}, "count": uint64(0), "shared": "",
		}
		if diff := cmp.Diff(want, served.Defaults(f)); diff != "" {
			t.Error(diff)
		}
	})
}

type config struct {
	embedded

	Timeout  time.Duration   `toml:"timeout"`
	Count    uint            `toml:"count"`
	Words    []string        `toml:"words"`
	Map      map[string]bool `toml:"map"`
	Inner    inner           `toml:"inner"`
	Secret   credential.Ref  `toml:"secret"`
	User     credential.Text `toml:"user"`
	Own      own             `toml:"own"`
	Perhaps  *bool           `toml:"perhaps"`
	Free     any             `toml:"free"`
	Tree     *tree           `toml:"tree"`
	Untagged string
}

type own struct{}

func (*own) UnmarshalConfig(any) error { return nil }

type embedded struct {
	Shared string `toml:"shared"`
}

type inner struct {
	Size pipeline.Size `toml:"size"`
}

type tree struct {
	Children []tree `toml:"children"`
}
