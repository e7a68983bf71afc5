package refresh

import (
	"iter"
	"strings"
)

// hasError reports whether one of the challenges that a WWW-Authenticate field carries has the parameter error with this value, in any case
// (RFC 9110 §11.6.1, RFC 6750 §3). A field that does not follow the grammar is read as far as it does.
func hasError(field, value string) bool {
	for name, v := range params(field) {
		if strings.EqualFold(name, "error") && strings.EqualFold(v, value) {
			return true
		}
	}
	return false
}

// params yields the parameters of all challenges of a field, quoted values without their quotes. Schemes and token68 values are passed over.
func params(field string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for field != "" {
			field = strings.TrimLeft(field, " \t,")
			end := strings.IndexAny(field, "= \t,\"")
			if end < 0 {
				return
			}
			name, rest := field[:end], strings.TrimLeft(field[end:], " \t")
			after, assigned := strings.CutPrefix(rest, "=")
			if !assigned || name == "" { // a scheme, or what belongs to nothing
				field = field[max(end, 1):]
				continue
			}
			var value string
			value, field = paramValue(strings.TrimLeft(after, " \t"))
			if !yield(name, value) {
				return
			}
		}
	}
}

// paramValue reads a token or a quoted string, and returns what follows it.
func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t,")
		if end < 0 {
			return s, ""
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i == len(s) {
				return b.String(), ""
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), "" // the quotes are not closed
}
