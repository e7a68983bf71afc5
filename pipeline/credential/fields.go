package credential

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline/redact"
)

// Fields is what a token request sends: any JSON value by name, nested as the file nests it, with a Ref in place of each
// secret. A program that builds it in Go may also put a redact.Secret there. It is read only once decoded.
type Fields map[string]any

// UnmarshalConfig reads a table. Within it a table whose only key is env, file, cmd or secret, with a value that fits, is a
// reference; a literal under a name such as password is refused, except "", which stands for "given at login".
func (f *Fields) UnmarshalConfig(value any) error {
	table, ok := value.(map[string]any)
	if !ok {
		return &configError{text: "must be a table of fields"}
	}
	out, err := readFields("", table)
	if err != nil {
		return err
	}
	*f = out
	return nil
}

func readFields(at string, table map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(table))
	var wrong mistakes
	for name, v := range table {
		path := at + quoteKey(name)
		if s, ok := v.(string); ok && s != "" && namesSecret(name) {
			wrong.append(&configError{path: path, text: "a secret is never written into the file", hint: refHint, secret: true})
			continue
		}
		read, err := readField(path, v)
		wrong.append(err)
		out[name] = read
	}
	return out, wrong.join()
}

func readField(at string, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for key, inner := range v {
				if ref, err := parseRef(key, inner); err == nil {
					return ref, nil
				}
			}
		}
		return readFields(at+".", v)
	case []any:
		out := make([]any, len(v))
		var wrong mistakes
		for i, e := range v {
			read, err := readField(fmt.Sprintf("%s[%d]", at, i), e)
			wrong.append(err)
			out[i] = read
		}
		return out, wrong.join()
	}
	return v, nil
}

// quoteKey writes a key as a path needs it: bare if TOML allows that, else quoted.
func quoteKey(key string) string {
	bare := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
	}
	if key != "" && strings.IndexFunc(key, func(r rune) bool { return !bare(r) }) < 0 {
		return key
	}
	return strconv.Quote(key)
}

func namesSecret(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	return slices.ContainsFunc([]string{"password", "passwd", "passphrase", "secret", "api_key", "apikey"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

// hasRef reports whether a reference stands anywhere in v.
func hasRef(v any) bool {
	switch v := v.(type) {
	case Ref:
		return !v.IsZero()
	case redact.Secret:
		return !v.IsZero()
	case Fields:
		return hasRef(map[string]any(v))
	case map[string]any:
		for _, e := range v {
			if hasRef(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasRef)
	}
	return false
}

// fill returns a copy of v with each reference replaced by its value; what it read is added to hidden.
func (s *Secrets) fill(ctx context.Context, v any, hidden *[]string) (any, error) {
	switch v := v.(type) {
	case Ref:
		value, err := s.Resolve(ctx, v)
		if err != nil {
			return nil, err
		}
		*hidden = append(*hidden, value.Reveal())
		return value.Reveal(), nil
	case redact.Secret: // a program may give a value itself
		*hidden = append(*hidden, v.Reveal())
		return v.Reveal(), nil
	case Fields:
		return s.fill(ctx, map[string]any(v), hidden)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			filled, err := s.fill(ctx, e, hidden)
			if err != nil {
				return nil, err
			}
			out[name] = filled
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			filled, err := s.fill(ctx, e, hidden)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	}
	return v, nil
}
