package config

import (
	"fmt"
	"slices"
)

// Origin says who set a value.
type Origin struct {
	// From is "default", the table that set the value ("stages.retry", "pipelines.base", "pipelines.api.override.retry"),
	// or "env NAME" or "--set PATH".
	From     string   `json:"from"`
	Position Position `json:"position,omitzero"` // of the value; zero unless it stands in the file
}

// Section is an immutable view of one table: its values after everything that bears on it was merged, each with its origin.
// The zero Section is a table that isn't there: it has no keys and decodes to the defaults.
type Section struct {
	file *File
	name string
	path string
	root *node
}

// Name returns the last part of the table's name: "retry" for [stages.retry].
func (s Section) Name() string { return s.name }

// Path returns the table's dotted name, "stages.retry".
func (s Section) Path() string { return s.path }

// IsZero reports whether there is no such table.
func (s Section) IsZero() bool { return s.root == nil }

// Keys returns the keys that are set in the file or from outside, in the order of the file, inherited ones first.
func (s Section) Keys() []string {
	if s.root == nil {
		return nil
	}
	return slices.Clone(s.root.keys)
}

// Has reports whether key is set.
func (s Section) Has(key string) bool { return s.root != nil && s.root.fields[key] != nil }

// Text returns the string that key is set to, and false if it isn't set or is no string. A value from the environment or
// --set always counts as a string.
func (s Section) Text(key string) (string, bool) {
	if s.root == nil {
		return "", false
	}
	return s.root.fields[key].str()
}

// Value returns the value at path, an index of an array written as "[0]" or "0": a string, int64, float64, bool or time, a []any or a
// map[string]any. The caller owns it.
func (s Section) Value(path ...string) (any, bool) {
	n := s.node(path)
	if n == nil {
		return nil, false
	}
	return n.plain(), true
}

// Origin says who set the value at path; From is "default" if nobody did.
func (s Section) Origin(path ...string) Origin {
	n := s.node(path)
	if n == nil {
		return Origin{From: "default"}
	}
	return s.file.origin(n)
}

// Only returns the section as if no other keys were set.
func (s Section) Only(keys ...string) Section {
	s.root = s.root.keep(func(k string) bool { return slices.Contains(keys, k) })
	return s
}

// Without returns the section as if the keys were not set.
func (s Section) Without(keys ...string) Section {
	s.root = s.root.keep(func(k string) bool { return !slices.Contains(keys, k) })
	return s
}

// Diagnose returns a diagnostic at the value of path, or, where that isn't set, at the innermost table of path that is: at its
// header. An empty path means the table itself. hint may be empty.
func (s Section) Diagnose(path []string, hint, format string, args ...any) Diagnostic {
	message := fmt.Sprintf(format, args...)
	if s.root == nil {
		return Diagnostic{File: s.file.Name(), Path: joinDots(s.path, joinPath(path)), Message: message, Hint: hint}
	}
	n, rest := s.root.find(path)
	d := s.file.diagnostic(n, n.span(), joinPath(path[:len(path)-len(rest)]), message, hint)
	if !n.outside() {
		d.Path = joinDots(d.Path, joinPath(rest))
	}
	return d
}

func (s Section) node(path []string) *node {
	if s.root == nil {
		return nil
	}
	n, rest := s.root.find(path)
	if len(rest) > 0 {
		return nil
	}
	return n
}

func joinDots(a, b string) string {
	if a == "" || b == "" || b[0] == '[' {
		return a + b
	}
	return a + "." + b
}
