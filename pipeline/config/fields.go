package config

import (
	"reflect"
	"slices"
	"strings"
)

type field struct {
	name  string
	index []int
}

type fieldList []field

// fieldsOf lists the fields that have a name in the file; those of an embedded struct without a tag count as the outer one's.
func fieldsOf(t reflect.Type) fieldList {
	var list fieldList
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(f.Type) {
				list = append(list, field{inner.name, append(slices.Clone(f.Index), inner.index...)})
			}
		case f.IsExported() && name != "" && name != "-":
			list = append(list, field{name, f.Index})
		}
	}
	return list
}

func (l fieldList) named(name string) (field, bool) {
	i := slices.IndexFunc(l, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return l[i], true
}

func (l fieldList) names() []string {
	names := make([]string, len(l))
	for i, f := range l {
		names[i] = f.name
	}
	return names
}
