package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/leatdev/leat/plugins/check"
)

// ruleLines prints what became of the rules of a plugin.
type ruleLines struct {
	w       io.Writer
	width   int  // of the longest id
	columns int  // of the terminal; 0: it is none
	only    bool // one rule alone was asked for

	skipped []ruleShown
}

// print prints the line of a rule, and what belongs to it. Those that could not be tried come at the end, by untried.
func (l *ruleLines) print(one ruleShown) {
	switch {
	case one.Status == check.Skipped && !l.only:
		l.skipped = append(l.skipped, one)
	case one.Status == check.Skipped:
		l.line(paint(l.w, color.FgYellow, "skip"), one.Rule, one.Reason)
	case one.Status == check.Fail && one.Known:
		l.line(paint(l.w, color.FgYellow, "KNWN"), one.Rule, strings.Join(one.Seen, "; "))
	case one.Status == check.Fail:
		l.line(paint(l.w, color.FgRed, "FAIL"), one.Rule, one.Seen[0])
		for _, more := range one.Seen[1:] {
			l.under("", more)
		}
		l.under("→ ", one.Advice)
	default:
		l.line("ok  ", one.Rule, l.cut(strings.TrimSuffix(one.Sentence, ".")))
	}
	for _, text := range one.Remarks {
		l.under(paint(l.w, color.FgYellow, "!")+" ", text)
	}
}

// narrow reports whether texts have no room beside the ids.
func (l *ruleLines) narrow() bool { return l.columns > 0 && l.columns < l.indent()+30 }

func (l *ruleLines) indent() int { return l.width + 9 }

// line prints a text beside a rule's id.
func (l *ruleLines) line(word, id, text string) {
	if l.narrow() {
		fmt.Fprintf(l.w, "  %s %s\n", word, id)
		l.under("", text)
		return
	}
	fmt.Fprintf(l.w, "  %s %-*s  %s\n", word, l.width, id, strings.TrimLeft(l.wrapped(text, l.indent()), " "))
}

// under prints a text below one.
func (l *ruleLines) under(mark, text string) {
	indent := l.indent()
	if l.narrow() {
		indent = 7
	}
	fmt.Fprintln(l.w, strings.Repeat(" ", indent)+mark+strings.TrimLeft(l.wrapped(text, indent+2), " "))
}

// wrapped breaks a text for a terminal, each line after an indent.
func (l *ruleLines) wrapped(text string, indent int) string {
	if l.columns == 0 {
		return text
	}
	return wrap(text, l.columns, strings.Repeat(" ", indent))
}

// cut shortens the sentence of a rule that is kept to one line of a terminal.
func (l *ruleLines) cut(text string) string {
	room := l.columns - l.indent()
	if l.columns == 0 || l.narrow() || utf8.RuneCountInString(text) <= room {
		return text
	}
	text = string([]rune(text)[:room-1])
	if i := strings.LastIndexByte(text, ' '); i > 0 {
		text = text[:i]
	}
	return strings.TrimRight(text, " ,;:") + "…"
}

// mostIDs is how many rules of one reason are named.
const mostIDs = 10

// untried prints the rules that could not be tried, by why.
func (l *ruleLines) untried() {
	var reasons, apart []string
	byReason := map[string][]string{}
	shows := 0
	for _, one := range l.skipped {
		if one.Takes == "" {
			if byReason[one.Reason] == nil {
				reasons = append(reasons, one.Reason)
			}
			byReason[one.Reason] = append(byReason[one.Reason], one.Rule)
			continue
		}
		if shows++; shows == 1 {
			fmt.Fprintln(l.w, "  not tried, for no stage does it:")
		}
		text := l.wrapped(one.Takes, l.indent())
		fmt.Fprintf(l.w, "       %-*s  %s\n", l.width, one.Rule, strings.TrimLeft(text, " "))
		if _, more, ok := strings.Cut(one.Reason, "; "); ok && !slices.Contains(apart, more) {
			apart = append(apart, more)
		}
	}
	for _, text := range apart {
		fmt.Fprintln(l.w, "  "+strings.TrimLeft(l.wrapped(text, 4), " "))
	}
	for _, reason := range reasons {
		ids := byReason[reason]
		fmt.Fprintln(l.w, "  "+strings.TrimLeft(l.wrapped(plural(len(ids), "rule")+" could not be tried: "+reason, 4), " "))
		if len(ids) <= mostIDs {
			fmt.Fprintln(l.w, "       "+strings.TrimLeft(l.wrapped(strings.Join(ids, ", "), 7), " "))
		}
	}
}
