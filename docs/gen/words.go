package main

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/stages/headers"
)

// typeWords says what a file writes for a Go type; plural is how a list of them is called.
func typeWords(t reflect.Type) (one, plural string) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration", "durations"
	case reflect.TypeFor[pipeline.Size]():
		return "size", "sizes"
	case reflect.TypeFor[cond.When]():
		return "condition on the request", "conditions on the request"
	case reflect.TypeFor[cond.OnOutcome]():
		return "condition on the outcome", "conditions on the outcome"
	case reflect.TypeFor[cond.OnBody]():
		return "condition on the answer and its body", "conditions on the answer and its body"
	case reflect.TypeFor[cond.RequestText]():
		return "expression over the request", "expressions over the request"
	case reflect.TypeFor[credential.Ref]():
		return "secret", "secrets"
	case reflect.TypeFor[credential.Text]():
		return "string or secret", "strings or secrets"
	case reflect.TypeFor[credential.Fields]():
		return "table", "tables"
	case reflect.TypeFor[headers.Value](), reflect.TypeFor[pipeline.OnFailure]():
		return "string or table", "strings or tables"
	}
	switch k := t.Kind(); k {
	case reflect.Pointer:
		return typeWords(t.Elem())
	case reflect.Slice:
		_, many := typeWords(t.Elem())
		return "list of " + many, "lists of " + many
	case reflect.Map:
		_, many := typeWords(t.Elem())
		return "table of " + many, "tables of " + many
	case reflect.Bool:
		return "boolean", "booleans"
	case reflect.Float64:
		return "number", "numbers"
	case reflect.Int, reflect.Int64:
		return "integer", "integers"
	case reflect.Struct:
		if !reads(t) {
			return "table", "tables"
		}
	}
	return "string", "strings"
}

// reads reports whether a type reads its own text.
func reads(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// literal writes a default as a file would; "" for the zero value of what need not be set.
func literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		s := x.String()
		if strings.HasSuffix(s, "m0s") {
			s = s[:len(s)-2]
		}
		return strconv.Quote(s)
	case pipeline.Size:
		return strconv.Quote(x.String())
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil || len(text) == 0 {
			return ""
		}
		return strconv.Quote(string(text))
	}
	switch v.Kind() {
	case reflect.Slice:
		var items []string
		for i := range v.Len() {
			items = append(items, literal(v.Index(i)))
		}
		if len(items) == 0 {
			return ""
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.String:
		if v.Len() == 0 {
			return ""
		}
		return strconv.Quote(v.String())
	case reflect.Bool, reflect.Int, reflect.Int64:
		return fmt.Sprint(v.Interface())
	case reflect.Float64:
		if s := strconv.FormatFloat(v.Float(), 'g', -1, 64); strings.Contains(s, ".") {
			return s
		}
		return strconv.FormatFloat(v.Float(), 'f', 1, 64)
	}
	return ""
}

// defaultSentence is how comments name a default: "Default 3.", "Default: the pipeline's credential.", "…; default is every 2xx."
var defaultSentence = regexp.MustCompile(`(?s)(^|[.;] )[Dd]efault(?: is|:)? (.+?)([;.])( |$)`)

// split takes the default out of a comment.
func split(text string) (rest, def string) {
	m := defaultSentence.FindStringSubmatchIndex(text)
	if m == nil {
		return text, ""
	}
	def = text[m[4]:m[5]]
	before, after := text[:m[2]], text[m[1]:]
	if m[3] > m[2] {
		before += "."
	}
	if text[m[6]:m[7]] == ";" && after != "" {
		after = strings.ToUpper(after[:1]) + after[1:]
	}
	return strings.TrimSpace(strings.TrimSpace(before) + " " + after), def
}

// same reports whether a comment says the same default as the code.
func same(said, is string) bool {
	said, is = strings.Trim(said, `"`), strings.Trim(is, `"`)
	if a, err := time.ParseDuration(said); err == nil {
		if b, err := time.ParseDuration(is); err == nil {
			return a == b
		}
	}
	return said == is || strings.HasPrefix(said, is+",") // "debug, info in development"
}

var camel = regexp.MustCompile(`[a-z][A-Z]`)

// rename writes Go's field names as the file's keys.
func rename(text string, t reflect.Type) string {
	for f := range t.Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if key == "" {
			continue
		}
		if strings.HasPrefix(text, f.Name+" ") {
			text = "`" + key + "`" + text[len(f.Name):]
			if next, ok := strings.CutPrefix(text, "`"+key+"` and "); ok {
				for g := range t.Fields() {
					if rest, ok := strings.CutPrefix(next, g.Name+" "); ok {
						text = "`" + key + "` and `" + g.Tag.Get("toml") + "` " + rest
					}
				}
			}
		}
		if camel.MatchString(f.Name) { // of two words: it can't be an English one
			text = regexp.MustCompile(`\b`+f.Name+`\b`).ReplaceAllString(text, "`"+key+"`")
		}
	}
	return text
}

// predicate takes the key off the beginning of a sentence, beside which it stands: "`max_delay` bounds …", "`base` is the …".
func predicate(text, key string) string {
	rest, ok := strings.CutPrefix(text, "`"+key+"` ")
	if !ok || strings.HasPrefix(rest, "and ") {
		return text
	}
	for _, verb := range []string{"is ", "are "} {
		if after, ok := strings.CutPrefix(rest, verb); ok {
			return capital(after)
		}
	}
	return capital(rest)
}

// paragraphs joins the lines of each paragraph of a comment.
func paragraphs(text string) []string {
	var out []string
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// sentence cuts the first sentence off.
func sentence(p string) (first, rest string) {
	if before, after, ok := strings.Cut(p, ". "); ok {
		return before, after
	}
	return strings.TrimSuffix(p, "."), ""
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
