package config

import (
	"errors"
	"slices"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// parser is our parser as koanf sees it: the map for koanf and, beside it, the tree that knows where everything stands.
type parser struct {
	src  *source
	tree *tree
}

// Unmarshal implements koanf.Parser, and keeps the tree.
func (p *parser) Unmarshal(data []byte) (map[string]any, error) {
	p.tree = parse(p.src, data)
	return outline(p.tree.root), nil
}

// Marshal implements koanf.Parser; nothing is ever written.
func (p *parser) Marshal(map[string]any) ([]byte, error) { return nil, errors.ErrUnsupported }

// outline is a tree as the map that koanf merges. What koanf would only replace as a whole is left out of it.
func outline(n *node) map[string]any {
	m := make(map[string]any, len(n.fields))
	for k, child := range n.fields {
		if child.kind == table {
			m[k] = outline(child)
		} else {
			m[k] = inFile{}
		}
	}
	return m
}

// inFile stands in koanf's map for a value of the file's tree, outsider for the overlay with that index.
type (
	inFile   struct{}
	outsider int
)

// load reads the file and lays the overlays over it. It reports false if there was a syntax error.
func (f *File) load(data []byte, overlays []Overlay) bool {
	p := &parser{src: f.src}
	// The delimiter can stand in no key, so that koanf takes none apart; a Koanf per load, because a second load into one keeps
	// keys that the file no longer has.
	k := koanf.New("\x00")
	if err := k.Load(rawbytes.Provider(data), p); err != nil {
		f.diags = append(f.diags, Diagnostic{File: f.src.name, Message: err.Error()})
		return false
	}
	f.diags = append(f.diags, p.tree.diags...)
	if p.tree.broken {
		return false
	}
	if len(overlays) > 0 {
		if err := k.Load(confmap.Provider(f.place(p.tree.root, overlays), ""), nil); err != nil {
			f.diags = append(f.diags, Diagnostic{File: f.src.name, Message: err.Error()})
			return false
		}
	}
	f.root = weave(k.Raw(), p.tree.root, overlays, nil)
	return true
}

// place returns the overlays as a map over the file; those that match nothing become diagnostics. Of two for one place the later
// one stays.
func (f *File) place(root *node, overlays []Overlay) map[string]any {
	m := newMatcher(root)
	top := map[string]any{}
	for i, o := range overlays {
		path, hint, err := []string(nil), "", errors.New("names no key")
		if len(o.Path) > 0 {
			path, hint, err = m.match(o)
		}
		if err != nil {
			f.diags = append(f.diags, Diagnostic{File: o.From, Path: joinPath(o.Path), Message: err.Error(), Hint: hint})
			continue
		}
		at := top
		for _, p := range path[:len(path)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[p] = next
			}
			at = next
		}
		at[path[len(path)-1]] = outsider(i)
	}
	return top
}

// weave makes the tree of what koanf merged: the file's nodes, with those of overlays among them.
func weave(merged map[string]any, old *node, overlays []Overlay, path []string) *node {
	n := *old
	n.keys, n.fields = nil, make(map[string]*node, len(merged))
	for _, k := range order(old.keys, merged) {
		child := old.fields[k]
		at := append(slices.Clip(path), k)
		switch v := merged[k].(type) {
		case map[string]any:
			if child == nil || child.kind != table {
				child = outsideTable(v, overlays, at)
			}
			child = weave(v, child, overlays, at)
		case outsider:
			o := overlays[v]
			child = &node{value: o.Text, text: true, from: o.From, path: joinPath(at)}
		}
		n.set(k, child)
	}
	return &n
}

// outsideTable is the table that only overlays made: it bears the name of the first of them.
func outsideTable(m map[string]any, overlays []Overlay, path []string) *node {
	n := &node{kind: table, path: joinPath(path), from: overlays[first(m)].From}
	return n
}

func first(m map[string]any) outsider {
	least := outsider(-1)
	for _, v := range m {
		i, ok := v.(outsider)
		if sub, isMap := v.(map[string]any); isMap {
			i, ok = first(sub), true
		}
		if ok && (least < 0 || i < least) {
			least = i
		}
	}
	return least
}

// order returns the keys of merged: those of the file as it has them, then the rest by name.
func order(keys []string, merged map[string]any) []string {
	if len(keys) == len(merged) {
		return keys
	}
	known := make(map[string]bool, len(keys))
	for _, k := range keys {
		known[k] = true
	}
	var more []string
	for k := range merged {
		if !known[k] {
			more = append(more, k)
		}
	}
	slices.Sort(more)
	return append(slices.Clip(keys), more...)
}
