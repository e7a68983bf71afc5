package validate

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// report notes every leaf of what the schema found. Its sentences quote the schema and the names of fields, never a value: the
// library's own would.
func report(v any, e *jsonschema.ValidationError, found *violations) {
	path := pathOf(v, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			found.add(missing(joined(path, name)))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			found.add(joined(path, name) + ": not allowed")
		}
	case *kind.DependentRequired:
		dependent(path, k.Prop, k.Missing, found)
	case *kind.Dependency:
		dependent(path, k.Prop, k.Missing, found)
	case *kind.AnyOf:
		found.add(whole(path) + ": fits none of the alternatives (anyOf)")
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			found.add(whole(path) + ": fits more than one of the alternatives (oneOf)")
			return
		}
		found.add(whole(path) + ": fits none of the alternatives (oneOf)")
	default:
		if len(e.Causes) == 0 {
			found.add(whole(path) + ": " + sentence(e.ErrorKind))
		}
	}
	for _, cause := range e.Causes {
		report(v, cause, found)
	}
}

func dependent(path, because string, names []string, found *violations) {
	for _, name := range names {
		found.add(missing(joined(path, name)) + ", and " + joined(path, because) + " is there")
	}
}

// sentence says what the schema wants.
func sentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return withArticle(k.Got) + ", not " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return "not one of " + clip(literals(k.Want))
	case *kind.Const:
		return "not " + clip(literals([]any{k.Want}))
	case *kind.Format:
		return "no valid " + k.Want
	case *kind.Pattern:
		return "does not match the pattern " + clip(k.Want)
	case *kind.Minimum:
		return "less than " + number(k.Want)
	case *kind.Maximum:
		return "more than " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "not more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "not less than " + number(k.Want)
	case *kind.MultipleOf:
		return "no multiple of " + number(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("%d characters, fewer than %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("%d characters, more than %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("%d elements, fewer than %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("%d elements, more than %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("%d fields, fewer than %d", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("%d fields, more than %d", k.Got, k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("elements %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
	case *kind.AdditionalItems:
		return fmt.Sprintf("%d elements too many", k.Count)
	case *kind.FalseSchema:
		return "not allowed"
	case *kind.PropertyNames:
		return "a field has a name that is not allowed"
	case *kind.Not:
		return "fits what the schema excludes (not)"
	}
	return "not as the schema's " + strings.Join(k.KeywordPath(), "/") + " says"
}

func withArticle(sort string) string {
	switch sort {
	case "null":
		return sort
	case "array", "object", "integer":
		return "an " + sort
	}
	return "a " + sort
}

func literals(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		text, _ := json.Marshal(v)
		words[i] = string(text)
	}
	return strings.Join(words, ", ")
}

func number(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// clip keeps a sentence short whatever the schema says.
func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

// pathOf writes an instance location as a path; v tells lists from objects.
func pathOf(v any, tokens []string) string {
	path := ""
	for _, token := range tokens {
		if list, ok := v.([]any); ok {
			path += "[" + token + "]"
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(list) {
				v = nil
				continue
			}
			v = list[i]
			continue
		}
		members, _ := v.(map[string]any)
		path, v = joined(path, token), members[token]
	}
	return path
}

// joined adds a name to a path. Names come from the body, so they are kept short.
func joined(path, name string) string { return path + member(clip(name), path == "") }
