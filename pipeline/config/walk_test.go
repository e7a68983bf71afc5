package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWalk(t *testing.T) {
	type inner struct {
		Match string `toml:"match"`
	}
	cfg := struct {
		Name    string         `toml:"name"`
		Wait    time.Duration  `toml:"wait"`
		Names   []string       `toml:"names"`
		Rules   []inner        `toml:"rules"`
		None    []inner        `toml:"none"`
		One     inner          `toml:"one"`
		Fields  map[string]any `toml:"fields"`
		Skipped string
	}{
		Rules:  []inner{{"a"}, {"b"}},
		Fields: map[string]any{"b": []any{"x", map[string]any{"y": 1}}, "a": "z"},
	}
	var got []string
	Walk(&cfg, func(path []string, _ reflect.Value) { got = append(got, joinPath(path)) })
	want := []string{
		"name", "wait", "names", "rules[0].match", "rules[1].match", "none", "one.match", "fields.a", "fields.b[0]", "fields.b[1].y",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
