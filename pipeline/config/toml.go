package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// This file alone touches go-toml: its unstable parser changes between minor versions, and TestParse pins what we rely on.

const (
	maxDepth        = 32 // tables and arrays in each other
	maxSyntaxErrors = 20
)

// tree builds nodes from the expressions of a file in one walk.
type tree struct {
	src    *source
	data   []byte
	base   int // where in data the parser was last set on
	parser unstable.Parser
	root   *node
	at     *node // the table that the last header opened
	path   []string
	diags  Diagnostics
	broken bool // a syntax error: parts of the file are missing
}

// parse reads a whole file. After a syntax error it goes on where the next line or table begins.
func parse(src *source, data []byte) *tree {
	t := &tree{src: src, data: slices.Clip(data), root: newTable(byHeader, span{})}
	t.at = t.root
	for start, errs := 0, 0; start >= 0 && errs < maxSyntaxErrors; errs++ {
		t.base = start
		t.parser.Reset(t.data[start:])
		done := start
		for t.parser.NextExpression() {
			done = t.expression(t.parser.Expression())
		}
		err := t.parser.Error()
		if err == nil {
			break
		}
		t.broken = true
		sp, message := t.failure(err)
		start = t.recover(sp, message, start, done)
	}
	return t
}

// parseValue reads a text from outside the file as one TOML value, or returns nil if it isn't one.
func parseValue(text string) *node {
	const key = "v="
	data := []byte(key + strings.TrimSpace(text))
	t := parse(newSource("", string(data)), data)
	v := t.root.fields["v"]
	if len(t.diags) > 0 || len(t.root.keys) != 1 || v == nil || v.opened == byDots {
		return nil
	}
	return v
}

func (t *tree) report(sp span, path []string, hint, format string, args ...any) {
	t.diags = append(t.diags, t.src.diagnostic(sp, joinPath(path), fmt.Sprintf(format, args...), hint))
}

func (t *tree) span(r unstable.Range) span {
	return span{t.base + int(r.Offset), t.base + int(r.Offset+r.Length)}
}

// expression takes one line's header or key and value into the tree and returns where it ends.
func (t *tree) expression(e *unstable.Node) (end int) {
	names, spans := t.key(e)
	if e.Kind == unstable.KeyValue {
		t.keyValue(t.at, t.path, e, names, spans, len(t.path))
		return t.span(e.Raw).end
	}
	t.header(names, spans, e.Kind == unstable.ArrayTable)
	return spans[len(spans)-1].end
}

func (t *tree) key(e *unstable.Node) (names []string, spans []span) {
	for it := e.Key(); it.Next(); {
		names = append(names, string(it.Node().Data))
		spans = append(spans, t.span(it.Node().Raw))
	}
	return names, spans
}

func (t *tree) header(names []string, spans []span, list bool) {
	whole := span{spans[0].start, spans[len(spans)-1].end}
	t.path, t.at = names, newTable(byHeader, whole) // what follows a refused header is read, and dropped
	if len(names) > maxDepth {
		t.report(whole, nil, "", "more than %d tables in each other", maxDepth)
		return
	}
	at := t.root
	last := len(names) - 1
	for i, name := range names[:last] {
		next := at.fields[name]
		if next == nil {
			next = newTable(byParent, spans[i])
			at.set(name, next)
		}
		if next.opened == listed {
			next = next.items[len(next.items)-1]
		}
		if next.kind != table || next.opened == inline {
			t.report(spans[i], names[:i+1], "", "%s is already %s, set on line %d", joinPath(names[:i+1]), next.noun(), t.lineOf(next))
			return
		}
		at = next
	}
	old := at.fields[names[last]]
	switch {
	case list && old == nil:
		t.at.val = span{}
		at.set(names[last], &node{kind: array, opened: listed, key: whole, items: []*node{t.at}})
	case list && old.opened == listed:
		old.items = append(old.items, t.at)
	case !list && old == nil:
		at.set(names[last], t.at)
	case !list && old.kind == table && old.opened == byParent:
		old.opened, old.key = byHeader, whole
		t.at = old
	default:
		t.report(whole, names, "write everything about it in one place", "%s is already defined on line %d", joinPath(names), t.lineOf(old))
	}
}

func (t *tree) keyValue(at *node, path []string, e *unstable.Node, names []string, spans []span, depth int) {
	last := len(names) - 1
	full := append(append([]string(nil), path...), names...)
	if depth += len(names); depth > maxDepth {
		t.report(spans[last], nil, "", "more than %d tables and arrays in each other", maxDepth)
		return
	}
	for i, name := range names[:last] {
		next := at.fields[name]
		if next == nil {
			next = newTable(byDots, spans[i])
			at.set(name, next)
		}
		if next.kind != table || next.opened == inline || next.opened == byHeader {
			where := full[:len(path)+i+1]
			t.report(spans[i], where, "", "%s is already %s, set on line %d", joinPath(where), next.noun(), t.lineOf(next))
			return
		}
		at = next
	}
	if old := at.fields[names[last]]; old != nil {
		t.report(spans[last], full, "keep one of the two", "%s is already set on line %d", joinPath(full), t.lineOf(old))
		return
	}
	value := t.value(e.Value(), t.valueStart(spans[last].end), full, depth)
	value.key = spans[last]
	if e.Value().Kind == unstable.Array || e.Value().Kind == unstable.InlineTable {
		value.val.end = t.span(e.Raw).end
	}
	at.set(names[last], value)
}

// valueStart returns where the value after a key begins.
func (t *tree) valueStart(i int) int {
	for i < len(t.data) && strings.IndexByte(" \t=", t.data[i]) >= 0 {
		i++
	}
	return i
}

// value builds the node of a value that starts at start: the parser keeps no range of arrays and a short one of inline tables.
func (t *tree) value(e *unstable.Node, start int, path []string, depth int) *node {
	switch e.Kind {
	case unstable.Array:
		return t.array(e, start, path, depth+1)
	case unstable.InlineTable:
		n := newTable(byDots, span{})
		end := start + 1
		for it := e.Children(); it.Next(); {
			names, spans := t.key(it.Node())
			t.keyValue(n, path, it.Node(), names, spans, depth)
			end = t.span(it.Node().Raw).end
		}
		n.opened, n.val = inline, span{start, t.skip(end) + 1}
		return n
	}
	n := &node{val: t.span(e.Raw)}
	var err error
	if n.value, err = scalarOf(e); err != nil {
		t.report(n.val, path, "", "%v", err)
	}
	return n
}

func (t *tree) array(e *unstable.Node, start int, path []string, depth int) *node {
	n := &node{kind: array, opened: inline}
	if depth > maxDepth {
		t.report(span{start, start + 1}, nil, "", "more than %d tables and arrays in each other", maxDepth)
		n.val = span{start, start + 1}
		return n
	}
	end := start + 1
	for it := e.Children(); it.Next(); {
		end = t.skip(end)
		item := t.value(it.Node(), end, append(slices.Clip(path), "["+strconv.Itoa(len(n.items))+"]"), depth)
		n.items = append(n.items, item)
		end = item.val.end
	}
	n.val = span{start, t.skip(end) + 1}
	return n
}

// skip steps over what may stand between two values of an array or an inline table.
func (t *tree) skip(i int) int {
	for i < len(t.data) {
		switch t.data[i] {
		case ' ', '\t', '\r', '\n', ',':
			i++
		case '#':
			for i < len(t.data) && t.data[i] != '\n' {
				i++
			}
		default:
			return i
		}
	}
	return i
}

func (t *tree) lineOf(n *node) int { return t.src.position(n.key.start).Line }

func scalarOf(e *unstable.Node) (any, error) {
	raw := string(e.Data)
	switch e.Kind {
	case unstable.String:
		return raw, nil
	case unstable.Bool:
		return raw == "true", nil
	case unstable.Integer:
		v, err := strconv.ParseInt(strings.ReplaceAll(raw, "_", ""), 0, 64)
		if err != nil {
			return int64(0), errors.New("the integer does not fit into 64 bits")
		}
		return v, nil
	case unstable.Float:
		plain := strings.ReplaceAll(raw, "_", "")
		if strings.HasSuffix(plain, "nan") {
			plain = "nan"
		}
		v, err := strconv.ParseFloat(plain, 64)
		if err != nil {
			return float64(0), errors.New("the number does not fit into 64 bits")
		}
		return v, nil
	}
	var date struct{ V any }
	if err := toml.Unmarshal([]byte("V = "+raw), &date); err != nil {
		return raw, errors.New("not a date or time")
	}
	return date.V, nil
}

// failure returns what the parser said and where.
func (t *tree) failure(err error) (sp span, message string) {
	if perr, ok := errors.AsType[*unstable.ParserError](err); ok {
		return t.span(t.parser.Range(perr.Highlight)), perr.Message
	}
	return span{t.base, t.base + 1}, err.Error()
}
