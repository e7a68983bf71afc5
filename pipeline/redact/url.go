package redact

import (
	"net/url"
	"strings"
)

// URL writes u without userinfo and fragment. The values of query parameters are masked unless the parameter is
// allow-listed; with all (the development profile) only those are that are secret by their name. Learnt values are masked
// everywhere, in the path too. Nil gives "".
func (r *Redactor) URL(u *url.URL, all bool) string {
	if u == nil {
		return ""
	}
	var b strings.Builder
	path := u.EscapedPath()
	b.Grow(len(u.Scheme) + len(u.Host) + len(path) + len(u.RawQuery) + len(u.Opaque) + 8)
	if u.Scheme != "" {
		b.WriteString(u.Scheme)
		b.WriteByte(':')
	}
	switch {
	case u.Opaque != "":
		b.WriteString(r.Text(u.Opaque))
	default:
		if u.Host != "" || u.Scheme != "" && u.Scheme != "mailto" && path != "" && path[0] == '/' {
			b.WriteString("//")
			b.WriteString(u.Host)
			if path != "" && path[0] != '/' {
				b.WriteByte('/')
			}
		}
		b.WriteString(path)
	}
	if u.RawQuery != "" {
		b.WriteByte('?')
		r.writeQuery(&b, u.RawQuery, all)
	}
	return r.memory.mask(b.String())
}

// writeQuery takes ; for a separator too: some servers do, and a value must not hide a parameter.
func (r *Redactor) writeQuery(b *strings.Builder, query string, all bool) {
	for query != "" {
		end := strings.IndexAny(query, "&;")
		pair := query
		if end >= 0 {
			pair = query[:end]
		}
		raw, value, named := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(raw)
		show := err == nil && (r.query[name] || all && !r.secretParam(name))
		switch {
		case named:
			b.WriteString(r.Text(raw))
			b.WriteByte('=')
			r.writeValue(b, value, show)
		default:
			r.writeValue(b, raw, show) // a lone word is a value without a name: it may be a key
		}
		if end < 0 {
			return
		}
		b.WriteByte(query[end])
		query = query[end+1:]
	}
}

func (r *Redactor) writeValue(b *strings.Builder, value string, show bool) {
	switch {
	case value == "":
	case !show:
		b.WriteString(Mask)
	default:
		b.WriteString(r.encoded(value))
	}
}

// encoded returns a URL-encoded value as it is, or Mask if what it stands for holds anything that Text would mask.
func (r *Redactor) encoded(value string) string {
	if r.Text(value) != value {
		return Mask
	}
	if !strings.ContainsAny(value, "%+") {
		return value
	}
	if plain, err := url.QueryUnescape(value); err != nil || r.Text(plain) != plain {
		return Mask
	}
	return value
}
