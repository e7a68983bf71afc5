package config

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fromJSON decodes as another program would.
func fromJSON(t *testing.T, text string, into any) []Mistake {
	t.Helper()
	values := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return DecodeValues(values, into)
}

func TestDecodeValues_fills_over_the_defaults(t *testing.T) {
	got := sample{Attempts: 3, Base: time.Second}
	wrong := fromJSON(t, `{"small": -128, "port": 65535, "rate": 2, "on": true, "level": "debug", "base": "1.5s", "hints": ["a", "b"], "set": {"X-B": "2"},
		"any": {"a": [1, 2.5, true, 9007199254740993]}, "inner": {"match": "é", "kind": "x"}, "password": {"env": "P"}}`, &got)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	want := sample{
		common: common{Level: "debug"}, Attempts: 3, Small: -128, Port: 65535, Rate: 2, On: true, Base: 1500 * time.Millisecond, Hints: []string{"a", "b"},
		Set: map[string]string{"X-B": "2"}, Password: secret{"P"}, Inner: &rule{expression{"é"}, "x"},
		Any: map[string]any{"a": []any{int64(1), 2.5, true, int64(9007199254740993)}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{}, expression{}, secret{}, rule{}, common{})); diff != "" {
		t.Error(diff)
	}
	if wrong := DecodeValues(nil, &sample{}); len(wrong) > 0 {
		t.Errorf("no table: %v", wrong)
	}
}

func TestDecodeValues_tells_what_is_wrong(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []Mistake
	}{
		{"an unknown key", `{"max_attempt": 1}`, []Mistake{{Path: "max_attempt", Message: "unknown key max_attempt", Hint: "did you mean max_attempts?"}}},
		{"a wrong kind", `{"on": "yes"}`, []Mistake{{Path: "on", Message: `expected true or false, found the string "yes"`}}},
		{"a place inside a string", `{"inner": {"kind": "x", "match": "höst == bad"}}`, []Mistake{{Path: "inner.match", Message: "unknown name bad", Offset: 9, Length: 3}}},
		{"a place that Validate names", `{"rules": [{"kind": "x"}, {"kind": "none"}]}`, []Mistake{{Path: "rules[1].kind", Message: "none is no kind", Offset: 2, Length: 2}}},
		{"a key that is missing", `{"rules": [{}]}`, []Mistake{{Path: "rules[0].kind", Message: "a rule needs a kind"}}},
		{"a secret", `{"password": "hunter2"}`, []Mistake{{Path: "password", Message: "a secret may not stand here", Hint: `write { env = "NAME" }`, Secret: true}}},
		{"nothing", `{"on": null}`, []Mistake{{Path: "on", Message: "a value that no file can hold: <nil>"}}},
		{"several", `{"port": -1, "base": 5}`, []Mistake{
			{Path: "base", Message: `a duration needs a unit: "5s"`, Hint: `write "5s"`},
			{Path: "port", Message: "-1 does not fit: write an integer from 0 to 65535"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, fromJSON(t, tc.text, &sample{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is wrong in values is what is wrong in the file that they come from.
func TestDecodeValues_says_what_Decode_says(t *testing.T) {
	for _, body := range []string{
		"max_attempts = \"3\"\nport = -1\nrate = true\nhints = \"a\"\nset = [1]\nrules = [1, { kind = 3 }]\nbase = 5\n",
		"password = { env = 5 }\nwhen = \"höst == bad\"\ninner = {}\nnever = 1\n",
		"hints = { a = 1 }\n[[stages.a.rules]]\nkind = \"none\"\nmatch = \"bad\"\n",
	} {
		s := section(t, body)
		values, _ := s.Value()
		text, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		type said struct{ Path, Message string }
		var want, got []said
		for _, d := range s.Decode(&sample{}) {
			want = append(want, said{strings.TrimPrefix(d.Path, "stages.a."), d.Message})
		}
		for _, m := range fromJSON(t, string(text), &sample{}) {
			got = append(got, said{m.Path, m.Message})
		}
		slices.SortStableFunc(want, func(a, b said) int { return strings.Compare(a.Path, b.Path) })
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s (-file +values):\n%s", body, diff)
		}
	}
}
