package wire

import (
	"net/http"
	"slices"
	"strings"
)

// Given are headers as they came off the wire, grouped by name: what they were, whatever becomes of the http.Header that was made of them.
type Given []GivenHeader

// GivenHeader is one value of a header, whose name is canonical.
type GivenHeader struct{ Name, Value string }

// Headers returns the headers of a Do's request. Their texts share memory with the frame's bytes, which nobody changes. names makes a name
// canonical.
func (in *Incoming) Headers(names *Names) (http.Header, Given) {
	if in.usual != nil {
		return slices.Clone(in.usual.headers).read(names)
	}
	return ReadHeaders(in.GetDo().GetRequest().GetHeaders(), names)
}

// ReadHeaders reads headers whose bytes nobody changes: the texts share memory with them. names makes a name canonical.
func ReadHeaders(list []*Header, names *Names) (http.Header, Given) {
	given := make(Given, len(list))
	for i, one := range list {
		given[i] = GivenHeader{one.GetName(), alias(one.GetValue())}
	}
	return given.read(names)
}

// read makes the names canonical, and an http.Header of it all.
func (g Given) read(names *Names) (http.Header, Given) {
	h, values, apart := make(http.Header, len(g)), make([]string, len(g)), false
	for i := range g {
		name := names.Get(g[i].Name)
		g[i].Name, values[i] = name, g[i].Value
		if i > 0 && g[i-1].Name == name {
			h[name] = append(h[name], values[i])
			continue
		}
		known := len(h)
		if h[name] = values[i : i+1 : i+1]; len(h) == known { // it was there already
			apart, h[name] = true, g[:i+1].values(name)
		}
	}
	if apart {
		slices.SortStableFunc(g, func(a, b GivenHeader) int { return strings.Compare(a.Name, b.Name) })
	}
	return h, g
}

// values are those of one name.
func (g Given) values(name string) (list []string) {
	for i := range g {
		if g[i].Name == name {
			list = append(list, g[i].Value)
		}
	}
	return list
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
