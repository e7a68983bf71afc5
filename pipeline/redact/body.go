package redact

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lookahead is how much of a body beyond its limit is read, so that what is cut off is cut from redacted text.
const lookahead = 64 << 10

// Body writes a body for people to read. JSON (also +json, JSON lines, and JSON that ends early because only its beginning
// was kept) and URL-encoded forms show with the value of every secret key masked, at any depth and of any type, and with
// what Text would mask; all else stands as it was sent. Of other types only a note shows: "[text/html, 512 bytes]".
//
// The text has at most limit bytes, and a note where the JSON is malformed: "[malformed from byte 17]"; nothing from there
// on shows. A limit of 0 or less shows the note alone. It is valid UTF-8. truncated reports that some of the body is not in
// the text, not even masked.
func (r *Redactor) Body(contentType string, body []byte, limit int) (text string, truncated bool) {
	if len(body) == 0 {
		return "", false
	}
	kind := mediaType(contentType)
	form := kind == "application/x-www-form-urlencoded"
	if limit <= 0 || !form && !isJSON(kind) {
		return fmt.Sprintf("[%s, %d bytes]", kind, len(body)), true
	}
	if len(body) > limit+lookahead {
		body, truncated = body[:limit+lookahead], true
	}
	s, note := string(body), ""
	if form {
		s = r.form(s)
	} else {
		j := jsonScan{r: r, s: s, limit: limit}
		s, note = j.run()
		truncated = truncated || j.short
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > limit {
		s, truncated = cut(s, limit), true
	}
	return s + note, truncated
}

// form redacts each field by its decoded name, and by its decoded value.
func (r *Redactor) form(s string) string {
	var e edit
	for i := 0; i < len(s); i++ {
		end := len(s)
		if n := strings.IndexAny(s[i:], "&;"); n >= 0 {
			end = i + n
		}
		raw, value, named := strings.Cut(s[i:end], "=")
		if !named {
			raw, value = "", raw // a lone word may be a secret as well as a name
		}
		from := end - len(value)
		switch {
		case r.encoded(raw) != raw:
			e.replace(s, i, end, Mask)
		case value == "":
		case r.secretText(raw, false):
			e.replace(s, from, end, Mask)
		case r.encoded(value) != value:
			e.replace(s, from, end, Mask)
		}
		i = end
	}
	return e.result(s)
}

// mediaType is a content type in lower case without its parameters, or words in its place if it could not be shown.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if t == "" {
		return "no content type"
	}
	for i := range len(t) {
		if c := t[i]; !isAlnum(c) && strings.IndexByte("/+-._", c) < 0 || i == 80 {
			return "odd content type"
		}
	}
	return t
}

func isJSON(kind string) bool {
	switch kind {
	case "application/json", "text/json", "application/x-ndjson", "application/ndjson", "application/jsonl":
		return true
	}
	return strings.HasSuffix(kind, "+json")
}

// cut shortens s to at most n bytes, between two runes.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
