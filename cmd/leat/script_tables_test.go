package main

import (
	"slices"
	"strings"
)

// tables is a small TOML file as lines, enough to follow the page's instruction for changing it.
type tables []*oneTable

type oneTable struct {
	header  string // "" before the first
	entries []entry
}

type entry struct{ key, text string }

// merge puts each entry in the place of the one with its key in its table, or adds it.
func (ts *tables) merge(text string) {
	var in *oneTable
	at := -1
	for line := range strings.Lines(text) {
		key, _, assigns := strings.Cut(line, " = ")
		key = strings.TrimSpace(key)
		switch {
		case strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "["):
			in, at = ts.named(strings.TrimSpace(line)), -1
		case assigns && !strings.HasPrefix(line, " "):
			if in == nil {
				in = ts.named("")
			}
			at = slices.IndexFunc(in.entries, func(e entry) bool { return e.key == key })
			if at < 0 {
				at, in.entries = len(in.entries), append(in.entries, entry{key: key})
			}
			in.entries[at].text = line
		default: // a value that goes on
			in.entries[at].text += line
		}
	}
}

func (ts *tables) named(header string) *oneTable {
	i := slices.IndexFunc(*ts, func(t *oneTable) bool { return t.header == header })
	if i < 0 {
		i, *ts = len(*ts), append(*ts, &oneTable{header: header})
	}
	return (*ts)[i]
}

func (ts *tables) String() string {
	var b strings.Builder
	for i, t := range *ts {
		if i > 0 {
			b.WriteString("\n" + t.header + "\n")
		}
		for _, e := range t.entries {
			b.WriteString(e.text)
		}
	}
	return b.String()
}
