package wire

import (
	"net/http"
	"strings"
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

// HeadersFrom reads headers off the wire.
func HeadersFrom(list []*Header) http.Header {
	h := make(http.Header, len(list))
	for _, one := range list {
		name := http.CanonicalHeaderKey(one.GetName())
		h[name] = append(h[name], string(one.GetValue()))
	}
	return h
}
