package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
)

// DiagnoseError returns err as diagnostics, one for each error that errors.Join put together. An error is placed as Decode places it: at
// its ConfigPath() string, relative to the section, at its Offset() in the string there, with its Hint().
// Without a path it stands at the table's header.
func (s Section) DiagnoseError(err error) Diagnostics {
	d := &decoder{section: s, wrong: map[string]bool{}}
	d.place(nil, err, false)
	d.hide()
	return d.diags
}

// validate calls Validate on v and the structs inside it, inner ones first.
func (d *decoder) validate(v reflect.Value, path []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			d.validate(v.Elem(), path)
		}
		return
	case reflect.Slice:
		for i := range v.Len() {
			d.validate(v.Index(i), below(path, index(i)))
		}
		return
	case reflect.Map:
		for it := v.MapRange(); it.Next() && it.Key().Kind() == reflect.String; {
			elem := reflect.New(v.Type().Elem()).Elem()
			elem.Set(it.Value())
			d.validate(elem, below(path, it.Key().String()))
		}
		return
	case reflect.Struct:
	default:
		return
	}
	p := reflect.PointerTo(v.Type())
	if len(path) > 0 && (p.Implements(configType) || p.Implements(textType)) {
		return // it has judged itself
	}
	for _, f := range fieldsOf(v.Type()) {
		d.validate(v.FieldByIndex(f.index), below(path, f.name))
	}
	if val, ok := reflect.TypeAssert[interface{ Validate() error }](v.Addr()); ok {
		d.place(path, val.Validate(), true)
	}
}

// failed reports what UnmarshalConfig or UnmarshalText returned for n.
func (d *decoder) failed(n *node, path []string, err error) {
	for _, e := range leaves(err) {
		at, more := d.descend(n, e)
		d.point(at, append(slices.Clip(path), more...), e)
	}
}

// place reports errors about the value at path of the section. With once those are left out that follow from a mistake that
// was reported already.
func (d *decoder) place(path []string, err error, once bool) {
	for _, e := range leaves(err) {
		more := configPath(e)
		full := append(slices.Clip(path), more...)
		if once && d.known(full) {
			continue
		}
		if d.section.root == nil {
			d.diags = append(d.diags, d.section.Diagnose(full, hintOf(e), "%s", e.Error()))
			continue
		}
		n, missing := d.section.root.find(full)
		if len(missing) > 0 {
			// At the innermost table that is there; an offset would mean nothing in it.
			d.diags = append(d.diags, d.section.Diagnose(full, hintOf(e), "%s", e.Error()))
			continue
		}
		d.point(n, full, e)
	}
}

// known reports whether something at path, above it or, for a whole table, below it was reported.
func (d *decoder) known(path []string) bool {
	for i := range path {
		if d.wrong[joinPath(path[:i])] {
			return true
		}
	}
	_, ok := d.wrong[joinPath(path)]
	return ok
}

func (d *decoder) descend(n *node, err error) (at *node, path []string) {
	path = configPath(err)
	at, rest := n.find(path)
	return at, path[:len(path)-len(rest)]
}

// point reports err at n, or inside n's string if err has an offset.
func (d *decoder) point(n *node, path []string, err error) {
	sp := n.span()
	var key interface{ OfKey() bool }
	if errors.As(err, &key) && key.OfKey() && n.key.known() && !n.outside() {
		sp = n.key
	}
	from, length := 0, 1
	var offset interface{ Offset() int }
	if _, isString := n.value.(string); isString && errors.As(err, &offset) && offset.Offset() >= 0 {
		from = offset.Offset() + 1
		var l interface{ Length() int }
		if errors.As(err, &l) {
			length = max(1, l.Length())
		}
		if n.val.known() {
			sp = d.section.file.src.inside(n.val, from-1, length)
		}
	}
	d.report(n, sp, path, hintOf(err), "%s", err.Error())
	var s interface{ Secret() bool }
	secret := errors.As(err, &s) && s.Secret()
	if secret && n.val.known() {
		d.secrets = append(d.secrets, n.val)
	}
	d.unplaced(from, length, secret)
}

// mask takes what stands at sp out of the source line, and leaves the columns as they are.
func (d *Diagnostic) mask(src *source, sp span) {
	if d.Line == 0 || d.Source == "" {
		return
	}
	start := src.lines[d.Line-1]
	end := start + len(d.Source)
	from, to := max(sp.start, start), min(sp.end, end)
	if from < to {
		d.Source = d.Source[:from-start] + strings.Repeat("*", src.runes(from, to)) + d.Source[to-start:]
	}
}

// hide masks sp in every diagnostic, because another mistake may stand on the same line.
func (d *decoder) hide() {
	for i := range d.diags {
		for _, sp := range d.secrets {
			d.diags[i].mask(d.section.file.src, sp)
		}
	}
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	var texts []string
	for _, e := range joined.Unwrap() {
		list = append(list, leaves(e)...)
		texts = append(texts, e.Error())
	}
	if strings.Join(texts, "\n") != err.Error() {
		return []error{err} // fmt.Errorf with several %w: one error, whose text is its own
	}
	return list
}

func configPath(err error) []string {
	var placed interface{ ConfigPath() string }
	if !errors.As(err, &placed) || placed.ConfigPath() == "" {
		return nil
	}
	path, perr := splitPath(placed.ConfigPath())
	if perr != nil {
		return []string{placed.ConfigPath()}
	}
	return path
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
