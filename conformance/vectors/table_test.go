package vectors_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// table is a file whose cases have inputs of one shape and outputs of another.
type table[In, Out any] struct {
	file  string
	text  string // what a case is, for whoever reads the file alone
	rules []string
	run   func(t *testing.T, in In) Out
	check func(in In, out Out) string // what is wrong with an output, judged without the code that made it; "" if nothing
	cases []sample[In, Out]
}

type sample[In, Out any] struct {
	name string
	in   In
	want *Out // written by hand; nil: the implementation alone says
}

func (f table[In, Out]) about() (name string, rules []string) { return f.file, f.rules }

func (f table[In, Out]) generate(t *testing.T) []byte {
	d := document{About: f.text, Rules: f.rules}
	names, byHand := map[string]bool{}, 0
	for _, c := range f.cases {
		out := f.run(t, c.in)
		if c.want != nil {
			byHand++
			if diff := cmp.Diff(*c.want, out); diff != "" {
				t.Errorf("%s: (- by hand, + implementation)\n%s", c.name, diff)
			}
		}
		if wrong := f.check(c.in, out); wrong != "" {
			t.Errorf("%s: %s\nin  %s\nout %s", c.name, wrong, line(t, c.in), line(t, out))
		}
		if names[c.name] || c.name == "" {
			t.Errorf("two cases are called %q", c.name)
		}
		names[c.name] = true
		keeps(t, c.name, c.in)
		keeps(t, c.name, out)
		d.Cases = append(d.Cases, encoded{name: line(t, c.name), in: line(t, c.in), out: line(t, out)})
	}
	if byHand < minByHand {
		t.Errorf("%d outputs are written by hand, want at least %d", byHand, minByHand)
	}
	return d.bytes(t)
}

// keeps checks that JSON holds all of v: whoever reads the file sees what was run.
func keeps[V any](t *testing.T, name string, v V) {
	t.Helper()
	var back V
	d := json.NewDecoder(bytes.NewReader(line(t, v)))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if diff := cmp.Diff(v, back); diff != "" {
		t.Errorf("%s: JSON changes it (- before, + after):\n%s", name, diff)
	}
}

// document is a file as it is written: a case's name, input and output take a line each, or a long one a line for each member.
type document struct {
	About string
	Rules []string
	Cases []encoded
}

type encoded struct{ name, in, out []byte }

func (d document) bytes(t *testing.T) []byte {
	var b bytes.Buffer
	write := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	write("{\n  \"about\": ", string(line(t, d.About)), ",\n  \"rules\": ", string(line(t, d.Rules)), ",\n  \"cases\": [\n")
	for i, c := range d.Cases {
		write("    {\n      \"name\": ", string(c.name), ",\n      \"in\": ", folded(t, c.in), ",\n      \"out\": ", folded(t, c.out), "\n    }")
		if i < len(d.Cases)-1 {
			write(",")
		}
		write("\n")
	}
	write("  ]\n}\n")
	if !json.Valid(b.Bytes()) {
		t.Fatalf("not JSON:\n%s", b.Bytes())
	}
	return b.Bytes()
}

// line is v as JSON on one line, with a space behind colons and commas.
func line(t *testing.T, v any) []byte {
	t.Helper()
	var plain, spaced bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&spaced, plain.Bytes(), "", ""); err != nil {
		t.Fatal(err)
	}
	out := bytes.TrimSpace(spaced.Bytes())
	out = bytes.ReplaceAll(out, []byte(",\n"), []byte(", ")) // within a text a line's end is written \n
	return bytes.ReplaceAll(out, []byte("\n"), nil)
}

const width = 150

// folded breaks an object that is too long for one line between its members.
func folded(t *testing.T, object []byte) string {
	t.Helper()
	const indent = "\n        "
	if utf8.RuneCount(object) <= width {
		return string(object)
	}
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	out := "{"
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if out != "{" {
			out += ","
		}
		out += indent + string(line(t, key)) + ": " + string(value)
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than an object: %s", object)
	}
	return out + "\n      }"
}
