package validate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
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
