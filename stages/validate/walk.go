package validate

import "encoding/json"

// walker looks for required paths in a decoded body. It serves where the scan can't: a name that stands in an object twice, of
// which the last counts.
type walker struct {
	index [maxEvery]int
	found *violations
}

func (w *walker) walk(n *node, v any) {
	switch n.want {
	case wantObject:
		members, ok := v.(map[string]any)
		if !ok {
			w.found.add(mismatch(n.path(&w.index), sortOf(v), n.want))
			return
		}
		for i, name := range n.names {
			member, ok := members[name]
			if !ok {
				w.found.add(missing(n.below[i].path(&w.index)))
				continue
			}
			w.walk(n.below[i], member)
		}
	case wantList:
		elements, ok := v.([]any)
		if !ok {
			w.found.add(mismatch(n.path(&w.index), sortOf(v), n.want))
			return
		}
		w.elements(n, elements)
	}
}

func (w *walker) elements(n *node, elements []any) {
	placed := 0
	for i, element := range elements {
		child := n.every
		if child != nil {
			w.index[n.level] = i
		}
		if placed < len(n.at) && n.place[placed] == i {
			child = n.at[placed]
			placed++
		}
		if child != nil {
			w.walk(child, element)
		}
	}
	for _, child := range n.at[placed:] {
		w.found.add(missing(child.path(&w.index)))
	}
}

// sortOf names what a decoded value is.
func sortOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case float64, int, json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}
