package config

import (
	"reflect"
	"slices"
	"strings"
)

// Walk calls visit for each value that [Section.Decode] can set in the struct that config points to, in the order of its fields. Tables,
// maps and lists of tables are walked into, those of type any too; a list of anything else is one value, as is a type that reads itself.
// path is as Section.Value takes it and belongs to visit.
func Walk(config any, visit func(path []string, value reflect.Value)) {
	walk(reflect.ValueOf(config).Elem(), nil, visit)
}

func walk(v reflect.Value, path []string, visit func([]string, reflect.Value)) {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	t := v.Type()
	p := reflect.PointerTo(t)
	switch {
	case v.Kind() == reflect.Map && v.Len() > 0:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			walk(v.MapIndex(key), below(path, key.String()), visit)
		}
	case len(path) > 0 && (p.Implements(configType) || p.Implements(textType)):
		visit(path, v)
	case v.Kind() == reflect.Struct:
		for _, f := range fieldsOf(t) {
			walk(v.FieldByIndex(f.index), below(path, f.name), visit)
		}
	case v.Kind() == reflect.Slice && v.Len() > 0 && holdsTables(t.Elem()):
		for i := range v.Len() {
			walk(v.Index(i), below(path, index(i)), visit)
		}
	default:
		visit(path, v)
	}
}

func holdsTables(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	if p.Implements(configType) || p.Implements(textType) {
		return false
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map || t.Kind() == reflect.Interface
}
