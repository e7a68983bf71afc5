package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

type kind uint8

const (
	scalar kind = iota
	array
	table
)

// node is a value with its place. A tree of nodes is not changed once Read has returned, so that pipelines share its parts.
type node struct {
	kind   kind
	value  any // of a scalar: string, int64, float64, bool, time.Time or a local date or time of go-toml
	keys   []string
	fields map[string]*node
	items  []*node

	key, val span   // of a table that a header opened only key is known: the header's name
	from     string // the table that set it, or "env NAME" or "--set PATH"
	path     string // of a value from outside the file: the dotted path that it was given for
	text     bool   // value is a text from outside the file, to be read as the type that is wanted
	opened   opened
}

// opened says how a table came to be while a file is parsed: that decides what may still be added to it.
type opened uint8

const (
	byParent opened = iota // named on the way to a deeper table
	byHeader
	byDots
	inline // closed, as are arrays that are written as values
	listed // an array of tables: [[name]]
)

func newTable(how opened, key span) *node {
	return &node{kind: table, fields: map[string]*node{}, key: key, opened: how}
}

func (n *node) outside() bool { return n.path != "" }

func (n *node) set(key string, child *node) {
	if _, ok := n.fields[key]; !ok {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = child
}

// span returns where the value stands, or the header or key of a table.
func (n *node) span() span {
	if n.val.known() {
		return n.val
	}
	return n.key
}

// stamp notes on n and everything below it which table set it.
func (n *node) stamp(from string) {
	if n.outside() {
		return
	}
	n.from = from
	for _, child := range n.fields {
		child.stamp(from)
	}
	for _, item := range n.items {
		item.stamp(from)
	}
}

// read returns a text from outside as the TOML value that it is, or as a string if it isn't one.
func (n *node) read() *node {
	if !n.text {
		return n
	}
	if v := parseValue(n.value.(string)); v != nil {
		v.adopt(n)
		return v
	}
	return n.quoted()
}

// quoted returns a text from outside as the string that it is.
func (n *node) quoted() *node {
	q := *n
	q.text = false
	return &q
}

func (n *node) adopt(o *node) {
	n.from, n.path = o.from, o.path
	n.key, n.val = span{}, span{}
	for _, child := range n.fields {
		child.adopt(o)
	}
	for _, item := range n.items {
		item.adopt(o)
	}
}

// str returns the value of a string; a text from outside always is one.
func (n *node) str() (string, bool) {
	if n == nil || n.kind != scalar {
		return "", false
	}
	if n.text {
		if s, ok := n.read().value.(string); ok {
			return s, true
		}
	}
	s, ok := n.value.(string)
	return s, ok
}

// plain returns the value as maps, slices and scalars of its own.
func (n *node) plain() any {
	n = n.read()
	switch n.kind {
	case table:
		m := make(map[string]any, len(n.fields))
		for k, child := range n.fields {
			m[k] = child.plain()
		}
		return m
	case array:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.plain()
		}
		return list
	}
	return n.value
}

// find walks down path as far as it goes; an element of an array is named by its index. rest is what it did not find.
func (n *node) find(path []string) (found *node, rest []string) {
	for i, p := range path {
		next := n.read().child(p)
		if next == nil {
			return n, path[i:]
		}
		n = next
	}
	return n, nil
}

func (n *node) child(name string) *node {
	if n.kind != array {
		return n.fields[name]
	}
	i, err := strconv.Atoi(strings.Trim(name, "[]"))
	if err != nil || i < 0 || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// merge lays over above under: tables merge, everything else is replaced. With keepOutside a value from outside the file stays.
func merge(under, over *node, keepOutside bool) *node {
	if under == nil {
		return over
	}
	if over == nil {
		return under
	}
	if under.kind != table || over.kind != table {
		if keepOutside && under.outside() && !over.outside() {
			return under
		}
		return over
	}
	merged := *over
	merged.keys = slices.Clone(under.keys)
	merged.fields = maps.Clone(under.fields)
	for _, k := range over.keys {
		merged.set(k, merge(under.fields[k], over.fields[k], keepOutside))
	}
	return &merged
}

// keep returns a copy of a table with the keys that ok accepts.
func (n *node) keep(ok func(key string) bool) *node {
	if n == nil {
		return nil
	}
	c := *n
	c.keys, c.fields = nil, make(map[string]*node, len(n.fields))
	for _, k := range n.keys {
		if ok(k) {
			c.set(k, n.fields[k])
		}
	}
	return &c
}
