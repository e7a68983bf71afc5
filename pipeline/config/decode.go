package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"
)

// Decode fills the struct that into points to, which already holds the defaults, and returns every mistake, unsorted.
//
// Fields are named by the tag `toml:"snake_name"`, exactly; a field without one is left alone. A field may be a string, a
// boolean, a number, a time.Duration (written as a string with a unit), an encoding.TextUnmarshaler (from a string), a slice
// (replaces the default), a map with string keys (keys are added to the default's), a struct, any, or a pointer to one of these. A type
// with UnmarshalConfig(value any) error gets the value as [Section.Value] would return it, and decides itself. Nothing is converted: a
// number is no string.
//
// An error from UnmarshalConfig or UnmarshalText may say more about its place, by methods: Offset() int, a rune offset into the
// string that was read, Length() int, ConfigPath() string, relative to the value, as in "rules[0].kind", and Hint() string; one
// with Secret() bool keeps the value out of the diagnostic, one with OfKey() bool is about the key, not its value. errors.Join makes
// several diagnostics.
// Into itself may be such a type: it gets the table as a map, without the host's keys.
// If a struct, into or a nested one, has Validate() error, that is called at the end; each error is placed at its ConfigPath,
// relative to that struct, unless something was found wrong there already.
//
// hostKeys are keys of the table that the host reads itself. The values that Decode sets are into's own: defaults that share a map or a
// pointer with other configs are copied before they are written to.
func (s Section) Decode(into any, hostKeys ...string) Diagnostics {
	d := &decoder{section: s, host: hostKeys, wrong: map[string]bool{}}
	d.decode(into)
	d.hide()
	return d.diags
}

// decode fills the struct that into points to from the section.
func (d *decoder) decode(into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: Decode into %T, which is no pointer to a struct", into))
	}
	if u, ok := into.(unmarshaler); ok {
		d.whole(u)
		return
	}
	if d.section.root != nil {
		d.structure(d.section.root, v.Elem(), nil)
	}
	d.validate(v.Elem(), nil)
}

// whole has a config that reads itself read the table, without the host's keys; an error without a path stands at the table's header.
func (d *decoder) whole(u unmarshaler) {
	values := map[string]any{}
	if d.section.root != nil {
		own := d.section.Without(d.host...)
		values, _ = own.root.plain().(map[string]any)
	}
	d.place(nil, u.UnmarshalConfig(values), false)
}

type unmarshaler interface{ UnmarshalConfig(value any) error }

type decoder struct {
	section Section
	host    []string
	diags   Diagnostics
	wrong   map[string]bool // paths that were reported: true; and the tables and arrays around them: false
	secrets []span          // values that no diagnostic may show

	values bool         // the section stands in no file: see DecodeValues
	hidden map[int]bool // by index in diags: it is about a secret
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	configType   = reflect.TypeFor[unmarshaler]()
)

func (d *decoder) report(n *node, sp span, path []string, hint, format string, args ...any) {
	d.mark(path)
	d.diags = append(d.diags, d.section.file.diagnostic(n, sp, joinPath(path), fmt.Sprintf(format, args...), hint))
}

// mark notes that path was reported: what Validate says about it need not follow.
func (d *decoder) mark(path []string) {
	for i := range path {
		if around := joinPath(path[:i]); !d.wrong[around] {
			d.wrong[around] = false
		}
	}
	d.wrong[joinPath(path)] = true
}

func (d *decoder) mismatch(n *node, path []string, want string) {
	hint := ""
	switch {
	case want != "an array":
	case n.kind == scalar:
		hint = "write [" + n.words() + "]"
	case n.opened == inline:
		hint = "write [{ … }]"
	default:
		hint = "a table of an array begins with two brackets: [[…]]"
	}
	if n.text {
		n = n.quoted()
	}
	d.report(n, n.span(), path, hint, "expected %s, found %s", want, n.found())
}

// value decodes n into v, which can be set.
func (d *decoder) value(n *node, v reflect.Value, path []string) {
	if n.text {
		d.text(n, v, path)
		return
	}
	t := v.Type()
	switch {
	case reflect.PointerTo(t).Implements(configType):
		d.failed(n, path, v.Addr().Interface().(unmarshaler).UnmarshalConfig(n.plain()))
		return
	case t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		d.value(n, fresh.Elem(), path)
		v.Set(fresh)
		return
	case t == durationType:
		d.duration(n, v, path)
		return
	case reflect.PointerTo(t).Implements(textType):
		if s, ok := n.value.(string); ok {
			d.failed(n, path, v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)))
		} else {
			d.mismatch(n, path, "a string")
		}
		return
	}
	d.kind(n, v, path)
}

func (d *decoder) kind(n *node, v reflect.Value, path []string) {
	switch k := v.Kind(); {
	case k == reflect.String:
		if s, ok := n.value.(string); ok {
			v.SetString(s)
			return
		}
		d.mismatch(n, path, "a string")
	case k == reflect.Bool:
		if b, ok := n.value.(bool); ok {
			v.SetBool(b)
			return
		}
		d.mismatch(n, path, "true or false")
	case v.CanInt():
		d.integer(n, path, v.OverflowInt, v.SetInt, v.Type().Bits())
	case v.CanUint():
		d.integer(n, path, func(i int64) bool { return i < 0 || v.OverflowUint(uint64(i)) }, func(i int64) { v.SetUint(uint64(i)) }, -v.Type().Bits()) //nolint:gosec // i is not negative there
	case v.CanFloat():
		d.float(n, v, path)
	case k == reflect.Slice:
		d.slice(n, v, path)
	case k == reflect.Map && v.Type().Key().Kind() == reflect.String:
		d.mapping(n, v, path)
	case k == reflect.Struct:
		if n.kind != table {
			d.mismatch(n, path, "a table")
			return
		}
		d.structure(n, v, path)
	case k == reflect.Interface && v.NumMethod() == 0:
		v.Set(reflect.ValueOf(n.plain()))
	default:
		panic(fmt.Sprintf("config: a field of type %s can not be decoded into", v.Type()))
	}
}

// text decodes a value from outside: as the TOML value that it is, if that fits, otherwise as a string.
func (d *decoder) text(n *node, v reflect.Value, path []string) {
	typed, quoted := n.read(), n.quoted()
	if s, ok := typed.value.(string); ok && s == n.value {
		d.value(quoted, v, path)
		return
	}
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	try := decoder{section: d.section, wrong: map[string]bool{}}
	if try.value(typed, v, path); len(try.diags) == 0 {
		return
	}
	v.Set(before)
	again := decoder{section: d.section, wrong: map[string]bool{}}
	if again.value(quoted, v, path); len(again.diags) == 0 {
		return
	}
	if _, isString := typed.value.(string); !isString && typed.kind == scalar && wantsString(v.Type()) {
		try = again
	}
	d.diags = append(d.diags, try.diags...) // from outside the file: there is no line to hide a secret in
	d.mark(path)
}

// wantsString reports whether a text that is read into t was meant as a string.
func wantsString(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	p := reflect.PointerTo(t)
	return t.Kind() == reflect.String || p.Implements(textType) || p.Implements(configType)
}

func (d *decoder) duration(n *node, v reflect.Value, path []string) {
	switch x := n.value.(type) {
	case string:
		got, err := time.ParseDuration(x)
		if err != nil {
			what := quote(clip(x))
			if n.outside() {
				what = "the value"
			}
			d.report(n, n.val, path, `write a number and a unit: "1.5s", "250ms", "2m"`, "%s is not a duration", what)
			return
		}
		v.SetInt(int64(got))
	case int64, float64:
		d.report(n, n.val, path, fmt.Sprintf("write %q", n.literal()+"s"), "a duration needs a unit: %q", n.literal()+"s")
	default:
		d.mismatch(n, path, `a duration such as "5s"`)
	}
}

func (d *decoder) integer(n *node, path []string, overflows func(int64) bool, set func(int64), bits int) {
	i, ok := n.value.(int64)
	switch {
	case !ok:
		d.mismatch(n, path, "an integer")
	case overflows(i) && bits < 0:
		d.report(n, n.val, path, "", "%d does not fit: write an integer from 0 to %d", i, uint64(math.MaxUint64)>>(64+bits))
	case overflows(i):
		d.report(n, n.val, path, "", "%d does not fit: write an integer from %d to %d", i, int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits))
	default:
		set(i)
	}
}

func (d *decoder) float(n *node, v reflect.Value, path []string) {
	f, ok := n.value.(float64)
	if i, isInt := n.value.(int64); isInt {
		f, ok = float64(i), true
	}
	switch {
	case !ok:
		d.mismatch(n, path, "a number")
	case v.OverflowFloat(f):
		d.report(n, n.val, path, "", "%v does not fit", f)
	default:
		v.SetFloat(f)
	}
}

func (d *decoder) slice(n *node, v reflect.Value, path []string) {
	if n.kind != array {
		d.mismatch(n, path, "an array")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.value(item, list.Index(i), below(path, index(i)))
	}
	v.Set(list)
}

func (d *decoder) mapping(n *node, v reflect.Value, path []string) {
	if n.kind != table {
		d.mismatch(n, path, "a table")
		return
	}
	t := v.Type()
	m := reflect.MakeMapWithSize(t, len(n.keys)+v.Len())
	for it := v.MapRange(); it.Next(); {
		m.SetMapIndex(it.Key(), it.Value())
	}
	for _, k := range n.keys {
		key := reflect.ValueOf(k).Convert(t.Key())
		elem := reflect.New(t.Elem()).Elem()
		if old := m.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		d.value(n.fields[k], elem, below(path, k))
		m.SetMapIndex(key, elem)
	}
	v.Set(m)
}

func (d *decoder) structure(n *node, v reflect.Value, path []string) {
	fields := fieldsOf(v.Type())
	for _, k := range n.keys {
		if len(path) == 0 && slices.Contains(d.host, k) {
			continue
		}
		child := n.fields[k]
		if f, ok := fields.named(k); ok {
			d.value(child, v.FieldByIndex(f.index), below(path, k))
			continue
		}
		known := fields.names()
		if len(path) == 0 {
			known = append(known, d.host...)
		}
		sp := child.key
		if child.outside() || !sp.known() {
			sp = child.span()
		}
		d.report(child, sp, below(path, k), suggest(k, "known keys", known), "unknown key %s", quoteKey(k))
		if near, ok := Nearest(k, known); ok {
			d.mark(below(path, near))
		}
	}
}

func below(path []string, name string) []string { return append(slices.Clip(path), name) }
