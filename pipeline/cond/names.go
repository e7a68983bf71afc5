package cond

import (
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// functions are expr's built-in functions that expressions may call: each does one bounded thing, gives the same answer
// every time, and makes no text longer than what it was given.
func functions() []string {
	return []string{
		"len", "type", "string", "int", "float", "abs", "ceil", "floor", "round", "min", "max",
		"lower", "upper", "trim", "trimPrefix", "trimSuffix", "split", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix",
		"first", "last", "get", "duration",
	}
}

func available(name string) bool { return slices.Contains(functions(), name) }

func unavailableHint(name string) string {
	switch name {
	case "all", "any", "none", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "count", "sum",
		"reduce", "groupBy", "sortBy":
		return "expressions have no loops; name the element (body.items[0]), or use in, len, first, last"
	case "now", "date", "timezone":
		return "expressions do not read the clock; use call.elapsed > duration(\"5s\")"
	case "keys", "values", "toPairs", "fromPairs":
		return "ask for a key with \"name\" in body.field"
	case "repeat", "replace", "join", "concat", "toJSON", "toBase64":
		return "expressions do not build text that can grow without bound"
	}
	return "available: " + strings.Join(functions(), ", ")
}

// unknown refuses name, which in does not have, and says what was probably meant.
func (r *rules) unknown(n ast.Node, in reflect.Type, prefix, name string) {
	hint := r.elsewhere(prefix, name)
	message := "unknown name " + prefix + name
	near := names(in)
	if prefix == "" {
		near = append(near, functions()...)
	}
	suggestion := nearest(name, near)
	if full := r.below(name); prefix == "" && full != "" {
		suggestion = full
	}
	switch {
	case hint != "":
	case suggestion != "":
		message += "; did you mean " + suggestion + "?"
	default:
		hint = "known here: " + list(in, prefix)
	}
	r.fail(n, message, hint)
}

// below finds the first group of the environment that has a field called name: status is response.status.
func (r *rules) below(name string) string {
	for group := range r.env.Fields() {
		if group.Type.Kind() != reflect.Struct {
			continue
		}
		if _, ok := field(group.Type, name); ok {
			return group.Tag.Get("expr") + "." + name
		}
	}
	return ""
}

// elsewhere explains a name that exists, but not for this kind of condition.
func (r *rules) elsewhere(prefix, name string) string {
	if prefix != "" {
		return ""
	}
	switch name {
	case "response", "error":
		return "this is decided before anything is sent; conditions over outcomes go into refresh.on, retry.rules[].match, " +
			"error-map.rules[].match or validate.rules"
	case "body":
		return "only validate.rules see the body"
	}
	return ""
}

// field finds the field of struct t that expressions call name.
func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if f.Tag.Get("expr") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func names(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		out = append(out, f.Tag.Get("expr"))
	}
	return out
}

// list writes out what struct t has, as one would use it in an expression.
func list(t reflect.Type, prefix string) string {
	out := names(t)
	for i, name := range out {
		if t.Field(i).Type.Kind() == reflect.Func {
			name += `("…")`
		}
		out[i] = prefix + name
	}
	return strings.Join(out, ", ")
}

// pathOf writes a chain of names as the user wrote it.
func pathOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.ChainNode:
		return pathOf(n.Node)
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok {
			return pathOf(n.Node) + "." + name.Value
		}
	}
	return "value"
}

// nearest is the candidate with the least edits from name, "" if none is near.
func nearest(name string, candidates []string) string {
	best, least := "", max(len(name)/3, 1)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts insertions, deletions, changes and swaps of neighbours (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	older, old, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(old[j]+1, now[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], older[j-2]+1)
			}
		}
		older, old, now = old, now, older
	}
	return old[len(b)]
}
