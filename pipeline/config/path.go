package config

import (
	"fmt"
	"strconv"
	"strings"
)

// joinPath writes a path with dots: quoted where a key needs it, an index of an array as [0].
func joinPath(path []string) string {
	var b strings.Builder
	for i, p := range path {
		if isIndex(p) {
			b.WriteString(p)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(quoteKey(p))
	}
	return b.String()
}

func isIndex(s string) bool {
	return len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' && strings.Trim(s[1:len(s)-1], "0123456789") == ""
}

func quoteKey(key string) string {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return strconv.Quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

// splitPath reads what joinPath writes: stages."my.stage".rules[0].kind.
func splitPath(s string) ([]string, error) {
	var path []string
	rest := s
	for {
		part, after, err := splitKey(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", s, err)
		}
		path = append(path, part)
		for strings.HasPrefix(after, "[") {
			end := strings.IndexByte(after, ']')
			if end < 0 || !isIndex(after[:end+1]) {
				return nil, fmt.Errorf("path %q: an index is written [0]", s)
			}
			path = append(path, after[:end+1])
			after = after[end+1:]
		}
		if after == "" {
			return path, nil
		}
		if after[0] != '.' {
			return nil, fmt.Errorf("path %q: expected a dot before %q", s, after)
		}
		rest = after[1:]
	}
}

func splitKey(s string) (key, rest string, err error) {
	if strings.HasPrefix(s, `"`) || strings.HasPrefix(s, "'") {
		end := strings.IndexByte(s[1:], s[0])
		if s[0] == '"' {
			quoted, err := strconv.QuotedPrefix(s)
			if err != nil {
				return "", "", fmt.Errorf("a quote is not closed")
			}
			key, err = strconv.Unquote(quoted)
			return key, s[len(quoted):], err
		}
		if end < 0 {
			return "", "", fmt.Errorf("a quote is not closed")
		}
		return s[1 : end+1], s[end+2:], nil
	}
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if end == 0 && strings.HasPrefix(s, "[") {
		return "", "", fmt.Errorf("an index stands after a key")
	}
	if end == 0 {
		return "", "", fmt.Errorf("a key is missing")
	}
	return s[:end], s[end:], nil
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func quote(s string) string { return strconv.Quote(s) }
