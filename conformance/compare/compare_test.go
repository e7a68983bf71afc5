package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const readme = "../../README.md"

func TestTable(t *testing.T) {
	t.Run("in_README_is_what_is_measured", func(t *testing.T) {
		var measured bytes.Buffer
		if err := run(t.Context(), []string{"-o", "markdown"}, &measured); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines(embedded(t)), lines(measured.String())); diff != "" {
			t.Errorf("%s differs from `go run -C conformance/compare . -o markdown` (-README +measured):\n%s", readme, diff)
		}
	})
	t.Run("is_aligned_as_text", func(t *testing.T) {
		var got bytes.Buffer
		if err := printText(&got, []row{{"a", "é", "b c", "d"}, {"long case name", "x", "y", ""}}); err != nil {
			t.Fatal(err)
		}
		want := strings.Join([]string{
			"case            the plain habit  the upstream saw  with leat it saw",
			"a               é                b c               d",
			"long case name  x                y",
			"",
		}, "\n")
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("has_no_other_formats", func(t *testing.T) {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-o", "csv"}, &out); err == nil || out.Len() > 0 {
			t.Errorf("got %v and %q, want an error and nothing written", err, &out)
		}
	})
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// embedded returns what README.md shows of the table.
func embedded(t *testing.T) string {
	t.Helper()
	const begin, end = "<!-- compare:begin -->", "<!-- compare:end -->"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatalf("README.md must show the table between %s and %s: %v", begin, end, err)
	}
	_, rest, found := strings.Cut(string(text), begin)
	table, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s must show the table between %s and %s; put there what `go run -C conformance/compare . -o markdown` prints", readme, begin, end)
	}
	return table
}
