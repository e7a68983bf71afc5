package host

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Secret reports whether a value of the config, or a table or an array that it stands in, is a secret by the schema: JSON Schema's writeOnly,
// which is to say that nobody shows it. path names it: keys, and for an element of an array its number. Where nothing is known of the plugin
// it is false.
func (c *StageConfig) Secret(path ...string) bool { return c.schema != nil && c.schema.secret(path) }

// secret is StageConfig.Secret. In doubt, as between alternatives, it is true.
func (s *schema) secret(path []string) bool {
	here := s.parts([]any{s.text})
	for _, token := range path {
		if slices.ContainsFunc(here, writeOnly) {
			return true
		}
		var below []any
		for _, part := range here {
			below = append(below, member(part, token)...)
		}
		here = s.parts(below)
	}
	return slices.ContainsFunc(here, writeOnly)
}

// hides reports whether a path as a plugin writes it, rules[0].match, leads to a secret.
func (s *schema) hides(path string) bool {
	if s == nil {
		return false
	}
	if strings.Contains(path, `"`) { // a quoted key may hold anything, and to show too little does no harm
		return true
	}
	return s.secret(strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) }))
}

func writeOnly(part map[string]any) bool { return part["writeOnly"] == true }

// parts returns schemas with all those that judge the same value: their alternatives, and what they refer to.
func (s *schema) parts(of []any) []map[string]any {
	var all []map[string]any
	followed := map[string]bool{}
	for len(of) > 0 {
		part, ok := of[len(of)-1].(map[string]any)
		of = of[:len(of)-1]
		if !ok {
			continue
		}
		all = append(all, part)
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			list, _ := part[keyword].([]any)
			of = append(of, list...)
		}
		of = append(of, part["then"], part["else"])
		if ref, ok := part["$ref"].(string); ok && !followed[ref] {
			followed[ref] = true
			_, pointer, _ := strings.Cut(ref, "#")
			of = append(of, s.lookup(pointer))
		}
	}
	return all
}

// member returns the schemas that a schema has for a key of a table, or an element of an array.
func member(part map[string]any, token string) []any {
	all := []any{part["additionalProperties"], part["unevaluatedProperties"]}
	properties, _ := part["properties"].(map[string]any)
	if own, ok := properties[token]; ok {
		all = []any{own}
	}
	patterns, _ := part["patternProperties"].(map[string]any)
	all = slices.AppendSeq(all, maps.Values(patterns))
	if i, err := strconv.Atoi(token); err == nil && i >= 0 {
		all = append(all, part["items"], part["unevaluatedItems"])
		if list, _ := part["prefixItems"].([]any); i < len(list) {
			all = append(all, list[i])
		}
	}
	return all
}

// lookup returns the part of the schema that a JSON pointer leads to; nil: none.
func (s *schema) lookup(pointer string) any {
	v := s.text
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if token == "" {
			continue
		}
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch x := v.(type) {
		case map[string]any:
			v = x[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		}
	}
	return v
}
