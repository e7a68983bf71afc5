package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Mistake is something wrong with values that stand in no file.
type Mistake struct {
	Path    string // "rules[0].match"; "" is the whole table
	Message string
	Hint    string
	Secret  bool // the value at Path must not be shown
	Offset  int  // in runes into the string at Path, counted from 1; 0: the whole value is meant
	Length  int  // in runes, where there is an offset
}

// DecodeValues is [Section.Decode] for a table that another program has read from a file and sent as JSON: maps, slices, strings, booleans
// and numbers, float64 or, so that no integer is lost, json.Number. It returns every mistake, in the order of their paths.
func DecodeValues(values map[string]any, into any) []Mistake {
	d := &decoder{section: Section{file: &File{}}, wrong: map[string]bool{}, values: true}
	d.section.root = d.tree(values, nil)
	d.decode(into)
	list := make([]Mistake, len(d.diags))
	for i, diag := range d.diags {
		list[i] = Mistake{Path: diag.Path, Message: diag.Message, Hint: diag.Hint, Offset: diag.Column, Length: diag.Length, Secret: d.hidden[i]}
	}
	slices.SortStableFunc(list, func(a, b Mistake) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// tree makes the nodes of a value; what no file can hold is a mistake.
func (d *decoder) tree(value any, path []string) *node {
	switch v := value.(type) {
	case map[string]any:
		n := newTable(byHeader, span{})
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if child := d.tree(v[k], below(path, k)); child != nil {
				n.set(k, child)
			}
		}
		return n
	case []any:
		n := &node{kind: array}
		for i, item := range v {
			if child := d.tree(item, below(path, index(i))); child != nil {
				n.items = append(n.items, child)
			}
		}
		return n
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return &node{value: i}
		}
		if f, err := v.Float64(); err == nil {
			return &node{value: f}
		}
	case string, bool, int64, float64:
		return &node{value: v}
	}
	n := &node{value: value}
	d.report(n, span{}, path, "", "a value that no file can hold: %v", value)
	return nil
}

// unplaced notes of the mistake that was reported last what its place in a file would tell.
func (d *decoder) unplaced(offset, length int, secret bool) {
	if !d.values {
		return
	}
	last := len(d.diags) - 1
	if offset > 0 {
		d.diags[last].Column, d.diags[last].Length = offset, length
	}
	if secret {
		if d.hidden == nil {
			d.hidden = map[int]bool{}
		}
		d.hidden[last] = true
	}
}
