package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDiagnostic_Error(t *testing.T) {
	at := func(source string, column, length int) Diagnostic {
		return Diagnostic{File: "f", Position: Position{1, column}, Length: length, Source: source, Message: "m"}
	}
	long := strings.Repeat("x", 300)
	tests := []struct {
		name string
		d    Diagnostic
		want string
	}{
		{"tabs keep their width", at("\ta\t= bad", 6, 3), "f:1:6: m\n  \ta\t= bad\n  \t \t  ^^^"},
		{"runes, not bytes", at("é = ü", 5, 1), "f:1:5: m\n  é = ü\n      ^"},
		{"control characters are harmless", at("a\x1b[2J", 1, 9), "f:1:1: m\n  a�[2J\n  ^^^^^"},
		{"past the end", at("ab", 3, 1), "f:1:3: m\n  ab\n    ^"},
		{"no position", Diagnostic{File: "env X", Message: "m", Hint: "h"}, "env X: m\n  h"},
		{"a long line is cut", at(long, 200, 5), "f:1:200: m\n  …" + long[:160] + "…\n  " + strings.Repeat(" ", 81) + "^^^^^"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.d.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiagnostic_in_JSON_has_flat_names(t *testing.T) {
	got, err := json.Marshal(Diagnostic{File: "f", Position: Position{2, 3}, Length: 1, Source: "s", Path: "p", Message: "m", Hint: "h"})
	want := `{"file":"f","line":2,"column":3,"length":1,"source":"s","path":"p","message":"m","hint":"h"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestDiagnostics_sort_and_drop_repeats(t *testing.T) {
	ds := Diagnostics{{File: "env A", Message: "m"}, {File: "f", Position: Position{2, 1}, Message: "m"}, {File: "f", Position: Position{1, 9}, Message: "m"}, {File: "f", Position: Position{2, 1}, Message: "m"}}
	var got []string
	for _, d := range ds.Sort() {
		got = append(got, d.Error())
	}
	if diff := cmp.Diff([]string{"f:1:9: m", "f:2:1: m", "env A: m"}, got); diff != "" {
		t.Error(diff)
	}
	if err := (Diagnostics{}).Err(); err != nil {
		t.Errorf("an empty list is %v", err)
	}
}

// TestPositions builds a file from parts whose places it counts itself.
func TestPositions(t *testing.T) {
	values := []string{`"x"`, `'é\'`, `"\u00e9"`, `5`, `true`, `1.5`, `[1, "ü"]`, "[ # é\n\t1,\n]", `{ a = "é", b = [] }`, "\"\"\"\nä\n\"\"\"", "'''x\ny'''", `[[1], [2, [3]]]`, "2026-01-02T03:04:05Z", `[]`, `{}`}
	blanks := rapid.SampledFrom([]string{"", " ", "\t", "  \t"})
	rapid.Check(t, func(t *rapid.T) {
		eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol")
		var b strings.Builder
		place := func() Position {
			text := b.String()
			i := strings.LastIndexByte(text, '\n') + 1
			return Position{strings.Count(text, "\n") + 1, utf8.RuneCountInString(text[i:]) + 1}
		}
		write := func(s string) { b.WriteString(strings.ReplaceAll(s, "\n", eol)) }
		want := map[string]Position{}
		write("version = 1\n[stages.a] # é\n")
		for i := range rapid.IntRange(1, 20).Draw(t, "keys") {
			key := fmt.Sprintf("k%d", i)
			if rapid.Bool().Draw(t, "quoted") {
				key = fmt.Sprintf("é.%d", i)
			}
			write(blanks.Draw(t, "indent") + quoteKey(key) + blanks.Draw(t, "before") + "=" + blanks.Draw(t, "after"))
			want[key] = place()
			write(rapid.SampledFrom(values).Draw(t, "value") + blanks.Draw(t, "end") + rapid.SampledFrom([]string{"", "# ü ]}"}).Draw(t, "comment") + "\n")
		}
		src := b.String()
		if rapid.Bool().Draw(t, "bom") {
			src = "\ufeff" + src
		}
		f, err := Read("p.toml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		s, _ := f.Table("stages", "a")
		got := map[string]Position{}
		for _, k := range s.Keys() {
			got[k] = s.Origin(k).Position
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q\n%s", src, diff)
		}
	})
}

func TestPositions_inside_arrays_and_tables(t *testing.T) {
	s := section(t, "x = [ # one, \"]\"\n\t[1, [ 2 , 'é' ]], { a = [ ], b = { c = 3 } } , # }\n  4, ]\n[[stages.a.list]]\nq = 1\n[[stages.a.list]]\n  q = 2\n")
	for path, want := range map[string]Position{
		"x": {3, 5}, "x[0]": {4, 2}, "x[0][0]": {4, 3}, "x[0][1]": {4, 6}, "x[0][1][1]": {4, 12}, "x[1]": {4, 20}, "x[1].a": {4, 26}, "x[1].b.c": {4, 41}, "x[2]": {5, 3},
		"list": {6, 3}, "list[1]": {8, 3}, "list[1].q": {9, 7},
	} {
		p, err := splitPath(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Origin(p...).Position; got != want {
			t.Errorf("%s is at %v, want %v", path, got, want)
		}
	}
}

func TestPositions_inside_strings(t *testing.T) {
	for _, literal := range []string{`"abcXd"`, `'abcXd'`, `"\u0061b\tXd"`, `"\U0001F600éäX"`, "\"\"\"\nabcXd\"\"\"", "'''ab\nXd'''", "\"\"\"a \\\n   b\\\\Xd\"\"\"", `"X"`, "\"\"\"\\\n  X\"\"\"", "\"\"\"X\"\"\"\"\"", `"\x41X"`, "\"\"\"\r\na\r\nX\"\"\""} {
		s := section(t, "v = "+literal+"\n")
		value, _ := s.Text("v")
		offset := utf8.RuneCountInString(value[:strings.IndexByte(value, 'X')])
		n := s.root.fields["v"]
		sp := s.file.src.inside(n.val, offset, 1)
		if got := s.file.src.text[sp.start:sp.end]; got != "X" {
			t.Errorf("%s: offset %d of %q is at %q, want X", literal, offset, value, got)
		}
	}
}
