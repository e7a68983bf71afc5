package redact

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Rules add to what a Redactor does by itself. They never take away: a header or parameter whose name says that it is
// secret stays masked, also when it is listed here.
type Rules struct {
	Headers []string // headers whose values show, beside the usual harmless ones
	Query   []string // query parameters whose values show, beside the usual harmless ones; case counts
	Keys    []string // JSON keys, form fields and parameters that are secret, beside those whose names say so
}

// Redactor removes secrets from headers, URLs, bodies and text. It is safe for concurrent use. Make it with [New]; one
// serves a whole program, so that what one pipeline learns is masked in every log.
type Redactor struct {
	headers map[string]bool // canonical names; holds no secret name
	query   map[string]bool // holds no secret name
	keys    map[string]bool // folded, without separators
	memory  *memory
}

// New returns a Redactor that has learnt nothing yet.
func New(rules Rules) *Redactor {
	r := &Redactor{headers: map[string]bool{}, query: map[string]bool{}, keys: map[string]bool{}, memory: new(memory)}
	r.add(rules, harmlessHeaders(), harmlessParams())
	return r
}

// Format writes nothing of what the Redactor knows, whatever the verb.
func (r *Redactor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "redactor") }

// With returns a Redactor that keeps to further rules beside those of r: what the new keys call secret shows no more. Both know
// what either learns.
func (r *Redactor) With(rules Rules) *Redactor {
	own := &Redactor{headers: maps.Clone(r.headers), query: maps.Clone(r.query), keys: maps.Clone(r.keys), memory: r.memory}
	own.add(rules, nil, nil)
	maps.DeleteFunc(own.headers, func(h string, _ bool) bool { return own.secretHeader(h) })
	maps.DeleteFunc(own.query, func(q string, _ bool) bool { return own.secretParam(q) })
	return own
}

// add takes in rules, and names that are harmless unless a key of the rules says otherwise.
func (r *Redactor) add(rules Rules, headers, params []string) {
	for _, k := range rules.Keys {
		r.keys[string(squeeze(foldName(nil, k)))] = true
	}
	for _, h := range slices.Concat(headers, rules.Headers) {
		if h = textproto.CanonicalMIMEHeaderKey(h); !r.secretHeader(h) {
			r.headers[h] = true
		}
	}
	for _, q := range slices.Concat(params, rules.Query) {
		if !r.secretParam(q) {
			r.query[q] = true
		}
	}
}

// Header returns what may be shown of a header's value in production: the value, free of what Text would mask, if the
// header is allow-listed; the scheme alone of WWW-Authenticate and Proxy-Authenticate; else [Mask]. An empty value stays
// empty.
func (r *Redactor) Header(name, value string) string { return r.header(name, value, false) }

// Headers yields names and values in the order of their names, several values of one name joined by ", ". Values are as
// [Redactor.Header] gives them; with all (the development profile) every header shows that is not secret by its name.
func (r *Redactor) Headers(h http.Header, all bool) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			var value string
			switch v := h[name]; len(v) {
			case 0:
				continue
			case 1:
				value = r.header(name, v[0], all)
			default:
				shown := make([]string, len(v))
				for i := range v {
					shown[i] = r.header(name, v[i], all)
				}
				value = strings.Join(shown, ", ")
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

func (r *Redactor) header(name, value string, all bool) string {
	if value == "" {
		return ""
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "Www-Authenticate", "Proxy-Authenticate":
		return r.Text(scheme(value))
	case "Location", "Content-Location", "Referer":
		if u, err := url.Parse(value); err == nil {
			return r.URL(u, all)
		}
		return Mask
	}
	if r.headers[name] || all && !r.secretHeader(name) {
		return r.Text(value)
	}
	return Mask
}

// scheme keeps the first word of a challenge and marks that there was more.
func scheme(challenge string) string {
	word, rest, _ := strings.Cut(strings.TrimSpace(challenge), " ")
	for i := range len(word) {
		if c := word[i]; !isAlnum(c) && c != '-' {
			return Mask
		}
	}
	if rest == "" || len(word) > 32 {
		return word[:min(len(word), 32)]
	}
	return word + " " + Mask
}

func harmlessHeaders() []string {
	return []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Age", "Allow", "Cache-Control", "Connection",
		"Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Type", "Date",
		"Deprecation", "Etag", "Expect", "Expires", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Keep-Alive", "Last-Modified", "Origin", "Pragma", "Range", "Ratelimit", "Ratelimit-Limit",
		"Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset", "Request-Id", "Retry-After", "Server", "Server-Timing",
		"Sunset", "Traceparent", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via", "Warning",
		"X-Correlation-Id", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Request-Id",
	}
}

func harmlessParams() []string {
	return []string{"page", "per_page", "page_size", "limit", "offset", "sort", "order", "format", "version", "api-version"}
}
