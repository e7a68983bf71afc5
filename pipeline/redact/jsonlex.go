package redact

import (
	"encoding/json"
	"strings"
)

// string returns the end of the string at j.i, behind its quote.
func (j *jsonScan) string() int {
	for i := j.i + 1; i < len(j.s); i++ {
		switch c := j.s[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			j.bad = true
			return i
		case c == '\\':
			i++
			if i == len(j.s) {
				continue
			}
			if strings.IndexByte(`"\/bfnrtu`, j.s[i]) < 0 {
				j.bad = true
				return i
			}
			for n := 0; j.s[i] == 'u' && n < 4 && i+1+n < len(j.s); n++ {
				if !isHex(j.s[i+1+n]) {
					j.bad = true
					return i
				}
			}
		}
	}
	j.short = true
	return len(j.s)
}

// literal returns the end of the number or word at j.i. At the end of the body half a word is an early end, not an error.
func (j *jsonScan) literal() int {
	end := j.i
	for end < len(j.s) && (isAlnum(j.s[end]) || strings.IndexByte("+-.", j.s[end]) >= 0) {
		end++
	}
	word := j.s[j.i:end]
	if end == len(j.s) {
		for _, w := range [...]string{"true", "false", "null"} {
			if word != "" && strings.HasPrefix(w, word) {
				return end
			}
		}
		if c := strings.TrimRight(word, "+-.eE"); c != word && (c == "" || json.Valid([]byte(c))) {
			return end
		}
	}
	if word == "" || !json.Valid([]byte(word)) {
		j.bad = true
	}
	return end
}

func decode(raw string) string {
	var s string
	if json.Unmarshal([]byte(`"`+raw+`"`), &s) != nil {
		return raw
	}
	return s
}

func encode(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return Mask
	}
	return unquoted(string(b))
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
