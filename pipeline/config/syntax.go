package config

import (
	"regexp"
	"strings"
)

// headerLine is a line that can hardly be anything but a table's header.
var headerLine = regexp.MustCompile(`(?m)^[ \t]*\[\[?[ \t]*[A-Za-z0-9_-]+([ \t]*\.[ \t]*([A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*[ \t]*\]\]?[ \t]*(#.*)?\r?$`)

// recover reports a syntax error and returns where to go on, or -1. The failed expression begins after done; the parser was last
// set on at start. An error on the line where its expression begins costs that line; one further down costs everything up to the next header.
func (t *tree) recover(sp span, message string, start, done int) int {
	message, hint := explain(message)
	t.report(sp, nil, hint, "%s", message)

	if done > start { // what is left of the last good line
		_, _, done = t.src.line(done)
	}
	begin := t.skip(done)
	beginLine, beginStart, _ := t.src.line(begin)
	errLine, errStart, _ := t.src.line(sp.start)
	if strings.HasPrefix(strings.TrimLeft(t.src.text[min(beginStart, len(t.data)):], " \t"), "[") {
		t.at, t.path = newTable(byHeader, span{}), nil
	}
	if beginLine == errLine && errLine+1 < len(t.src.lines) {
		return t.src.lines[errLine+1]
	}
	if beginLine == errLine {
		return -1
	}
	if next := headerLine.FindStringIndex(t.src.text[errStart:]); next != nil {
		return errStart + next[0]
	}
	return -1
}

// explain rewords what go-toml says where that leaves the reader guessing.
func explain(message string) (better, hint string) {
	switch {
	case message == "strings must be quoted":
		return "a text must stand in quotes", `as in "20s"`
	case strings.Contains(message, "at start of value"):
		return message, `a text must stand in quotes: key = "value"`
	case message == "basic strings cannot have new lines", message == "literal strings cannot have new lines":
		return "the text is not closed by a quote on this line", ""
	case message == "expected '=' after key":
		return message, "write key = value, or [table] for a table"
	}
	return message, ""
}
