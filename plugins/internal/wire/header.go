package wire

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// HeadersTo appends the headers that ok lets through, in no order; several values of one name are several entries.
func HeadersTo(out []*Header, h http.Header, ok func(name string) bool) []*Header {
	for name, values := range h {
		if ok != nil && !ok(name) {
			continue
		}
		for _, v := range values {
			out = append(out, &Header{Name: strings.ToLower(name), Value: []byte(v)})
		}
	}
	return out
}

// HeadersFrom reads headers off the wire. Their texts share memory.
func HeadersFrom(list []*Header) http.Header {
	size := 0
	for _, one := range list {
		size += len(one.GetName()) + len(one.GetValue())
	}
	h, values := make(http.Header, len(list)), make([]string, 0, len(list))
	var texts strings.Builder
	texts.Grow(size)
	cut := func(from int) string { return texts.String()[from:] }
	for _, one := range list {
		at := texts.Len()
		canonical(&texts, one.GetName())
		name := cut(at)
		at = texts.Len()
		texts.Write(one.GetValue())
		value := cut(at)
		if old, ok := h[name]; ok {
			h[name] = append(old, value)
			continue
		}
		values = append(values, value)
		n := len(values)
		h[name] = values[n-1 : n : n]
	}
	return h
}

// canonical writes a header's name as http.CanonicalHeaderKey returns it.
func canonical(to *strings.Builder, name string) {
	for i := range len(name) {
		if !httpguts.IsTokenRune(rune(name[i])) {
			to.WriteString(name)
			return
		}
	}
	upper := true
	for i := range len(name) {
		c := name[i]
		switch {
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case !upper && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		to.WriteByte(c)
		upper = c == '-'
	}
}
