package config

import (
	"slices"
	"strings"
)

// Nearest returns the one of known that name was most likely meant to be: it differs only in case or in - and _, or by few
// letters. It reports false if none is near enough.
func Nearest(name string, known []string) (string, bool) {
	want := []rune(fold(name))
	best, found := "", false
	limit := 1 + len(want)/4
	if len(want) < 3 {
		limit = 1
	}
	for _, k := range known {
		candidate := []rune(fold(k))
		if diff := len(candidate) - len(want); diff > limit || -diff > limit {
			continue
		}
		// A name that shares nothing with what was written would be a riddle, not a help.
		if d := distance(want, candidate); d <= limit && d < max(len(want), len(candidate)) && (d < limit || !found) {
			best, found, limit = k, true, d
		}
	}
	return best, found
}

// fold makes names equal that differ only in case or in - and _.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// distance counts the insertions, deletions, replacements and swaps of neighbours that make b out of a.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// suggest words the hint for an unknown name: the nearest one, or all of them.
func suggest(name, all string, known []string) string {
	if near, ok := Nearest(name, known); ok {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(known))
	const most = 30
	if len(sorted) > most {
		sorted = append(sorted[:most], "…")
	}
	return all + ": " + strings.Join(sorted, ", ")
}
