package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func section(t *testing.T, body string) Section {
	t.Helper()
	f := mustRead(t, "version = 1\n[stages.a]\n"+body)
	s, _ := f.Table("stages", "a")
	return s
}

func TestDecode_fills_over_the_defaults(t *testing.T) {
	shared := map[string]string{"X-A": "1"}
	inner := &rule{Kind: "client"}
	got := sample{Attempts: 3, Base: time.Second, Hints: []string{"old"}, Set: shared, Inner: inner}
	ds := section(t, `
use = "x"
when = "host's"
small = -128
port = 65535
rate = 2
on = true
level = "debug"
base = "1.5s"
hints = ["a", "b"]
set.X-B = "2"
any = { a = [1, 2.5, true] }
inner = { match = "é" }
password = { env = "P" }
[[stages.a.rules]]
match = "x"
kind = "server"
`).Decode(&got, "use", "when")
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	want := sample{
		common: common{Level: "debug"}, Attempts: 3, Small: -128, Port: 65535, Rate: 2, On: true, Base: 1500 * time.Millisecond,
		Hints: []string{"a", "b"}, Set: map[string]string{"X-A": "1", "X-B": "2"}, Rules: []rule{{expression{"x"}, "server"}},
		Password: secret{"P"}, Inner: &rule{expression{"é"}, "client"}, Any: map[string]any{"a": []any{int64(1), 2.5, true}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{}, expression{}, secret{}, rule{}, common{})); diff != "" {
		t.Error(diff)
	}
	if len(shared) != 1 || inner.Match.text != "" {
		t.Errorf("the shared defaults were written to: %v %v", shared, inner)
	}
	if ds := (Section{}).Decode(&got); len(ds) > 0 {
		t.Errorf("a table that is not there: %v", ds)
	}
}

func TestDecode_reports_everything_at_once(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"unknown keys", "max_atempts = 1\nMax-Attempts = 2\nzzz = 1\nrules = [{ kind = \"x\", knid = 1 }]\n", `
p.toml:3:1: unknown key max_atempts
  max_atempts = 1
  ^^^^^^^^^^^
  did you mean max_attempts?

p.toml:4:1: unknown key Max-Attempts
  Max-Attempts = 2
  ^^^^^^^^^^^^
  did you mean max_attempts?

p.toml:5:1: unknown key zzz
  zzz = 1
  ^^^
  known keys: any, base, hints, inner, level, max_attempts, on, password, port, rate, rules, set, small, use, when

p.toml:6:24: unknown key knid
  rules = [{ kind = "x", knid = 1 }]
                         ^^^^
  did you mean kind?`},
		{"wrong types", "max_attempts = \"5\"\nsmall = 128\nport = -1\nrate = true\non = \"yes\"\nbase = 5\nhints = \"a\"\nset = [1]\nrules = [1, { kind = 3 }]\nlevel = 2026-01-02\ninner = {}\n", `
p.toml:3:16: expected an integer, found the string "5"
  max_attempts = "5"
                 ^^^

p.toml:4:9: 128 does not fit: write an integer from -128 to 127
  small = 128
          ^^^

p.toml:5:8: -1 does not fit: write an integer from 0 to 65535
  port = -1
         ^^

p.toml:6:8: expected a number, found the boolean true
  rate = true
         ^^^^

p.toml:7:6: expected true or false, found the string "yes"
  on = "yes"
       ^^^^^

p.toml:8:8: a duration needs a unit: "5s"
  base = 5
         ^
  write "5s"

p.toml:9:9: expected an array, found the string "a"
  hints = "a"
          ^^^
  write ["a"]

p.toml:10:7: expected a table, found an array
  set = [1]
        ^^^

p.toml:11:10: expected a table, found the integer 1
  rules = [1, { kind = 3 }]
           ^

p.toml:11:22: expected a string, found the integer 3
  rules = [1, { kind = 3 }]
                       ^

p.toml:12:9: expected a string, found a date or time
  level = 2026-01-02
          ^^^^^^^^^^

p.toml:13:9: a rule needs a kind
  inner = {}
          ^^`},
		{"tables in place of arrays", "hints = { a = 1 }\n[stages.a.rules]\nkind = \"x\"\n", `
p.toml:3:9: expected an array, found a table
  hints = { a = 1 }
          ^^^^^^^^^
  write [{ … }]

p.toml:4:2: expected an array, found a table
  [stages.a.rules]
   ^^^^^^^^^^^^^^
  a table of an array begins with two brackets: [[…]]`},
		{"durations", "base = \"5\"\n[stages.a.set]\nx = 1.5\n[stages.a.inner]\nkind=\"none\"\n", `
p.toml:3:8: "5" is not a duration
  base = "5"
         ^^^
  write a number and a unit: "1.5s", "250ms", "2m"

p.toml:5:5: expected a string, found the number 1.5
  x = 1.5
      ^^^

p.toml:7:8: none is no kind
  kind="none"
         ^^`},
		{"inside a string", "when = \"höst == bad\"\ninner = { kind = \"x\", match = 'a \\ bad' }\n[[stages.a.rules]]\nkind = \"x\"\nmatch = \"\"\"\n\tone \\u00e9 \\\n\t  two &&\n\tbad\"\"\"\n", `
p.toml:3:17: unknown name bad
  when = "höst == bad"
                  ^^^

p.toml:4:36: unknown name bad
  inner = { kind = "x", match = 'a \ bad' }
                                     ^^^

p.toml:10:2: unknown name bad
  	bad"""
  	^^^`},
		{"a secret is not shown, nor by its neighbours", "inner = { kind = 5, match = \"bad\" }\nset = { password = 5 }\npassword = \"hunter2\" # x\n", `
p.toml:3:18: expected a string, found the integer 5
  inner = { kind = 5, match = "bad" }
                   ^

p.toml:3:30: unknown name bad
  inner = { kind = 5, match = "bad" }
                               ^^^

p.toml:4:20: expected a string, found the integer 5
  set = { password = 5 }
                     ^

p.toml:5:12: a secret may not stand here
  password = ********* # x
             ^^^^^^^^^
  write { env = "NAME" }`},
		{"a path below a value that judges itself", "password = { env = 5 }\n", `
p.toml:3:20: env must be a string
  password = { env = 5 }
                     ^`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := section(t, tt.body).Decode(&sample{}, "use").Error()
			if diff := cmp.Diff(trim(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_places_what_Validate_returns(t *testing.T) {
	s := section(t, "max_attempts = 0\nhints = [\"a\",\n \"b\"]\nset = { \"x.y\" = \"1\" }\nbase = 5\n")
	failure := errors.Join(
		placed{path: "max_attempts", text: "at least 1", hint: "write 1"},
		fmt.Errorf("hints: %w", placed{path: "hints[1]", text: "b is no hint", offset: -1}),
		errors.Join(placed{path: `set."x.y"`, text: "no", offset: -1}, placed{path: "when", text: "when is missing"}),
		placed{path: "base", text: "follows from the number and is left out"},
		errors.New("follows perhaps and is left out"),
	)
	got := s.Decode(&sample{failure: failure}).Error()
	want := trim(`
p.toml:2:2: when is missing
  [stages.a]
   ^^^^^^^^

p.toml:3:16: at least 1
  max_attempts = 0
                 ^
  write 1

p.toml:5:2: hints: b is no hint
   "b"]
   ^^^

p.toml:6:17: no
  set = { "x.y" = "1" }
                  ^^^

p.toml:7:8: a duration needs a unit: "5s"
  base = 5
         ^
  write "5s"`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = section(t, "").DiagnoseError(fmt.Errorf("%w: %w", errors.New("one"), errors.New("text"))).Error()
	if want := "p.toml:2:2: one: text\n  [stages.a]\n   ^^^^^^^^"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestDecode_ten_mistakes_in_one_section_have_ten_paths(t *testing.T) {
	ds := section(t, "a = 1\nb = 1\nc = 1\nmax_attempts = \"x\"\nbase = 5\non = 1\nhints = [1]\nrules = [{ kind = 1 }]\nport = 70000\nset.x = 1\n").Decode(&sample{})
	var got []string
	for _, d := range ds.Sort() {
		got = append(got, d.Path)
	}
	want := []string{"a", "b", "c", "max_attempts", "base", "on", "hints[0]", "rules[0].kind", "port", "set.x"}
	for i := range want {
		want[i] = "stages.a." + want[i]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSection_only_and_without(t *testing.T) {
	s := section(t, "x = 1\ny = \"t\"\nz = [10, 20]\n")
	if diff := cmp.Diff([]string{"y"}, s.Only("y", "q").Keys()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"x", "z"}, s.Without("y").Keys()); diff != "" {
		t.Error(diff)
	}
	if v, ok := s.Value("z", "1"); v != int64(20) || !ok {
		t.Errorf("got %v", v)
	}
	if v, ok := s.Value("z", "[2]"); ok {
		t.Errorf("got %v", v)
	}
	if text, ok := s.Text("x"); ok {
		t.Errorf("an integer is no text: %q", text)
	}
	if text, ok := s.Text("y"); text != "t" || !ok {
		t.Errorf("got %q", text)
	}
}

// A text with blanks in it was meant for several elements: a command, or scopes.
func TestDecode_hint_of_an_array(t *testing.T) {
	f, err := Read("p.toml", []byte("version = 1\n[credentials.c]\ncommand = \"gcloud auth  print\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := f.Table("credentials", "c")
	var c struct {
		Command []string `toml:"command"`
	}
	if got, want := s.Decode(&c).Err().Error(), `write ["gcloud", "auth", "print"]`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
