package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// shortestBar is how wide the bars are at least, however narrow the screen is.
const shortestBar = 10

// drawTrace draws spans as a waterfall, within the width of the terminal or 80 columns.
func drawTrace(w io.Writer, spans []spanReport) {
	end, depth := 0.0, map[string]int{}
	for _, s := range spans {
		end = max(end, s.StartMS+s.DurationMS)
		if d, ok := depth[s.Parent]; ok {
			depth[s.ID] = d + 1
		} else {
			depth[s.ID] = 0
		}
	}
	if end == 0 {
		return
	}
	names, longest := make([]string, len(spans)), 0
	for i, s := range spans {
		names[i] = strings.Repeat("  ", depth[s.ID]) + s.title()
		longest = max(longest, utf8.RuneCountInString(names[i]))
	}
	room := columns(w, 80) - 1 - len("   ||  99999.9 ms") // a full last column breaks the line on some screens
	name := max(min(longest, room-shortestBar), shortestBar)
	bar := max(min(room-name, 60), shortestBar)
	fmt.Fprintln(w, "trace:")
	for i, s := range spans {
		fmt.Fprintf(w, "  %-*s │%s│ %8.1f ms\n", name, clip(names[i], name), s.bar(end, bar), s.DurationMS)
	}
}

// title is what a span did, in a few words.
func (s spanReport) title() string {
	title := s.Name
	if status, ok := s.Attributes["http.response.status_code"]; ok {
		title += fmt.Sprintf(" → %v", status)
	} else if kind, ok := s.Attributes["error.type"]; ok && s.Kind == "CLIENT" {
		title += fmt.Sprintf(" → %v", kind)
	}
	if s.Attributes["leat.stage.skipped"] == true {
		title += " (skipped)"
	}
	return title
}

// bar draws a span within all that lasted until end.
func (s spanReport) bar(end float64, width int) string {
	from := min(int(s.StartMS/end*float64(width)), width-1)
	size := min(max(int(s.DurationMS/end*float64(width)+0.5), 1), width-from)
	return strings.Repeat(" ", from) + strings.Repeat("█", size) + strings.Repeat(" ", width-from-size)
}

// clip shortens a text to n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
