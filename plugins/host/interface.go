package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Interface is what a plugin says about itself: what it is, and the types that it serves. It is not changed once it was made.
type Interface struct {
	Name    string `json:"name,omitempty"`    // of the program, for people
	Version string `json:"version,omitempty"` // of the program, for people
	SDK     string `json:"sdk,omitempty"`     // "go 0.6.0": who speaks the protocol
	Types   []Type `json:"types"`             // in alphabetical order
}

// Type is one type of stage that a plugin serves.
type Type struct {
	Name   string          `json:"name"`          // "hmac": the file says PLUGIN/hmac
	Doc    string          `json:"doc,omitempty"` // one sentence
	Needs  pipeline.Needs  `json:"needs"`         // the most that any config of it may ask for
	Schema json.RawMessage `json:"schema"`        // JSON Schema of the config
}

const (
	maxTypes  = 256
	maxSchema = 256 << 10 // bytes
)

// interfaceFrom reads what a plugin has answered to Describe. A plugin is not trusted: what can't be meant is an error.
func interfaceFrom(d *wire.DescribeResponse) (*Interface, error) {
	i := &Interface{Name: line(d.GetName()), Version: line(d.GetVersion()), SDK: line(d.GetSdk())}
	if len(d.GetTypes()) == 0 {
		return nil, errors.New("it serves no types")
	}
	if len(d.GetTypes()) > maxTypes {
		return nil, fmt.Errorf("it serves %d types, more than %d", len(d.GetTypes()), maxTypes)
	}
	for _, t := range d.GetTypes() {
		if !isTypeName(t.GetName()) {
			return nil, fmt.Errorf("it serves a type %q: a name is made of letters, digits, hyphens and underscores", clip(line(t.GetName())))
		}
		needs, err := wire.NeedsFrom(t.GetNeeds())
		if err != nil {
			return nil, fmt.Errorf("the needs of its type %s: %w", t.GetName(), err)
		}
		schema, err := canonical(t.GetSchema())
		if err == nil {
			_, err = compile(schema)
		}
		if err != nil {
			return nil, fmt.Errorf("the schema of its type %s: %w", t.GetName(), err)
		}
		for _, key := range keysOf(schema) {
			if slices.Contains(hostKeys, key) {
				return nil, fmt.Errorf("its type %s: it has a key %s, which every stage of a plugin has for the host: it needs another name", t.GetName(), key)
			}
		}
		i.Types = append(i.Types, Type{Name: t.GetName(), Doc: line(t.GetDoc()), Needs: tidy(needs), Schema: schema})
	}
	slices.SortFunc(i.Types, func(a, b Type) int { return strings.Compare(a.Name, b.Name) })
	for n, t := range i.Types[1:] {
		if t.Name == i.Types[n].Name {
			return nil, fmt.Errorf("it serves two types %s", t.Name)
		}
	}
	return i, nil
}

// masked takes what is secret out of what is meant for people.
func (i *Interface) masked(known func(string) string) {
	for _, text := range []*string{&i.Name, &i.Version, &i.SDK} {
		*text = known(*text)
	}
	for n := range i.Types {
		i.Types[n].Doc = known(i.Types[n].Doc)
	}
}

// Type returns the type of that name, and false if the plugin serves none.
func (i *Interface) Type(name string) (Type, bool) {
	for _, t := range i.Types {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}

// beyond says what a stage asks for that its type has not said it may ask for; "" is nothing. Where nobody knows the type, nobody can tell.
func (i *Interface) beyond(typ string, needs pipeline.Needs) string {
	if i == nil {
		return ""
	}
	t, ok := i.Type(typ)
	if !ok {
		return ""
	}
	more := needs.Beyond(t.Needs)
	if len(more) == 0 {
		return ""
	}
	return clip(fmt.Sprintf("a stage with this config asks for %s, which its type %s does not declare: name it in the needs that the plugin says the type has at most (in Go, Factory.WithNeeds); \"*\" is not all", line(strings.Join(more, ", ")), typ))
}

func (i *Interface) names() []string {
	names := make([]string, len(i.Types))
	for n, t := range i.Types {
		names[n] = t.Name
	}
	return names
}

// More lists in plain words what i asks for beyond what was accepted: the needs that a type has gained. A type that is new asks for
// nothing as long as nobody uses it, and is not among them. An empty list: i is no more than what was accepted.
func (i *Interface) More(accepted *Interface) []string {
	var more []string
	for _, t := range i.Types {
		old, ok := accepted.Type(t.Name)
		if !ok {
			continue
		}
		for _, need := range t.Needs.Beyond(old.Needs) {
			more = append(more, t.Name+" asks for "+need+" too")
		}
	}
	return more
}

// Changes lists in plain words how i differs from an older one.
func (i *Interface) Changes(old *Interface) []string {
	var all []string
	if i.Version != old.Version {
		all = append(all, fmt.Sprintf("version %s, was %s", or(i.Version, "none"), or(old.Version, "none")))
	}
	for _, t := range i.Types {
		before, ok := old.Type(t.Name)
		if !ok {
			all = append(all, "new type "+t.Name)
			continue
		}
		for _, need := range t.Needs.Beyond(before.Needs) {
			all = append(all, t.Name+" asks for "+need+" too")
		}
		for _, need := range before.Needs.Beyond(t.Needs) {
			all = append(all, t.Name+" asks for "+need+" no more")
		}
		if !bytes.Equal(t.Schema, before.Schema) {
			all = append(all, t.Name+" takes "+keyChanges(before.Schema, t.Schema))
		}
	}
	for _, t := range old.Types {
		if _, ok := i.Type(t.Name); !ok {
			all = append(all, "type "+t.Name+" is gone")
		}
	}
	return all
}

// keyChanges says which keys of a config came and went where its schema changed.
func keyChanges(old, fresh json.RawMessage) string {
	before, after := keysOf(old), keysOf(fresh)
	var all []string
	for _, k := range after {
		if !slices.Contains(before, k) {
			all = append(all, "+"+k)
		}
	}
	for _, k := range before {
		if !slices.Contains(after, k) {
			all = append(all, "-"+k)
		}
	}
	if len(all) == 0 {
		return "the same keys with other values"
	}
	return "other keys: " + strings.Join(all, ", ")
}

// keysOf lists the keys of the table that a schema describes, in alphabetical order.
func keysOf(schema json.RawMessage) []string {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	_ = json.Unmarshal(schema, &s) // one that is no object names none
	keys := make([]string, 0, len(s.Properties))
	for k := range s.Properties {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// canonical writes a schema with its names in order, so that equal ones are equal bytes. None is one that allows any table.
func canonical(schema []byte) (json.RawMessage, error) {
	if len(schema) == 0 {
		return json.RawMessage(`{"type":"object"}`), nil
	}
	if len(schema) > maxSchema {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(schema), maxSchema)
	}
	dec := json.NewDecoder(bytes.NewReader(schema))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// tidy leaves out what is the same as nothing, so that a lock says no more than it must.
func tidy(n pipeline.Needs) pipeline.Needs {
	body := func(mode *pipeline.BodyMode, limit *pipeline.Size) {
		if *mode != pipeline.BodyFull || *limit == 1<<20 {
			*limit = 0
		}
		if *mode == pipeline.BodyNone {
			*mode = ""
		}
	}
	body(&n.Request.Body, &n.Request.BodyLimit)
	if n.Response != nil {
		r := *n.Response
		body(&r.Body, &r.BodyLimit)
		n.Response = &r
	}
	return n
}

func isTypeName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// line keeps what a plugin says about itself to one line that a terminal can show.
func line(s string) string {
	return clip(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
}

// clip keeps a text short whatever a plugin says.
func clip(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
