package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// row is one line of the table: a case, a habit, and what the upstream saw with each of the two.
type row struct{ what, habit, withHabit, withLeat string }

var heads = row{"case", "the plain habit", "the upstream saw", "with leat it saw"}

func (r row) cells() []string { return []string{r.what, r.habit, r.withHabit, r.withLeat} }

// printText writes aligned columns.
func printText(w io.Writer, rows []row) error {
	lines := [][]string{heads.cells()}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, cells := range lines {
		var b strings.Builder
		for i, cell := range cells {
			fmt.Fprintf(&b, "%-*s", widths[i]+2, cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// printMarkdown writes a table as README.md embeds it.
func printMarkdown(w io.Writer, rows []row) error {
	lines := []string{markdownLine(heads.cells()), "|" + strings.Repeat(" --- |", len(heads.cells()))}
	for _, r := range rows {
		lines = append(lines, markdownLine(r.cells()))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func markdownLine(cells []string) string {
	return "| " + strings.Join(cells, " | ") + " |"
}

// number writes n with its noun: "no caller", "1 POST", "3 POSTs".
func number(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + one
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
