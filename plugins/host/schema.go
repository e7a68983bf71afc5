package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// schema is a compiled JSON Schema of a config, with its text, which knows the names of keys and what they are for.
type schema struct {
	compiled *jsonschema.Schema
	text     any
}

const schemaURL = "leat:config"

// compile compiles a schema. One that refers to others is refused: nothing is fetched for a plugin.
func compile(text []byte) (*schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(alone{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(schemaURL)
	if err != nil {
		return nil, err
	}
	return &schema{compiled, doc}, nil
}

// alone is the loader of schemas that refer to nothing but themselves.
type alone struct{}

// Load refuses.
func (alone) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s: a schema must hold all that it needs", clip(line(url)))
}

// check returns every mistake in a config, which is JSON: ConfigErrors, joined. lock is the name of the one that has the schema, "" if none has.
func (s *schema) check(text []byte, lock string) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	err = s.compiled.Validate(v)
	if err == nil {
		return nil
	}
	wrong, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return &pipeline.ConfigError{Message: "the plugin's schema can't be applied", Err: err}
	}
	r := &schemaReport{schema: s, lock: lock, value: v}
	r.report(wrong)
	return r.err()
}

// schemaReport turns what a schema found into the words of a file.
type schemaReport struct {
	schema *schema
	lock   string // that has it, or ""
	value  any
	found  []mistake
	secret bool // what is reported now is about one
}

func (r *schemaReport) add(path, hint, format string, args ...any) {
	r.note(mistake{ConfigError: pipeline.ConfigError{Path: path, Message: fmt.Sprintf(format, args...), Advice: hint}, offset: -1, hidden: r.secret})
}

// note notes a mistake once, for a value may be wrong in the eyes of several parts of a schema.
func (r *schemaReport) note(m mistake) {
	if !slices.Contains(r.found, m) {
		r.found = append(r.found, m)
	}
}

func (r *schemaReport) err() error {
	errs := make([]error, len(r.found))
	for i := range r.found {
		errs[i] = &r.found[i]
	}
	return errors.Join(errs...)
}

func (r *schemaReport) report(e *jsonschema.ValidationError) {
	path, _ := r.find(e.InstanceLocation)
	r.secret = r.schema.secret(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known := r.known(e)
		for _, name := range k.Properties {
			hint := "known keys: " + strings.Join(known, ", ")
			if near, ok := config.Nearest(name, known); ok {
				hint = "did you mean " + near + "?"
			} else if len(known) == 0 {
				hint = "it takes no keys"
			}
			r.note(mistake{ConfigError: pipeline.ConfigError{Path: joinKey(path, name), Message: "unknown key " + key(name), Advice: asLocked(hint, r.lock)}, offset: -1, hidden: r.secret, ofKey: true})
		}
		return
	case *kind.Required:
		for _, name := range k.Missing {
			r.add(path, r.about(e, name), "%s is missing", key(name))
		}
		return
	case *kind.AnyOf, *kind.OneOf:
		r.alternatives(e, path)
		return
	case *kind.Type:
		r.add(path, r.elsewhere(e, k), "expected %s, found %s", alternativesOf(k.Want), r.noun(e.InstanceLocation, k.Got))
		return
	case *kind.Enum:
		r.enum(path, k)
		return
	}
	if len(e.Causes) == 0 {
		r.add(path, "", "%s", sentence(e.ErrorKind))
	}
	for _, cause := range e.Causes {
		r.report(cause)
	}
}

func (r *schemaReport) enum(path string, k *kind.Enum) {
	var words []string
	for _, want := range k.Want {
		if s, ok := want.(string); ok {
			words = append(words, s)
			continue
		}
		text, _ := json.Marshal(want)
		words = append(words, string(text))
	}
	hint := "one of " + clip(strings.Join(words, ", "))
	got, isText := k.Got.(string)
	if near, ok := config.Nearest(got, words); ok && isText && !r.secret {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	r.add(path, asLocked(hint, r.lock), "this value is not known")
}

// alternatives reports a value that fits none of several forms: by the mistakes of the only form that its type allows, if there is one.
func (r *schemaReport) alternatives(e *jsonschema.ValidationError, path string) {
	var near []*jsonschema.ValidationError
	var wanted []string
	got := ""
	for _, cause := range e.Causes {
		if t := typeOf(cause, e.InstanceLocation); t != nil {
			wanted, got = append(wanted, t.Want...), t.Got
			continue
		}
		near = append(near, cause)
	}
	switch {
	case len(near) == 1:
		r.report(near[0])
	case len(near) == 0 && got != "":
		r.add(path, "", "expected %s, found %s", alternativesOf(wanted), r.noun(e.InstanceLocation, got))
	default:
		r.add(path, "", "this value has none of the forms that it may have")
	}
}

// typeOf returns what is wrong with the type of the very value at a place, if that is what an error is about.
func typeOf(e *jsonschema.ValidationError, at []string) *kind.Type {
	if t, ok := e.ErrorKind.(*kind.Type); ok && slices.Equal(e.InstanceLocation, at) {
		return t
	}
	for _, cause := range e.Causes {
		if t := typeOf(cause, at); t != nil {
			return t
		}
	}
	return nil
}

// sentence says what a schema wants of a value, without the value: it may be a secret.
func sentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Const:
		text, _ := json.Marshal(k.Want)
		return "it must be " + clip(string(text))
	case *kind.Format:
		return "it is no valid " + k.Want
	case *kind.Pattern:
		if k.Want == wire.DurationPattern {
			return `it is no duration, as "5s" or "1m30s" is`
		}
		return "it does not match the pattern " + clip(k.Want)
	case *kind.Minimum:
		return "it must be at least " + number(k.Want)
	case *kind.Maximum:
		return "it must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "it must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "it must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "it must be a multiple of " + number(k.Want)
	case *kind.MinLength:
		if k.Want == 1 {
			return "it must not be empty"
		}
		return fmt.Sprintf("it must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("it must have at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("it must have at least %s", plural(k.Want, "element"))
	case *kind.MaxItems:
		return fmt.Sprintf("it must have at most %s", plural(k.Want, "element"))
	case *kind.MinProperties:
		return fmt.Sprintf("it must have at least %s", plural(k.Want, "key"))
	case *kind.MaxProperties:
		return fmt.Sprintf("it must have at most %s", plural(k.Want, "key"))
	case *kind.UniqueItems:
		return fmt.Sprintf("elements %d and %d are equal", k.Duplicates[0]+1, k.Duplicates[1]+1)
	case *kind.FalseSchema:
		return "it is not allowed here"
	case *kind.PropertyNames:
		return "the key " + key(k.Property) + " is not allowed"
	case *kind.DependentRequired:
		return strings.Join(k.Missing, ", ") + " is missing, because " + k.Prop + " is there"
	case *kind.Not:
		return "it is what the plugin excludes"
	}
	return "it is not as the plugin's schema says (" + strings.Join(k.KeywordPath(), "/") + ")"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func number(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// noun is what a file calls a type of JSON.
func noun(t string) string {
	switch t {
	case "object":
		return "a table"
	case "array", "integer":
		return "an " + t
	case "null":
		return "nothing"
	}
	return "a " + t
}

func alternativesOf(types []string) string {
	var words []string
	for _, t := range types {
		if w := noun(t); t != "null" && !slices.Contains(words, w) { // a file can't write null
			words = append(words, w)
		}
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// noun is what a file calls the value at a place, which is of a type of JSON.
func (r *schemaReport) noun(at []string, t string) string {
	_, v := r.find(at)
	if n, ok := v.(json.Number); ok && !strings.ContainsAny(n.String(), ".eE") {
		t = "integer"
	}
	return noun(t)
}

// find returns a value, and its place as a file would write it: rules[0].match.
func (r *schemaReport) find(tokens []string) (path string, v any) {
	v = r.value
	for _, token := range tokens {
		if list, ok := v.([]any); ok {
			path += "[" + token + "]"
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(list) {
				v = list[i]
			}
			continue
		}
		members, _ := v.(map[string]any)
		path, v = joinKey(path, token), members[token]
	}
	return path, v
}

func joinKey(path, name string) string {
	if path == "" {
		return key(name)
	}
	return path + "." + key(name)
}

// key writes a name as TOML does.
func key(name string) string {
	if isTypeName(name) { // a bare key has the same letters
		return name
	}
	return strconv.Quote(name)
}

// at returns the part of the schema that an error is of.
func (r *schemaReport) at(e *jsonschema.ValidationError) map[string]any {
	_, pointer, _ := strings.Cut(e.SchemaURL, "#")
	m, _ := r.schema.lookup(pointer).(map[string]any)
	return m
}

// elsewhere says what to write where a secret itself stands in place of a table that says where it is.
func (r *schemaReport) elsewhere(e *jsonschema.ValidationError, k *kind.Type) string {
	pointer := strings.TrimSuffix(e.SchemaURL, "/type")
	part := r.at(&jsonschema.ValidationError{SchemaURL: pointer})
	properties, _ := part["properties"].(map[string]any)
	if !r.secret || k.Got != "string" || len(properties) == 0 {
		return ""
	}
	return "a secret is never written into the file: write a table with one of " + strings.Join(sorted(properties), ", ") + ", which says where it is"
}

// known lists the keys that a table may have, those that the host reads among them where it is the stage's own.
func (r *schemaReport) known(e *jsonschema.ValidationError) []string {
	properties, _ := r.at(e)["properties"].(map[string]any)
	known := sorted(properties)
	if len(e.InstanceLocation) == 0 {
		known = append(known, hostKeys...)
	}
	return known
}

// about says what a key is for.
func (r *schemaReport) about(e *jsonschema.ValidationError, name string) string {
	properties, _ := r.at(e)["properties"].(map[string]any)
	property, _ := properties[name].(map[string]any)
	if text, ok := property["description"].(string); ok {
		return clip(line(text))
	}
	if t, ok := property["type"].(string); ok {
		return "write " + key(name) + " = …, " + noun(t)
	}
	return "write " + key(name) + " = …"
}
