package validate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// seeds are texts at the edges of the grammar.
func seeds() []string {
	return []string{
		``, ` `, `{}`, `[]`, `{"a":1}`, `[1,2]`, `{"a":{"b":[1,{"c":null}]}}`, `"x"`, `""`, `"\u0041\ud800\n\/"`, `"\u004"`, `"\x"`, `"\`, `"`, "\"\n\"", "\"\x7f\"",
		`0`, `-0`, `01`, `-`, `1.`, `.1`, `1.0`, `1e5`, `1E+05`, `1e`, `1e+`, `-1.2e-3`, `1.e1`, `0e0`, `00`, `1a`, `--1`, `+1`,
		`true`, `false`, `null`, `tru`, `nul`, `nulll`, `True`, `t`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a" : 1 , "b":2}`, `[1 2]`, `{"a":1 "b":2}`,
		`[`, `{`, `[[`, `{"a":[`, `]`, `}`, `[}`, `{]`, `[1}`, `{"a":1]`, `1 1`, `{} {}`, `{}x`, "\ufeff{}", "{}\x00", "\x00{}", "{\x00}", "\xff\xfe{\x00", "\"\xff\"", "{\"\xff\":1}", "\xff",
		"\t\r\n {} \t\r\n", "\v{}", "\u00a0{}", `{"a":1,"a":2}`, `{"a":{"b":1},"a":{}}`, `{"\u0061":1}`, `[{"id":1},{"id":null},{}]`, `{"items":[{"id":1},{"name":"x"},7,null,[]]}`,
		strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001), strings.Repeat(`{"a":`, 10001) + "1" + strings.Repeat("}", 10001),
	}
}

// trees are paths that exercise every sort of step, deep enough to meet the fuzzer's texts.
func trees() [][]string {
	return [][]string{
		{"a"}, {"a.b", "b"}, {"items[].id"}, {"[].id"}, {"a[0]", "a[2].b"}, {"[][].a"}, {"a[].b", "a[1].c"}, {`["\ufffd"]`, `[""]`}, {"a.a.a.a", "a.b"}, {"items[]"},
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	var roots []*node
	for _, paths := range trees() {
		root, err := compilePaths(paths)
		if err != nil {
			f.Fatal(err)
		}
		roots = append(roots, root)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s := scanner{src: src}
		got, want := s.scan(nil), json.Valid(src)
		if got != want {
			t.Fatalf("scan(%q) = %v (%s), json.Valid = %v", src, got, s.problem, want)
		}
		if !got {
			_ = s.explain()
		}
		for i, root := range roots {
			agree(t, root, trees()[i], src)
		}
	})
}

// agree compares the scan with the walk over the decoded value, which is slow and plain.
func agree(t interface{ Fatalf(string, ...any) }, root *node, paths []string, src []byte) {
	s := scanner{src: src}
	if !s.scan(root) || s.again {
		return
	}
	v, err := decode(src)
	if err != nil {
		t.Fatalf("decode(%q): %v", src, err)
	}
	var want violations
	w := walker{found: &want}
	w.walk(root, v)
	if s.found.more > 0 || want.more > 0 {
		return // which 50 are kept depends on the order
	}
	got := slices.Sorted(slices.Values(s.found.list))
	if diff := cmp.Diff(slices.Sorted(slices.Values(want.list)), got); diff != "" {
		t.Fatalf("%q asked of %q (-walk +scan):\n%s", paths, src, diff)
	}
	if ok := holds(paths, v); ok != s.found.empty() {
		t.Fatalf("%q asked of %q: reference says %v, found %q", paths, src, ok, s.found.list)
	}
}

// holds is the reference: each path by itself, without a tree.
func holds(paths []string, v any) bool {
	for _, p := range paths {
		steps, err := parsePath(p)
		if err != nil || !present(steps, v) {
			return false
		}
	}
	return true
}

func present(steps []step, v any) bool {
	if len(steps) == 0 {
		return true
	}
	switch s := steps[0]; s.kind {
	case stepName:
		m, ok := v.(map[string]any)
		member, there := m[s.name]
		return ok && there && present(steps[1:], member)
	case stepIndex:
		l, ok := v.([]any)
		return ok && s.index < len(l) && present(steps[1:], l[s.index])
	default:
		l, ok := v.([]any)
		for _, e := range l {
			ok = ok && present(steps[1:], e)
		}
		return ok
	}
}

func TestScan(t *testing.T) {
	t.Run("agrees_with_encoding_json_at_every_edge", func(t *testing.T) {
		for _, src := range seeds() {
			s := scanner{src: []byte(src)}
			if got, want := s.scan(nil), json.Valid([]byte(src)); got != want {
				t.Errorf("scan(%.80q) = %v (%s), want %v", src, got, s.problem, want)
			}
		}
	})
	t.Run("agrees_with_encoding_json_on_every_cut_of_a_text", func(t *testing.T) {
		src := []byte(` {"a":[1,-2.5e+10,true,false,null,"x\u00e9\n"],"b":{}} `)
		for i := range src {
			for _, cut := range [][]byte{src[:i], src[i:], append(slices.Clone(src[:i]), src[i+1:]...)} {
				s := scanner{src: cut}
				if got, want := s.scan(nil), json.Valid(cut); got != want {
					t.Errorf("scan(%q) = %v (%s), want %v", cut, got, s.problem, want)
				}
			}
		}
	})
	t.Run("allocates_nothing", func(t *testing.T) {
		root, err := compilePaths([]string{"id", "user.name", "items[].id", "items[0].id", "tags"})
		if err != nil {
			t.Fatal(err)
		}
		src := []byte(`{"id":12345678901234567890,"user":{"name":"Ada \"L\"","é":1},"items":[{"id":1,"x":[{}]},{"id":2}],"tags":[]}`)
		if n := testing.AllocsPerRun(100, func() {
			s := scanner{src: src}
			if !s.scan(root) || !s.found.empty() {
				t.Fatal(s.problem, s.found)
			}
		}); n != 0 {
			t.Errorf("got %v allocations, want 0", n)
		}
	})
}

func TestExplain(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"trailing_comma", "{\n  \"a\": 1,\n}", "line 3, column 1 (byte 13): a name in quotes must stand here"},
		{"column_counts_characters", `{"é": x}`, "line 1, column 7 (byte 8): a value must stand here"},
		{"truncated", `{"a":[1,`, "line 1, column 9 (byte 9): the JSON ends too early"},
		{"within_string", `{"a":"b`, "line 1, column 8 (byte 8): the JSON ends within a string"},
		{"trailing_data", "{}\n{}", "line 2, column 1 (byte 4): something follows the JSON value"},
		{"literal", `[nul]`, "line 1, column 5 (byte 5): here must stand null"},
		{"number", `[1.]`, "line 1, column 4 (byte 4): a digit must stand here"},
		{"leading_zero", `[01]`, "line 1, column 3 (byte 3): a comma or ] must follow the element"},
		{"escape", `["\q"]`, "line 1, column 4 (byte 4): no such escape in a string"},
		{"control", "[\"a\tb\"]", "line 1, column 4 (byte 4): a control character must be escaped in a string"},
		{"unicode_escape", `["\u12g4"]`, `line 1, column 7 (byte 7): four hexadecimal digits must follow \u`},
		{"colon", `{"a" 1}`, "line 1, column 6 (byte 6): a colon must follow the name"},
		{"html", `<!doctype html>`, "line 1, column 1 (byte 1): a value must stand here"},
		{"byte_order_mark", "\ufeff{}", "line 1, column 1 (byte 1): a byte order mark stands before the JSON, which RFC 8259 §8.1 forbids"},
		{"utf16", "{\x00}\x00", "line 1, column 1 (byte 1): the body looks like UTF-16 or UTF-32; JSON is UTF-8 (RFC 8259 §8.1)"},
		{"depth", strings.Repeat("[", 10001), "line 1, column 10001 (byte 10001): the JSON nests too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scanner{src: []byte(tt.src)}
			if s.scan(nil) {
				t.Fatal("accepted")
			}
			if got := s.explain(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestRequired is the property: a text is accepted if and only if it is JSON and every path is there.
func TestRequired(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b", "a.b", "a.a.b", "c[]", "c[].a", "c[0]", "c[1].b", "c[][].a", "c[0].a", "d[3]", `["é"]`, `a["b.c"]`, `[""]`,
		}), 1, 6).Draw(t, "paths")
		root, err := compilePaths(paths)
		if err != nil {
			t.Skip("the paths contradict each other")
		}
		src, err := json.Marshal(value(3).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		agree(t, root, paths, src)
	})
}

func value(depth int) *rapid.Generator[any] {
	leaves := rapid.SampledFrom([]any{nil, true, 1.5, "x", "é\"\\"})
	if depth == 0 {
		return leaves
	}
	names := rapid.SampledFrom([]string{"a", "b", "c", "d", "é", "b.c", ""})
	return rapid.OneOf(
		rapid.Map(rapid.MapOfN(names, rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) }), 0, 6), func(m map[string]any) any { return m }),
		rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) }), 0, 4), func(l []any) any { return l }),
		leaves,
	)
}

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

func BenchmarkScan(b *testing.B) {
	src := []byte(`{"id":4711,"title":"A post with a title","body":"` + strings.Repeat("some words ", 15) + `","author":{"id":7,"name":"Ada"},"tags":["a","b"],"likes":12.5}`)
	root, err := compilePaths([]string{"id", "title", "author.name"})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			s := scanner{src: src}
			if !s.scan(root) || !s.found.empty() {
				b.Fatal(s.problem)
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			if !json.Valid(src) {
				b.Fatal("invalid")
			}
		}
	})
	b.Run("json.Unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(src, &m); err != nil || m["id"] == nil || m["title"] == nil {
				b.Fatal(err)
			}
		}
	})
}
