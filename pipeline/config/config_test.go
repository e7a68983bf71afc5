package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read returns the file, and the diagnostics as Error prints them.
func read(t *testing.T, src string, overlays ...Overlay) (*File, string) {
	t.Helper()
	f, err := Read("p.toml", []byte(src), overlays...)
	if err == nil {
		return f, ""
	}
	return f, err.Error()
}

func mustRead(t *testing.T, src string, overlays ...Overlay) *File {
	t.Helper()
	f, text := read(t, src, overlays...)
	if text != "" {
		t.Fatalf("unexpected diagnostics:\n%s", text)
	}
	return f
}

func trim(s string) string { return strings.Trim(s, "\n") }

func TestRead_diagnostics(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"empty file", "", `
p.toml:1:1: the file does not say its version
  write version = 1 as the first line`},
		{"unknown version", "version = 7\n", `
p.toml:1:11: version 7 is not known
  version = 7
            ^
  this program reads version 1: install one that is newer, or write the file for version 1`},
		{"version of the wrong type", `version = "1"`, `
p.toml:1:11: expected the integer 1, found the string "1"
  version = "1"
            ^^^
  write version = 1`},
		{"unknown names at the top", "version = 1\nvresion = 1\n[pipeline.api]\n[zzz]\n", `
p.toml:2:1: unknown key vresion
  vresion = 1
  ^^^^^^^
  did you mean version?

p.toml:3:2: unknown table pipeline
  [pipeline.api]
   ^^^^^^^^
  did you mean pipelines?

p.toml:4:2: unknown table zzz
  [zzz]
   ^^^
  known tables: credentials, pipelines, plugins, secrets, stages, stores, transports`},
		{"no table where one belongs", "version = 1\nsecrets = 5\n[stages]\nretry = 3\n[[pipelines]]\n", `
p.toml:2:1: secrets must hold tables, found an integer
  secrets = 5
  ^^^^^^^
  write [secrets.NAME]

p.toml:4:1: stages.retry must be a table, found an integer
  retry = 3
  ^^^^^
  write [stages.retry]

p.toml:5:3: pipelines must hold tables, found an array
  [[pipelines]]
    ^^^^^^^^^
  write [pipelines.NAME]`},
		{"duplicates", "version = 1\n[stages.a]\nx = 1\nx = 2\n[stages.b]\n[stages.a]\ny = 1\n[stages.a.x]\n", `
p.toml:4:1: stages.a.x is already set on line 3
  x = 2
  ^
  keep one of the two

p.toml:6:2: stages.a is already defined on line 2
  [stages.a]
   ^^^^^^^^
  write everything about it in one place

p.toml:8:2: stages.a.x is already defined on line 3
  [stages.a.x]
   ^^^^^^^^^^
  write everything about it in one place`},
		{"what is closed stays closed", "version = 1\n[stages.a]\nin = { x = 1 }\nin.y = 2\nl = [1]\n[stages.a.in.z]\n[[stages.a.l]]\n[stages]\na.q = 1\n", `
p.toml:4:1: stages.a.in is already a table, set on line 3
  in.y = 2
  ^^

p.toml:6:11: stages.a.in is already a table, set on line 3
  [stages.a.in.z]
            ^^

p.toml:7:3: stages.a.l is already defined on line 5
  [[stages.a.l]]
    ^^^^^^^^^^
  write everything about it in one place

p.toml:9:1: stages.a is already a table, set on line 2
  a.q = 1
  ^`},
		{"syntax errors, and on after them", "version = 1\n[stages.a]\nx = 20s\ny = yes\n[stages.b\nz = 1\n[stages.c]\nl = [1,\n  2\n[stages.d]\nq \"\n", `
p.toml:3:7: a text must stand in quotes
  x = 20s
        ^
  as in "20s"

p.toml:4:5: unexpected character U+0079 'y' at start of value
  y = yes
      ^
  a text must stand in quotes: key = "value"

p.toml:5:10: expected ']' to close table name
  [stages.b
           ^

p.toml:10:1: expected ',' or ']' after array value
  [stages.d]
  ^

p.toml:11:3: expected '=' after key
  q "
    ^
  write key = value, or [table] for a table`},
		{"a text that is not closed", "version = 1\n[stages.a]\nx = \"\"\"\nabc\n", `
p.toml:4:4: multiline basic string not terminated by """
  abc
     ^`},
		{"numbers and dates out of range", "version = 1\n[stages.a]\na = 99999999999999999999\nb = 1e999\nc = 2026-13-45\n", `
p.toml:3:5: the integer does not fit into 64 bits
  a = 99999999999999999999
      ^^^^^^^^^^^^^^^^^^^^

p.toml:4:5: the number does not fit into 64 bits
  b = 1e999
      ^^^^^

p.toml:5:5: not a date or time
  c = 2026-13-45
      ^^^^^^^^^^`},
		{"too deep", "version = 1\n[stages]\nx = " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n", `
p.toml:3:1: stages.x must be a table, found an array
  x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
  ^
  write [stages.x]

p.toml:3:35: more than 32 tables and arrays in each other
  x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
                                    ^`},
		{"use", "version = 1\n[stages.a]\nuse = 3\n[stages.b]\nuse = \"\"\n", `
p.toml:3:7: expected a string, found the integer 3
  use = 3
        ^

p.toml:5:7: use is empty
  use = ""
        ^^
  leave it out: the table's name is the default`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := read(t, tt.src)
			if diff := cmp.Diff(trim(tt.want), got); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRead_gives_the_file_unless_it_is_no_TOML(t *testing.T) {
	f, err := Read("p.toml", []byte("version = 1\n[stages.a]\nx = 1\n[nonsense]\n"))
	if f == nil || err == nil || len(f.Diagnostics()) != 1 {
		t.Fatalf("got file %v, error %v; want both", f, err)
	}
	if f, err = Read("p.toml", []byte("version =\n")); f != nil || err == nil {
		t.Fatalf("got file %v, error %v; want the error alone", f, err)
	}
}

func TestRead_refuses_what_is_too_large(t *testing.T) {
	_, got := read(t, "version = 1\n#"+strings.Repeat("x", MaxSize))
	if want := "p.toml: the file has more than 1048576 bytes\n  divide it into several files"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipelines.toml")
	if err := os.WriteFile(path, []byte("version = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil || f.Dir() != dir || f.Name() != path {
		t.Errorf("got %v, dir %q, name %q", err, f.Dir(), f.Name())
	}
	_, err = Load(filepath.Join(dir, "none.toml"))
	if err == nil || !strings.Contains(err.Error(), "none.toml: there is no such file") {
		t.Errorf("got %v", err)
	}
	if _, err = Load(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("got %v", err)
	}
}

func TestFile_tables_stand_in_the_order_of_the_file(t *testing.T) {
	f := mustRead(t, "version = 1\n[credentials.z]\n[stages.b]\n[credentials.a]\n[credentials.\"x.y\"]\n")
	var got []string
	for _, s := range f.Tables("credentials") {
		got = append(got, s.Name()+" "+s.Path())
	}
	want := []string{"z credentials.z", "a credentials.a", `x.y credentials."x.y"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s, ok := f.Table("credentials", "none"); ok || !s.IsZero() || s.Has("x") || s.Keys() != nil {
		t.Errorf("got %v, %v for a table that is not there", s, ok)
	}
	if d := f.Diagnose([]string{"stages", "b", "x"}, "", "no x"); d.Line != 3 || d.Path != "stages.b.x" {
		t.Errorf("got %+v", d)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"max_attempts", "max_delay", "base", "on"}
	for name, want := range map[string]string{
		"max_atempts": "max_attempts", "Max-Attempts": "max_attempts", "max_dealy": "max_delay", "bsae": "base", "no": "on",
		"x": "", "retries": "", "": "", "basement": "",
	} {
		if got, ok := Nearest(name, known); got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
}
