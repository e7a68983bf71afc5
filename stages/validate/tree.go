package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// settle gives every element that is asked for by number what is asked of each element as well.
func (n *node) settle() error {
	for _, one := range n.at {
		if n.every != nil {
			if err := one.merge(n.every); err != nil {
				return err
			}
		}
		if err := one.settle(); err != nil {
			return err
		}
	}
	if n.every != nil {
		if err := n.every.settle(); err != nil {
			return err
		}
	}
	for _, child := range n.below {
		if err := child.settle(); err != nil {
			return err
		}
	}
	return nil
}

// merge adds to n what other asks. They share no node afterwards.
func (n *node) merge(other *node) error {
	if other.want == wantAny {
		return nil
	}
	if n.want != wantAny && n.want != other.want {
		return fmt.Errorf("one path says %s where another says %s", n.want, other.want)
	}
	n.want = other.want
	for i, name := range other.names {
		child := n.member(name)
		if child == nil {
			return fmt.Errorf("more than %d names at one place: use a schema", maxNames)
		}
		if err := child.merge(other.below[i]); err != nil {
			return err
		}
	}
	for i, place := range other.place {
		if err := n.element(place).merge(other.at[i]); err != nil {
			return err
		}
	}
	if other.every == nil {
		return nil
	}
	if n.every == nil {
		n.every = &node{}
	}
	return n.every.merge(other.every)
}

// label writes each node's path, cut at every [] that leads to it.
func (n *node) label(text []string, level int) {
	n.text, n.level = text, level
	last := len(text) - 1
	extend := func(more string) []string {
		longer := slices.Clone(text)
		longer[last] += more
		return longer
	}
	for i, name := range n.names {
		n.below[i].label(extend(member(name, level == 0 && text[0] == "")), level)
	}
	for i, place := range n.place {
		n.at[i].label(extend("["+strconv.Itoa(place)+"]"), level)
	}
	if n.every != nil {
		n.every.label(append(extend("["), "]"), level+1)
	}
}

// path returns the node's path with the numbers of the elements that it was reached through.
func (n *node) path(index *[maxEvery]int) string {
	var b strings.Builder
	for i, part := range n.text {
		if i > 0 {
			b.WriteString(strconv.Itoa(index[i-1]))
		}
		b.WriteString(part)
	}
	return whole(b.String())
}

// whole names the body itself where a path is empty.
func whole(path string) string {
	if path == "" {
		return "the body"
	}
	return path
}

// member writes a name as one step of a path.
func member(name string, first bool) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && r != '$' && r != '@' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	switch {
	case !plain:
		return "[" + strconv.Quote(name) + "]"
	case first:
		return name
	}
	return "." + name
}

// maxViolations bounds what one error lists.
const maxViolations = 50

// violations are sentences about a body, each with its path; only the first are kept.
type violations struct {
	list []string
	more int
}

// add keeps a sentence, once: a field may be missing by the file's word and by the schema's.
func (v *violations) add(sentence string) {
	if slices.Contains(v.list, sentence) {
		return
	}
	if len(v.list) == maxViolations {
		v.more++
		return
	}
	v.list = append(v.list, sentence)
}

func (v *violations) empty() bool { return len(v.list) == 0 }

// all returns the list, with a last line for those that were not kept.
func (v *violations) all() []string {
	if v.more == 0 {
		return v.list
	}
	return append(v.list, fmt.Sprintf("… and %d more", v.more))
}

// summary is the first sentence and how many there are beside it.
func (v *violations) summary() string {
	if rest := len(v.list) + v.more - 1; rest > 0 {
		return fmt.Sprintf("%s (and %d more)", v.list[0], rest)
	}
	return v.list[0]
}

func missing(path string) string { return path + ": missing" }

func mismatch(path, got string, w want) string { return path + ": " + got + ", not " + w.String() }
