package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/leatdev/leat/conformance/scenario"
)

// testTables are the tables of a test file, in the order in which a reader meets them.
var testTables = []struct {
	heading string
	table   reflect.Type
}{
	{"The file", reflect.TypeFor[scenario.Document]()},
	{"[[test]]", reflect.TypeFor[scenario.Test]()},
	{"[[test.call]]", reflect.TypeFor[scenario.Call]()},
	{"[test.call.expect]", reflect.TypeFor[scenario.CallExpect]()},
	{"An element of `answers`", reflect.TypeFor[scenario.Answer]()},
	{"[[test.upstream]]", reflect.TypeFor[scenario.Upstream]()},
	{"[test.upstream.expect]", reflect.TypeFor[scenario.UpstreamExpect]()},
	{"[test.tokens.NAME]", reflect.TypeFor[scenario.Tokens]()},
	{"[[test.event]]", reflect.TypeFor[scenario.Event]()},
	{"[test.expect]", reflect.TypeFor[scenario.Expect]()},
	{"An element of `sent`", reflect.TypeFor[scenario.SentExpect]()},
	{"[test.expect.sessions.NAME]", reflect.TypeFor[scenario.SessionExpect]()},
	{"An element of `record`", reflect.TypeFor[scenario.EventExpect]()},
	{"An element of `logs`", reflect.TypeFor[scenario.LogExpect]()},
	{"An element of `spans`", reflect.TypeFor[scenario.SpanExpect]()},
	{"A stage of type `misbehave`", reflect.TypeFor[scenario.MisbehaveConfig]()},
	{"A stage of type `through`", reflect.TypeFor[scenario.ThroughConfig]()},
}

// testPage is the reference of test files.
func testPage(root string) ([]byte, error) {
	s := &source{root: root, packages: map[string]*pkg{}}
	var b bytes.Buffer
	b.WriteString(generated + "# Test files\n\nEvery table and key of a `*.test.toml`. [Testing](testing.md) explains how they are used. A file begins with `version = 1`; it holds\n" +
		"the tables of `pipelines.toml`, or names the file that does.\n\nA *text* is `\"this\"` or a table with `is`, `not`, `contains`, `lacks`, `one_of`, `matches`, `length` or `absent = true`. A *count* is `2` or\n" +
		"`{ min = 1, max = 3 }`, a *time* `\"2s\"` or `{ min = \"2s\", max = \"3s\" }`; each bound may be left out.\n")
	for _, t := range testTables {
		c, _, err := s.of(t.table)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| key | type | meaning |\n| --- | --- | --- |\n", t.heading, plain(opening(c.doc)))
		for f := range t.table.Fields() {
			if key := f.Tag.Get("toml"); key != "" {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, testType(f.Type), cell(predicate(rename(strings.Join(paragraphs(c.fields[f.Name]), " "), t.table), key)))
			}
		}
	}
	return b.Bytes(), nil
}

// opening is the first paragraph of a comment, without the Go name that it begins with.
func opening(doc string) string {
	first := paragraphs(doc)[0]
	_, rest, _ := strings.Cut(first, " is ")
	return capital(rest)
}

// testType says what a test file writes for a Go type.
func testType(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[*scenario.Text](), reflect.TypeFor[scenario.Text]():
		return "text"
	case reflect.TypeFor[*scenario.Count](), reflect.TypeFor[scenario.Count]():
		return "count"
	case reflect.TypeFor[*scenario.Time]():
		return "time"
	case reflect.TypeFor[scenario.Words]():
		return "string or list of strings"
	case reflect.TypeFor[map[string]scenario.Values]():
		return "table of strings or lists of strings"
	case reflect.TypeFor[scenario.Draws]():
		return "number or list of numbers"
	case reflect.TypeFor[any]():
		return "any value"
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct && testType(t.Elem()) == "table" {
			return "list of tables"
		}
		return "list of " + testType(t.Elem()) + "s"
	case reflect.Map:
		return "table of " + testType(t.Elem()) + "s"
	case reflect.Struct:
		return "table"
	}
	one, _ := typeWords(t)
	return one
}
