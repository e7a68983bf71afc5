package errormap

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what Message returns and of how far it looks.
const (
	maxMessage = 512 // runes
	maxNesting = 4   // objects within objects that hold the message
	maxListed  = 3   // of a list of errors
)

// Message reads what the JSON body of an error response says, in a line for people, and the `type` of problem details
// (RFC 9457; "about:blank" where they give none, "" for other bodies). It knows problem details, and the usual shapes:
// {"error":"…"}, {"error":{"message","code"}}, {"error","error_description"} (OAuth), {"message"}, {"errors":[…]}, {"detail"},
// {"title"}, {"error_message"}, {"fault":{"faultstring"}} and their like, keys in any case. Members of another type than expected
// are ignored, as are the rest of them. Both results are at most 512 runes of valid UTF-8 without control characters, and not yet
// redacted. If contentType is not JSON, or body is malformed, both are "".
func Message(contentType string, body []byte) (message, problemType string) {
	message, problemType = read(contentType, body)
	return clean(message), clean(problemType)
}

// read is Message without its bounds: a secret that is cut short is no longer known for one, so redaction comes in between.
func read(contentType string, body []byte) (message, problemType string) {
	media, params, ok := jsonType(contentType)
	if !ok {
		return "", ""
	}
	value, ok := decode(params["charset"], body)
	if !ok {
		return "", ""
	}
	obj, isObject := value.(map[string]any)
	if media == "application/problem+json" && isObject {
		return problem(obj), problemTypeOf(obj)
	}
	return said(value, 0), ""
}

// isJSON reports whether a content type is one that Message reads.
func isJSON(contentType string) bool {
	_, _, ok := jsonType(contentType)
	return ok
}

func jsonType(contentType string) (media string, params map[string]string, ok bool) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil && media == "" { // with a bad parameter the type is still good
		return "", nil, false
	}
	return media, params, media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// decode reads the first JSON value of body. RFC 8259 §8.1 wants UTF-8; old servers send Latin-1 and say so.
func decode(charset string, body []byte) (any, bool) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "windows-1252":
		if !utf8.Valid(body) {
			runes := make([]rune, len(body))
			for i, c := range body {
				runes[i] = rune(c)
			}
			body = []byte(string(runes))
		}
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	var value any
	return value, d.Decode(&value) == nil
}

// problem writes title and detail of problem details, and what their errors member lists.
func problem(obj map[string]any) string {
	title, detail := text(obj, "title"), text(obj, "detail")
	switch {
	case title == "" && detail == "":
		return said(obj, 0)
	case detail == "":
		return join(title, listed(member(obj, "errors"), 0))
	}
	return join(title, join(detail, listed(member(obj, "errors"), 0)))
}

// problemTypeOf returns the type member. RFC 9457 §3.1.1: absent or of another type than a string, it is about:blank.
func problemTypeOf(obj map[string]any) string {
	if typ := text(obj, "type"); typ != "" {
		return typ
	}
	return "about:blank"
}

// said finds what a value says.
func said(value any, depth int) string {
	if depth == maxNesting {
		return ""
	}
	switch v := value.(type) {
	case string:
		return v
	case []any:
		return listed(v, depth)
	case map[string]any:
		return saidBy(v, depth)
	}
	return ""
}

func saidBy(obj map[string]any, depth int) string {
	main := ""
	switch v := member(obj, "error").(type) {
	case string:
		main = join(v, first(obj, "error_description", "message", "detail"))
	case map[string]any, []any:
		main = said(v, depth+1)
	}
	if main == "" {
		main = said(member(obj, "fault"), depth+1)
	}
	if main == "" {
		main = first(obj, "message", "error_message", "errormessage", "error_msg", "errormsg", "error_description", "faultstring", "detail",
			"title", "msg", "description", "reason")
	}
	for _, name := range []string{"message", "detail"} {
		if main == "" {
			main = said(member(obj, name), depth+1) // some nest it once more, or list it
		}
	}
	more := listed(member(obj, "errors"), depth+1)
	if main == "" && more == "" {
		return first(obj, "code", "error_code", "errorcode", "status")
	}
	if code := first(obj, "code", "error_code", "errorcode"); code != "" && code != main && depth > 0 && more == "" {
		return main + " (" + code + ")"
	}
	return join(main, more)
}

// listed writes the first entries of a list of errors, or of a table of them by field.
func listed(value any, depth int) string {
	if depth >= maxNesting {
		return ""
	}
	var entries []string
	add := func(field, s string) {
		if s = join(field, s); s != "" && !slices.Contains(entries, s) {
			entries = append(entries, s)
		}
	}
	switch v := value.(type) {
	case string:
		return v
	case []any:
		for _, entry := range v {
			field := ""
			if obj, ok := entry.(map[string]any); ok {
				field = first(obj, "field", "pointer", "path")
			}
			if s := said(entry, depth+1); s != "" {
				add(field, s)
			}
			if len(entries) > maxListed {
				break
			}
		}
	case map[string]any:
		for _, field := range slices.Sorted(maps.Keys(v)) {
			if s := said(v[field], depth+1); s != "" {
				add(field, s)
			}
			if len(entries) > maxListed {
				break
			}
		}
	}
	if len(entries) > maxListed {
		entries = append(entries[:maxListed], "…")
	}
	return strings.Join(entries, "; ")
}

// member returns the member of that name, whatever its case; the exact one first.
func member(obj map[string]any, name string) any {
	if v, ok := obj[name]; ok {
		return v
	}
	found := ""
	for key := range obj {
		if strings.EqualFold(key, name) && (found == "" || key < found) {
			found = key
		}
	}
	return obj[found]
}

// first returns the first of the members that says something in a text or a number.
func first(obj map[string]any, names ...string) string {
	for _, name := range names {
		if s := text(obj, name); s != "" {
			return s
		}
	}
	return ""
}

func text(obj map[string]any, name string) string {
	switch v := member(obj, name).(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		if name == "code" || name == "status" || strings.HasSuffix(name, "code") {
			return v.String()
		}
	}
	return ""
}

// join writes "a: b", or the one that is there; a alone where b only repeats it.
func join(a, b string) string {
	switch {
	case a == "" || strings.HasPrefix(b, a):
		return b
	case b == "" || a == b:
		return a
	}
	return strings.TrimSuffix(strings.TrimSuffix(a, "."), ":") + ": " + b
}

// clean makes one line of s: spaces for control characters and runs of space, at most 512 runes.
func clean(s string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.Is(unicode.C, r) { // Cc, and Cf: an override of direction can make a log lie
			space = b.Len() > 0
			continue
		}
		if n >= maxMessage-2 {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
