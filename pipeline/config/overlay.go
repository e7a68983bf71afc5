package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Overlay is one value from outside the file that is laid over it. Text is read as the type that is wanted at Path: as a TOML
// value if it is one that fits, otherwise as a string.
type Overlay struct {
	From string   // "env LEAT_PIPELINES__API__TIMEOUT" or "--set pipelines.api.timeout": how origins and diagnostics name it
	Path []string // the names of table and key
	Text string

	loose bool // Path matches without regard to case, and its _ also matches a -
}

const envPrefix = "LEAT_"

// FromEnviron returns the overlays among variables of the form NAME=value, as os.Environ gives them, sorted by name. Those are
// the ones that begin with LEAT_ and hold "__", which separates the names of the path: LEAT_PIPELINES__API__TIMEOUT=5s sets
// pipelines.api.timeout. One that begins as if it meant a table, LEAT_PIPELINES_API_TIMEOUT, is among them, so that reading the file
// reports it. Names match whatever their case, and "_" also matches "-".
func FromEnviron(environ []string) []Overlay {
	var overlays []Overlay
	for _, v := range environ {
		name, text, ok := strings.Cut(v, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) || !strings.Contains(name, "__") && !startsLikePath(name) {
			continue
		}
		path := strings.Split(strings.TrimPrefix(name, envPrefix), "__")
		overlays = append(overlays, Overlay{From: "env " + name, Path: path, Text: text, loose: true})
	}
	slices.SortStableFunc(overlays, func(a, b Overlay) int { return strings.Compare(a.From, b.From) })
	return overlays
}

// startsLikePath reports whether a variable begins with a table's name and was probably meant to have "__" behind it.
func startsLikePath(name string) bool {
	first, _, ok := strings.Cut(strings.TrimPrefix(name, envPrefix), "_")
	return ok && slices.Contains(tables, strings.ToLower(first))
}

// ParseSet reads the argument of --set, PATH=VALUE, as in pipelines.api.timeout=5s. A name with a dot is quoted:
// stages."my.stage".max=1.
func ParseSet(s string) (Overlay, error) {
	cut := assignment(s)
	if cut < 0 {
		return Overlay{}, fmt.Errorf("--set %q: expected PATH=VALUE, as in pipelines.api.timeout=5s", s)
	}
	path, err := splitPath(strings.TrimSpace(s[:cut]))
	if err != nil {
		return Overlay{}, fmt.Errorf("--set: %w", err)
	}
	return Overlay{From: "--set " + joinPath(path), Path: path, Text: s[cut+1:]}, nil
}

// assignment returns where the first = outside quotes is, or -1.
func assignment(s string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '=':
			return i
		}
	}
	return -1
}

// matcher finds what an overlay's path names in a file as it was parsed.
type matcher struct {
	root *node
	// stages are the names of tables and in lists: a stage may be changed from outside without a table in the file
	stages []string
}

func newMatcher(root *node) *matcher {
	m := &matcher{root: root}
	if t := root.fields["stages"]; t != nil {
		m.stages = slices.Clone(t.keys)
	}
	pipelines := root.fields["pipelines"]
	if pipelines == nil {
		return m
	}
	for _, p := range pipelines.fields {
		list := p.fields["stages"]
		if list == nil {
			continue
		}
		for _, item := range list.items {
			if name, ok := item.value.(string); ok && name != ellipsis {
				m.stages = append(m.stages, name)
			}
		}
	}
	slices.Sort(m.stages)
	m.stages = slices.Compact(m.stages)
	return m
}

// match returns the path as the file spells it. The error says what there is instead; its hint may be empty.
func (m *matcher) match(o Overlay) (path []string, hint string, err error) {
	if len(o.Path) == 1 && fold(o.Path[0]) == "version" {
		return nil, "write it in the file", fmt.Errorf("the version can not be set from outside")
	}
	name, err := o.pick(o.Path[0], tables)
	if err != nil {
		return nil, suggest(o.Path[0], "known tables", tables), fmt.Errorf("there is no table %s", o.Path[0])
	}
	if len(o.Path) < 3 {
		return nil, "", fmt.Errorf("expected a key of a table, as in %s.NAME.KEY", name)
	}
	n := m.root.fields[name]
	var known []string
	if n != nil {
		known = n.keys
	}
	if name == "stages" {
		known = m.stages
	}
	key, err := o.pick(o.Path[1], known)
	if err != nil {
		return nil, suggest(strings.ToLower(o.Path[1]), "known", known), fmt.Errorf("%s has no table %s%w", name, quoteKey(o.Path[1]), err)
	}
	path = []string{name, key}
	left := o.Path[2:]
	if over, err := o.pick(left[0], []string{"override"}); name == "pipelines" && err == nil {
		if len(left) < 3 {
			return nil, "", fmt.Errorf("expected a key of a stage, as in pipelines.%s.override.STAGE.KEY", key)
		}
		stage, err := o.pick(left[1], m.stages)
		if err != nil {
			return nil, suggest(strings.ToLower(left[1]), "known stages", m.stages), fmt.Errorf("no pipeline has a stage %s%w", quoteKey(left[1]), err)
		}
		path, left = append(path, over, stage), left[2:]
	}
	return m.matchKeys(o, path, left)
}

// matchKeys goes below a table: keys that aren't there yet are made, and judged when the table is decoded.
func (m *matcher) matchKeys(o Overlay, path, left []string) ([]string, string, error) {
	n, missing := m.root.find(path)
	if len(missing) > 0 {
		n = nil
	}
	for _, want := range left {
		if n != nil && n.kind != table {
			return nil, "set the whole value", fmt.Errorf("%s is %s: nothing inside it can be set", joinPath(path), n.noun())
		}
		if want == "" || isIndex(want) {
			return nil, "", fmt.Errorf("%q is no key", want)
		}
		key := want
		if o.loose {
			key = strings.ToLower(want)
		}
		var next *node
		if n != nil {
			name, err := o.pick(want, n.keys)
			if err == nil {
				key, next = name, n.fields[name]
			} else if !errors.Is(err, errNone) {
				return nil, "", fmt.Errorf("%s is not clear%w", joinDots(joinPath(path), want), err)
			}
		}
		if len(path)+1 > maxDepth {
			return nil, "", fmt.Errorf("more than %d tables in each other", maxDepth)
		}
		path, n = append(path, key), next
	}
	return path, "", nil
}

// errNone is what pick returns if there is no such name; the text of its errors is the end of a sentence.
var errNone = errors.New("")

// pick returns the name among known that the overlay means by want.
func (o Overlay) pick(want string, known []string) (string, error) {
	if slices.Contains(known, want) {
		return want, nil
	}
	if !o.loose {
		return "", errNone
	}
	var found []string
	for _, k := range known {
		if fold(k) == fold(want) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return "", errNone
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf(": it could mean %s", strings.Join(found, " or "))
}
