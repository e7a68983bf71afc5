package validate

import (
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest; encoding/json has the same limit.
const maxDepth = 10_000

// scanner goes once over a JSON text. It accepts exactly what encoding/json.Valid does, notes which required paths are missing,
// and builds no value: on a text without mistakes it allocates nothing.
type scanner struct {
	src   []byte
	pos   int
	depth int

	index [maxEvery]int // where in the lists it stands, one for each [] of the node's path
	found violations
	again bool // a member that something is asked below of stands there twice: what was found is void

	problem string // why src is no JSON at pos; "" while it is
	literal string // beside problem: what was to be spelt there
}

// scan reports what src lacks of root, which may be nil; or, with ok false, the scanner that stopped where src is no JSON.
func (s *scanner) scan(root *node) (ok bool) {
	if len(s.src) > 0 && (s.src[0] >= 0xef || s.src[0] == 0) || len(s.src) > 1 && s.src[1] == 0 {
		return s.fail(encodingProblem(s.src))
	}
	if !s.value(root) {
		return false
	}
	s.space()
	if s.pos < len(s.src) {
		return s.fail("something follows the JSON value")
	}
	return true
}

func (s *scanner) fail(problem string) bool {
	s.problem = problem
	return false
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		if c := s.src[s.pos]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.pos++
	}
}

// value reads one value; n is nil where nothing is asked.
func (s *scanner) value(n *node) bool {
	s.space()
	if s.pos == len(s.src) {
		return s.fail("the JSON ends too early")
	}
	switch c := s.src[s.pos]; {
	case c == '{':
		return s.object(s.is(n, wantObject, "an object"))
	case c == '[':
		return s.array(s.is(n, wantList, "a list"))
	case c == '"':
		s.is(n, wantAny, "a string")
		_, _, ok := s.str()
		return ok
	case c == '-', c >= '0' && c <= '9':
		s.is(n, wantAny, "a number")
		return s.number()
	case c == 't':
		s.is(n, wantAny, "a boolean")
		return s.word("true")
	case c == 'f':
		s.is(n, wantAny, "a boolean")
		return s.word("false")
	case c == 'n':
		s.is(n, wantAny, "null")
		return s.word("null")
	}
	return s.fail("a value must stand here")
}

// is returns n if there is something to look for below a value that is a got; it notes a value that is of another sort than n
// wants.
func (s *scanner) is(n *node, w want, got string) *node {
	if n == nil || n.want == wantAny {
		return nil
	}
	if n.want != w {
		s.found.add(mismatch(n.path(&s.index), got, n.want))
		return nil
	}
	return n
}

func (s *scanner) object(n *node) bool {
	if s.depth++; s.depth > maxDepth {
		return s.fail("the JSON nests too deep")
	}
	s.pos++
	s.space()
	var seen uint64
	for more := s.pos == len(s.src) || s.src[s.pos] != '}'; more; {
		s.space()
		if s.pos == len(s.src) {
			return s.fail("the JSON ends too early")
		}
		if s.src[s.pos] != '"' {
			return s.fail("a name in quotes must stand here")
		}
		key, plain, ok := s.str()
		if !ok {
			return false
		}
		if s.space(); s.pos == len(s.src) || s.src[s.pos] != ':' {
			return s.failAt("a colon must follow the name")
		}
		s.pos++
		var child *node
		if n != nil {
			if i := n.find(key, plain); i >= 0 {
				child = n.below[i]
				s.again = s.again || seen&(1<<i) != 0 && child.want != wantAny
				seen |= 1 << i
			}
		}
		if !s.value(child) {
			return false
		}
		if s.space(); s.pos == len(s.src) {
			return s.fail("the JSON ends too early")
		}
		switch s.src[s.pos] {
		case ',':
			s.pos++
		case '}':
			more = false
		default:
			return s.fail("a comma or } must follow the value")
		}
	}
	s.pos++
	s.depth--
	if n != nil && bits.OnesCount64(seen) < len(n.below) {
		for i, child := range n.below {
			if seen&(1<<i) == 0 {
				s.found.add(missing(child.path(&s.index)))
			}
		}
	}
	return true
}

func (s *scanner) array(n *node) bool {
	if s.depth++; s.depth > maxDepth {
		return s.fail("the JSON nests too deep")
	}
	s.pos++
	s.space()
	count, placed := 0, 0
	for more := s.pos == len(s.src) || s.src[s.pos] != ']'; more; count++ {
		var child *node
		if n != nil {
			if n.every != nil {
				child = n.every
				s.index[n.level] = count
			}
			if placed < len(n.at) && n.place[placed] == count {
				child = n.at[placed]
				placed++
			}
		}
		if !s.value(child) {
			return false
		}
		if s.space(); s.pos == len(s.src) {
			return s.fail("the JSON ends too early")
		}
		switch s.src[s.pos] {
		case ',':
			s.pos++
		case ']':
			more = false
		default:
			return s.fail("a comma or ] must follow the element")
		}
	}
	s.pos++
	s.depth--
	if n != nil {
		for _, child := range n.at[placed:] {
			s.found.add(missing(child.path(&s.index)))
		}
	}
	return true
}

// failAt is fail, or says that the text ended.
func (s *scanner) failAt(problem string) bool {
	if s.pos == len(s.src) {
		return s.fail("the JSON ends too early")
	}
	return s.fail(problem)
}

// find returns the place of the name that a key in its quotes spells, -1 if n knows no such name.
func (n *node) find(quoted []byte, plain bool) int {
	key := quoted[1 : len(quoted)-1]
	if !plain || !utf8.Valid(key) {
		var name string
		if json.Unmarshal(quoted, &name) != nil {
			return -1
		}
		key = []byte(name)
	}
	for i, name := range n.names {
		if string(key) == name {
			return i
		}
	}
	return -1
}
