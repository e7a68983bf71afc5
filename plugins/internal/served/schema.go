package served

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Schema returns the JSON Schema (draft 2020-12) of a type's config: the keys that the file may write, what each takes, its default, and the
// text of its field's tag `doc`. What only the config's own methods can judge is left to them.
func Schema(f pipeline.Factory) ([]byte, error) {
	cfg := f.Config()
	s := schemaOf(reflect.TypeOf(cfg).Elem(), nil)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	defaults(s, Defaults(f))
	return json.Marshal(s)
}

// schema is a JSON Schema as it is written.
type schema map[string]any

type configReader interface{ UnmarshalConfig(value any) error }

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	readerType   = reflect.TypeFor[configReader]()
	anything     = reflect.TypeFor[any]()
	secretType   = reflect.TypeFor[credential.Ref]()
	maybeType    = reflect.TypeFor[credential.Text]()
)

// schemaOf follows what config.Section.Decode accepts. around are the structs that t stands in: one within itself may be anything.
func schemaOf(t reflect.Type, around []reflect.Type) schema {
	p := reflect.PointerTo(t)
	switch {
	case t == secretType:
		s := reference()
		s["writeOnly"] = true // which tells the host to show no value of it: what stands there by mistake is the secret itself
		return s
	case t == maybeType:
		return schema{"anyOf": []any{schema{"type": "string"}, reference()}}
	case p.Implements(readerType):
		if len(around) == 0 {
			return schema{"type": "object"} // a whole table that reads itself
		}
		return schema{}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), around)
	case t == durationType:
		return schema{"type": "string", "pattern": wire.DurationPattern}
	case p.Implements(textType):
		return schema{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return schema{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Slice:
		return schema{"type": "array", "items": schemaOf(t.Elem(), around)}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": schemaOf(t.Elem(), around)}
	case reflect.Struct:
		if slices.Contains(around, t) {
			return schema{"type": "object"}
		}
		keys := schema{}
		properties(keys, t, append(slices.Clip(around), t))
		return schema{"type": "object", "properties": keys, "additionalProperties": false}
	}
	return schema{}
}

// reference is the schema of a table that says where a secret is.
func reference() schema {
	name := schema{"type": "string", "minLength": 1}
	command := schema{"type": "array", "items": schema{"type": "string"}, "minItems": 1}
	return schema{
		"type": "object", "properties": schema{"env": name, "file": name, "cmd": command, "secret": name}, "additionalProperties": false,
		"minProperties": 1, "maxProperties": 1,
	}
}

func properties(keys schema, t reflect.Type, around []reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			properties(keys, f.Type, around)
		case f.IsExported() && name != "" && name != "-":
			key := schemaOf(f.Type, around)
			if doc := f.Tag.Get("doc"); doc != "" {
				key["description"] = doc
			}
			keys[name] = key
		}
	}
}

// defaults writes what a key is where the file does not set it.
func defaults(s schema, values map[string]any) {
	keys, _ := s["properties"].(schema)
	for name, v := range values {
		key, ok := keys[name].(schema)
		if !ok {
			continue
		}
		if inner, isTable := v.(map[string]any); isTable && key["properties"] != nil {
			defaults(key, inner)
			continue
		}
		key["default"] = v
	}
}

// Defaults returns the default config of a type as the file would write it, without what is not set and what only the file can write.
func Defaults(f pipeline.Factory) map[string]any {
	out := map[string]any{}
	cfg := f.Config()
	if _, ok := cfg.(configReader); ok {
		return out
	}
	config.Walk(cfg, func(path []string, v reflect.Value) {
		if value, ok := plain(v); ok {
			put(out, path, value)
		}
	})
	return out
}

// put sets a value below tables and arrays that it makes.
func put(table map[string]any, path []string, value any) {
	if len(path) == 1 {
		table[path[0]] = value
		return
	}
	if i, err := strconv.Atoi(strings.Trim(path[1], "[]")); err == nil && strings.HasPrefix(path[1], "[") {
		list, _ := table[path[0]].([]any)
		for len(list) <= i {
			list = append(list, map[string]any{})
		}
		table[path[0]] = list
		if len(path) == 2 {
			list[i] = value
		} else if inner, ok := list[i].(map[string]any); ok {
			put(inner, path[2:], value)
		}
		return
	}
	inner, ok := table[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{}
		table[path[0]] = inner
	}
	put(inner, path[1:], value)
}

// plain returns a value as JSON has it; ok is false where nothing is set, or only the file knows how to write it.
func plain(v reflect.Value) (value any, ok bool) {
	t := v.Type()
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil, false
		}
		return plain(v.Elem())
	case reflect.PointerTo(t).Implements(readerType):
		return nil, false
	case t == durationType:
		return v.Interface().(time.Duration).String(), true
	}
	if m, is := reflect.TypeAssert[encoding.TextMarshaler](v); is {
		text, err := m.MarshalText()
		return string(text), err == nil && !v.IsZero()
	}
	if reflect.PointerTo(t).Implements(textType) && v.Kind() != reflect.String {
		if s, is := reflect.TypeAssert[interface{ String() string }](v); is && !v.IsZero() {
			return s.String(), true
		}
		return nil, false
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String(), v.String() != "" || !reflect.PointerTo(t).Implements(textType)
	case v.Kind() == reflect.Bool:
		return v.Bool(), true
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return v.Uint(), true
	case v.CanFloat():
		return v.Float(), true
	case v.Kind() == reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			if item, ok := plain(v.Index(i)); ok {
				list = append(list, item)
			}
		}
		return list, !v.IsNil()
	case t == anything && !v.IsNil():
		return plain(v.Elem())
	}
	return nil, false
}
