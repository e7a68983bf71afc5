package validate

import "strings"

// mediaType returns the media type of a Content-Type value, without its parameters.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.Trim(kind, " \t")
}

// isJSON reports whether a body of this media type is one JSON text: application/json, text/json and everything +json
// (RFC 6839). Newline-delimited and sequence formats are not.
func isJSON(media string) bool {
	return strings.EqualFold(media, "application/json") || strings.EqualFold(media, "text/json") ||
		len(media) > len("+json") && strings.EqualFold(media[len(media)-len("+json"):], "+json")
}

// wideCharset returns the charset parameter if it says UTF-16 or UTF-32, which JSON on the network never is (RFC 8259 §8.1).
// Any other has no effect: servers send many, and UTF-8.
func wideCharset(contentType string) string {
	_, params, _ := strings.Cut(contentType, ";")
	for params != "" {
		var param string
		param, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(strings.Trim(param, " \t"), "=")
		value = strings.Trim(value, `"`)
		if strings.EqualFold(name, "charset") && len(value) >= len("utf-16") {
			if head := value[:len("utf-16")]; strings.EqualFold(head, "utf-16") || strings.EqualFold(head, "utf-32") {
				return strings.ToLower(head)
			}
		}
	}
	return ""
}

// allowed reports whether the config's list has the media type.
func (s *Stage) allowed(media string) bool {
	for _, pattern := range s.config.ContentType {
		if matchMedia(pattern, media) {
			return true
		}
	}
	return false
}

// matchMedia compares without regard to case; one * in the pattern stands for any text that is not empty.
func matchMedia(pattern, media string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return strings.EqualFold(pattern, media)
	}
	return len(media) > len(before)+len(after) && strings.EqualFold(media[:len(before)], before) &&
		strings.EqualFold(media[len(media)-len(after):], after)
}

// validPattern reports whether p is a media type without parameters, with one * at most.
func validPattern(p string) bool {
	kind, sub, ok := strings.Cut(p, "/")
	if !ok || kind == "" || sub == "" || strings.Count(p, "*") > 1 {
		return false
	}
	for i := range len(p) {
		if c := p[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return !strings.Contains(sub, "/")
}
