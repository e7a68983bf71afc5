package validate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// The bounds of required paths; they let a scan keep its state in registers.
const (
	maxNames = 64 // below one path
	maxEvery = 8  // [] in one path
)

// want is what a node's value must be, for there to be something below it.
type want uint8

const (
	wantAny want = iota
	wantObject
	wantList
)

func (w want) String() string { return [...]string{"a value", "an object", "a list"}[w] }

// node is a place in the body that some required path leads to or through. For every value there is at most one node: what
// "[]" and "[0]" both ask of an element stands in one.
type node struct {
	want  want
	names []string // of an object's members, in the order of the config
	below []*node  // beside names
	every *node    // of each element of a list; nil: nothing is asked of each
	at    []*node  // elements that must be there, in ascending order of places
	place []int    // beside at
	level int      // how many [] lead here
	text  []string // the path, cut where the number of a [] belongs
}

// step is one part of a path.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind uint8

const (
	stepName stepKind = iota
	stepEvery
	stepIndex
)

// compilePaths makes the tree of all paths, nil for none. Its errors are placed at the path.
func compilePaths(paths []string) (*node, error) {
	if len(paths) == 0 {
		return nil, nil //nolint:nilnil // no paths, no tree
	}
	root := &node{}
	var errs []error
	for i, p := range paths {
		steps, err := parsePath(p)
		if err == nil {
			err = root.add(steps)
		}
		if err != nil {
			errs = append(errs, &pipeline.ConfigError{
				Path: fmt.Sprintf("required[%d]", i), Message: fmt.Sprintf("%q: %v", p, err), Advice: `write a path such as "id", "user.name", "items[].id", "items[0].id" or 'meta["a.b"]'`,
			})
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if err := root.settle(); err != nil {
		return nil, pipeline.Invalid("required", "%v", err)
	}
	root.label([]string{""}, 0)
	return root, nil
}

// parsePath cuts a path into its steps.
func parsePath(path string) ([]step, error) {
	var steps []step
	every := 0
	for rest := path; rest != "" || len(steps) == 0; {
		var s step
		var err error
		if strings.HasPrefix(rest, "[") {
			s, rest, err = parseBrackets(rest)
		} else {
			if len(steps) > 0 {
				var dotted bool
				if rest, dotted = strings.CutPrefix(rest, "."); !dotted {
					return nil, errors.New("after ] a dot or [ must follow")
				}
			}
			end := strings.IndexAny(rest, ".[]\"")
			if end < 0 {
				end = len(rest)
			}
			s, rest = step{name: rest[:end]}, rest[end:]
			if s.name == "" {
				err = errors.New("a name is missing")
			} else if rest != "" && (rest[0] == ']' || rest[0] == '"') {
				err = fmt.Errorf("unexpected %c", rest[0])
			}
		}
		if err != nil {
			return nil, err
		}
		if s.kind == stepEvery {
			every++
		}
		steps = append(steps, s)
	}
	if every > maxEvery {
		return nil, fmt.Errorf("more than %d [] in one path", maxEvery)
	}
	return steps, nil
}

// parseBrackets reads [], [3] or ["name"] at the beginning of s.
func parseBrackets(s string) (step, string, error) {
	if strings.HasPrefix(s, `["`) {
		quoted, err := strconv.QuotedPrefix(s[1:])
		if err != nil || !strings.HasPrefix(s[1+len(quoted):], "]") {
			return step{}, "", errors.New(`a name in brackets ends with "]`)
		}
		name, err := strconv.Unquote(quoted)
		return step{name: name}, s[len(quoted)+2:], err
	}
	inside, rest, ok := strings.Cut(s[1:], "]")
	if !ok {
		return step{}, "", errors.New("] is missing")
	}
	if inside == "" {
		return step{kind: stepEvery}, rest, nil
	}
	i, err := strconv.ParseUint(inside, 10, 31)
	if err != nil {
		return step{}, "", fmt.Errorf("[%s] is no whole number: names in brackets stand in quotes", inside)
	}
	return step{kind: stepIndex, index: int(i)}, rest, nil
}

// add puts one path into the tree.
func (n *node) add(steps []step) error {
	for _, s := range steps {
		need := wantList
		if s.kind == stepName {
			need = wantObject
		}
		if n.want != wantAny && n.want != need {
			return fmt.Errorf("another path says %s where this one says %s", n.want, need)
		}
		n.want = need
		switch s.kind {
		case stepName:
			n = n.member(s.name)
			if n == nil {
				return fmt.Errorf("more than %d names at one place: use a schema", maxNames)
			}
		case stepIndex:
			n = n.element(s.index)
		case stepEvery:
			if n.every == nil {
				n.every = &node{}
			}
			n = n.every
		}
	}
	return nil
}

func (n *node) member(name string) *node {
	if i := slices.Index(n.names, name); i >= 0 {
		return n.below[i]
	}
	if len(n.names) == maxNames {
		return nil
	}
	n.names, n.below = append(n.names, name), append(n.below, &node{})
	return n.below[len(n.below)-1]
}

func (n *node) element(index int) *node {
	i, found := slices.BinarySearch(n.place, index)
	if !found {
		n.place, n.at = slices.Insert(n.place, i, index), slices.Insert(n.at, i, &node{})
	}
	return n.at[i]
}
