package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Position is a place in a file. Line and Column begin at 1; Column counts runes. The zero value means unknown, as for a value
// that the environment set.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// IsZero reports whether the position is unknown.
func (p Position) IsZero() bool { return p.Line == 0 }

// Diagnostic is one mistake in a configuration: where it is, what is wrong and, as a hint, what to do.
type Diagnostic struct {
	// File is the file's name as it was given to Read, or "env NAME" or "--set PATH" for a value that came from there.
	File string `json:"file"`
	Position
	// Length is how many runes of the line are meant, at least 1 where the position is known.
	Length int `json:"length"`
	// Source is the line of the file, without its line end.
	Source string `json:"source,omitempty"`
	// Path is the dotted path of the key as it is written, "pipelines.api.override.retry.max_attempts"; "" if there is none.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// maxShown bounds how many runes of a long line Error prints.
const maxShown = 160

// Error returns "file:line:column: message", below it the source line with carets under what is meant, and the hint.
func (d Diagnostic) Error() string {
	var b strings.Builder
	b.WriteString(printable(d.File))
	if d.Line > 0 {
		b.WriteString(":" + strconv.Itoa(d.Line) + ":" + strconv.Itoa(d.Column))
	}
	b.WriteString(": " + printable(d.Message))
	if d.Line > 0 && d.Source != "" {
		d.quote(&b)
	}
	if d.Hint != "" {
		b.WriteString("\n  " + printable(d.Hint))
	}
	return b.String()
}

// quote writes the source line and the carets. Tabs before the caret are repeated as tabs, so that it stands right whatever
// their width.
func (d Diagnostic) quote(b *strings.Builder) {
	line := []rune(printable(d.Source))
	column := min(d.Column-1, len(line))
	length := max(1, min(d.Length, len(line)-column))
	before, after := "", ""
	if from := column - maxShown/2; len(line) > maxShown && from > 0 {
		line, column, before = line[from:], column-from, "…"
	}
	if len(line) > maxShown {
		line, after = line[:maxShown], "…"
		length = max(1, min(length, maxShown-column))
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, before+string(line[:column]))
	b.WriteString("\n  " + before + string(line) + after)
	b.WriteString("\n  " + pad + strings.Repeat("^", length))
}

// printable replaces, rune by rune, what could move a terminal's cursor.
func printable(s string) string {
	clean := func(r rune) bool { return r == '\t' || r != utf8.RuneError && !unicode.IsControl(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if clean(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// Diagnostics are all mistakes that were found in one run. An empty list is no error: return Err, not the list, as an error.
type Diagnostics []Diagnostic

// Err returns the list, sorted, as an error, or nil if it is empty.
func (ds Diagnostics) Err() error {
	if len(ds) == 0 {
		return nil
	}
	return ds.Sort()
}

// Error prints every diagnostic, sorted, with an empty line between two.
func (ds Diagnostics) Error() string {
	texts := make([]string, 0, len(ds))
	for _, d := range ds.Sort() {
		texts = append(texts, d.Error())
	}
	return strings.Join(texts, "\n\n")
}

// Unwrap returns the diagnostics one by one, for errors.As.
func (ds Diagnostics) Unwrap() []error {
	errs := make([]error, len(ds))
	for i, d := range ds {
		errs[i] = d
	}
	return errs
}

// Sort returns a copy in the order of file and position. Repeats are dropped: a mistake in a table that several pipelines
// share is found once for each of them.
func (ds Diagnostics) Sort() Diagnostics {
	sorted := slices.Clone(ds)
	slices.SortStableFunc(sorted, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(sorted)
}

// rank puts what has a position before what came from outside the file.
func rank(d Diagnostic) int {
	if d.Line > 0 {
		return 0
	}
	return 1
}
