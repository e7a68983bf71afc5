package validate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompilePaths(t *testing.T) {
	tests := []struct {
		name  string
		paths []string
		want  string // "" = right
	}{
		{"names", []string{"id", "user.name", "a-b", "$ref", "é"}, ""},
		{"lists", []string{"items[].id", "items[0].id", "matrix[][].x", "[0]"}, `required[3]: "[0]": another path says an object where this one says a list`},
		{"quoted_name", []string{`meta["a.b"].c`, `["x y"]`}, ""},
		{"empty", []string{""}, `required[0]: "": a name is missing`},
		{"double_dot", []string{"a..b"}, `required[0]: "a..b": a name is missing`},
		{"trailing_dot", []string{"a."}, `required[0]: "a.": a name is missing`},
		{"no_dot_after_brackets", []string{"a[]b"}, `required[0]: "a[]b": after ] a dot or [ must follow`},
		{"open_brackets", []string{"a[1"}, `required[0]: "a[1": ] is missing`},
		{"word_in_brackets", []string{"a[x]"}, `required[0]: "a[x]": [x] is no whole number: names in brackets stand in quotes`},
		{"negative", []string{"a[-1]"}, `required[0]: "a[-1]": [-1] is no whole number: names in brackets stand in quotes`},
		{"open_quote", []string{`a["x]`}, `required[0]: "a[\"x]": a name in brackets ends with "]`},
		{"stray_bracket", []string{"a]"}, `required[0]: "a]": unexpected ]`},
		{"contradiction_through_elements", []string{"a[].b", "a[0][0]"}, "required: one path says a list where another says an object"},
		{"too_many_lists", []string{"a[][][][][][][][][]"}, `required[0]: "a[][][][][][][][][]": more than 8 [] in one path`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compilePaths(tt.paths)
			got := ""
			if err != nil {
				got = described(err)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func described(err error) string {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range many.Unwrap() {
			all = append(all, described(e))
		}
		return strings.Join(all, "\n")
	}
	if placed, ok := err.(interface{ ConfigPath() string }); ok {
		return placed.ConfigPath() + ": " + err.Error()
	}
	return err.Error()
}

func TestViolationPaths(t *testing.T) {
	tests := []struct {
		name  string
		paths []string
		src   string
		want  []string
	}{
		{"top_level", []string{"id", "name"}, `{"name":null}`, []string{"id: missing"}},
		{"nearest_missing_part_only", []string{"user.name", "user.id"}, `{}`, []string{"user: missing"}},
		{"nested", []string{"user.name", "user.id"}, `{"user":{"id":1}}`, []string{"user.name: missing"}},
		{"wrong_sort", []string{"user.name"}, `{"user":"ada"}`, []string{"user: a string, not an object"}},
		{"null_is_no_object", []string{"user.name"}, `{"user":null}`, []string{"user: null, not an object"}},
		{"each_element", []string{"items[].id"}, `{"items":[{"id":1},{},{"id":2},7]}`, []string{"items[1].id: missing", "items[3]: a number, not an object"}},
		{"no_elements", []string{"items[].id"}, `{"items":[]}`, nil},
		{"nested_elements", []string{"a[].b[].c"}, `{"a":[{"b":[]},{"b":[{"c":1},{}]}]}`, []string{"a[1].b[1].c: missing"}},
		{"by_number", []string{"items[1].id"}, `{"items":[{}]}`, []string{"items[1]: missing"}},
		{"by_number_and_each", []string{"items[].id", "items[0].name"}, `{"items":[{},{}]}`, []string{"items[0].id: missing", "items[0].name: missing", "items[1].id: missing"}},
		{"the_body_is_a_list", []string{"[].id"}, `[{"id":1},{}]`, []string{"[1].id: missing"}},
		{"the_body_is_no_list", []string{"[].id"}, `{}`, []string{"the body: an object, not a list"}},
		{"quoted_names", []string{`a["b.c"]`, `["x y"]`}, `{"a":{}}`, []string{`["x y"]: missing`, `a["b.c"]: missing`}},
		{"escaped_key", []string{"id"}, `{"\u0069d":1}`, nil},
		{"last_of_two_counts", []string{"a.b"}, `{"a":{"b":1},"a":{}}`, []string{"a.b: missing"}},
		{"last_of_two_is_right", []string{"a.b"}, `{"a":{},"a":{"b":1}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, err := compilePaths(tt.paths)
			if err != nil {
				t.Fatal(err)
			}
			s := scanner{src: []byte(tt.src)}
			if !s.scan(root) {
				t.Fatal(s.explain())
			}
			found := s.found
			if s.again {
				found = violations{}
				v, _ := decode(s.src)
				w := walker{found: &found}
				w.walk(root, v)
			}
			slices.Sort(found.list)
			if diff := cmp.Diff(tt.want, found.list); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestViolationsAreBounded(t *testing.T) {
	root, err := compilePaths([]string{"[].id"})
	if err != nil {
		t.Fatal(err)
	}
	s := scanner{src: []byte("[" + strings.Repeat("{},", 99) + "{}]")}
	if !s.scan(root) {
		t.Fatal(s.explain())
	}
	all := s.found.all()
	if got, want := len(all), maxViolations+1; got != want {
		t.Errorf("got %d sentences, want %d", got, want)
	}
	if got, want := all[maxViolations], "… and 50 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := s.found.summary(), "[0].id: missing (and 99 more)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
