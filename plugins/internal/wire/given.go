package wire

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

// Given are headers as they came off the wire, grouped by name: what they were, whatever becomes of the http.Header that was made of them.
type Given []GivenHeader

// GivenHeader is one value of a header, whose name is canonical.
type GivenHeader struct{ Name, Value string }

// ReadHeaders reads headers whose bytes nobody changes: the texts share memory with them. names makes a name canonical.
func ReadHeaders(list []*Header, names *Names) (http.Header, Given) {
	h, values, given := make(http.Header, len(list)), make([]string, len(list)), make(Given, len(list))
	apart := false
	for i, one := range list {
		name, value := names.Get(one.GetName()), alias(one.GetValue())
		given[i], values[i] = GivenHeader{name, value}, value
		switch {
		case i > 0 && given[i-1].Name == name:
			h[name] = append(h[name], value)
			continue
		case h[name] != nil:
			apart = true
			h[name] = append(h[name], value)
			continue
		}
		h[name] = values[i : i+1 : i+1]
	}
	if apart {
		slices.SortStableFunc(given, func(a, b GivenHeader) int { return strings.Compare(a.Name, b.Name) })
	}
	return h, given
}

// All yields each name with its values.
func (g Given) All() iter.Seq2[string, Given] {
	return func(yield func(string, Given) bool) {
		for from := 0; from < len(g); {
			to := from + 1
			for to < len(g) && g[to].Name == g[from].Name {
				to++
			}
			if !yield(g[from].Name, g[from:to:to]) {
				return
			}
			from = to
		}
	}
}

// Has reports whether there is one of that name.
func (g Given) Has(name string) bool {
	for i := range g {
		if g[i].Name == name {
			return true
		}
	}
	return false
}

// Equal reports whether these, of one name, have the values.
func (g Given) Equal(values []string) bool {
	for i := range g {
		if i == len(values) || g[i].Value != values[i] {
			return false
		}
	}
	return len(g) == len(values)
}
