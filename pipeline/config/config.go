// Package config reads pipelines.toml into a [File]: values merged from tables, inheritance, overrides, environment and command
// line, each with its origin, and every mistake as a [Diagnostic] with file, line and column. It is strict, and knows no stages:
// what a table may hold is said by the struct that [Section.Decode] is given.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxSize is how many bytes a file may have.
const MaxSize = 1 << 20

// version is the only version of the file format so far.
const version = 1

// tables are the top-level tables of a file; each holds named tables.
var tables = []string{"secrets", "stores", "credentials", "transports", "plugins", "stages", "pipelines"}

// File is a configuration, read and merged. It is immutable and safe to share.
type File struct {
	src       *source
	dir       string
	root      *node
	beside    []string // top-level keys that are not ours
	pipelines []Pipeline
	diags     Diagnostics
}

// Load reads the file at path as Read does. Its Dir is the folder of path, made absolute.
func Load(path string, overlays ...Overlay) (*File, error) {
	data, err := readFile(path)
	if err != nil {
		d := Diagnostic{File: path, Message: err.Error()}
		if errors.Is(err, fs.ErrNotExist) {
			d.Message, d.Hint = "there is no such file", "name the file, or write a first one with leat init"
		}
		return nil, Diagnostics{d}
	}
	f, err := Read(path, data, overlays...)
	if f != nil {
		if abs, absErr := filepath.Abs(f.dir); absErr == nil {
			f.dir = abs
		}
	}
	return f, err
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	return data, reason(err)
}

// reason takes the path off an error of the file system: a Diagnostic names it already.
func reason(err error) error {
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		return perr.Err
	}
	return err
}

// Read reads src, whose name is used in diagnostics and for Dir, and lays overlays over it in their order. The error is always
// a sorted [Diagnostics] with every mistake. The File is nil only if src isn't TOML or is larger than MaxSize: beside other
// mistakes it is returned as well, so that a caller can look for further ones and report all of them at once.
func Read(name string, src []byte, overlays ...Overlay) (*File, error) {
	return ReadBeside(nil, name, src, overlays...)
}

// ReadBeside is Read for a file that holds more than pipelines: the top-level keys of beside are left for [File.Beside] to decode.
func ReadBeside(beside []string, name string, src []byte, overlays ...Overlay) (*File, error) {
	if len(src) > MaxSize {
		return nil, Diagnostics{{File: name, Message: fmt.Sprintf("the file has more than %d bytes", MaxSize), Hint: "divide it into several files"}}
	}
	text := strings.TrimPrefix(string(src), "\ufeff")
	f := &File{src: newSource(name, text), dir: filepath.Dir(name), beside: beside}
	if !f.load([]byte(text), overlays) {
		return nil, f.diags.Err()
	}
	f.check()
	f.resolve()
	f.diags = f.diags.Sort()
	return f, f.diags.Err()
}

// Name returns the name that the file was read under.
func (f *File) Name() string {
	if f == nil {
		return ""
	}
	return f.src.name
}

// Dir returns the folder that relative paths in the file start from.
func (f *File) Dir() string { return f.dir }

// Beside returns the top-level keys that ReadBeside left alone.
func (f *File) Beside() Section {
	return Section{file: f, root: f.root.keep(func(k string) bool { return slices.Contains(f.beside, k) })}
}

// HasTables reports whether the file holds any of the tables that make pipelines.
func (f *File) HasTables() bool {
	return slices.ContainsFunc(f.root.keys, func(k string) bool { return slices.Contains(tables, k) })
}

// Diagnostics returns what Read found wrong, sorted.
func (f *File) Diagnostics() Diagnostics { return slices.Clone(f.diags) }

// Tables returns the sections of all tables [name.X], in the order of the file, as they are written: stages without a
// pipeline's override, pipelines without what they extend.
func (f *File) Tables(name string) []Section {
	parent := f.root.fields[name]
	if parent == nil {
		return nil
	}
	sections := make([]Section, 0, len(parent.keys))
	for _, key := range parent.keys {
		if s, ok := f.Table(name, key); ok {
			sections = append(sections, s)
		}
	}
	return sections
}

// Table returns the section of [name.key] as it is written, and false if there is none.
func (f *File) Table(name, key string) (Section, bool) {
	parent := f.root.fields[name]
	if parent == nil || parent.fields[key] == nil || parent.fields[key].kind != table {
		return Section{}, false
	}
	return Section{file: f, name: key, path: joinPath([]string{name, key}), root: parent.fields[key]}, true
}

// Pipelines returns the pipelines in the order of the file, each with what it inherits and overrides.
func (f *File) Pipelines() []Pipeline { return slices.Clone(f.pipelines) }

// Diagnose returns a diagnostic at path from the root of the file, as Section.Diagnose does, or at the file's beginning.
func (f *File) Diagnose(path []string, hint, format string, args ...any) Diagnostic {
	d := Section{file: f, root: f.root}.Diagnose(path, hint, format, args...)
	d.Path = joinPath(path)
	return d
}

func (f *File) report(n *node, sp span, path, hint, format string, args ...any) {
	f.diags = append(f.diags, f.diagnostic(n, sp, path, fmt.Sprintf(format, args...), hint))
}

// diagnostic points at sp, a part of n. path is relative to the table that n came from.
func (f *File) diagnostic(n *node, sp span, path, message, hint string) Diagnostic {
	if f.src == nil { // see DecodeValues
		return Diagnostic{Path: joinDots(n.from, path), Message: message, Hint: hint}
	}
	if n.outside() {
		return Diagnostic{File: n.from, Path: n.path, Message: message, Hint: hint}
	}
	return f.src.diagnostic(sp, joinDots(n.from, path), message, hint)
}

func (f *File) origin(n *node) Origin {
	if n.outside() {
		return Origin{From: n.from}
	}
	return Origin{From: n.from, Position: f.src.position(n.span().start)}
}

// check judges the outermost level: the version, the names of the tables, and that each holds tables.
func (f *File) check() {
	f.checkVersion()
	for _, name := range f.root.keys {
		n := f.root.fields[name]
		switch {
		case name == "version", slices.Contains(f.beside, name):
		case !slices.Contains(tables, name) && n.kind == scalar:
			f.report(n, n.key, quoteKey(name), suggest(name, "known", f.known()), "unknown key %s", quoteKey(name))
		case !slices.Contains(tables, name):
			f.report(n, n.key, quoteKey(name), suggest(name, "known tables", append(slices.Clone(f.beside), tables...)), "unknown table %s", quoteKey(name))
		case n.kind != table:
			f.report(n, n.key, name, "write ["+name+".NAME]", "%s must hold tables, found %s", name, n.noun())
		default:
			f.checkNamed(name, n)
		}
	}
}

func (f *File) known() []string {
	return slices.Concat([]string{"version"}, f.beside, tables)
}

func (f *File) checkNamed(name string, n *node) {
	for _, key := range n.keys {
		child := n.fields[key]
		path := joinPath([]string{name, key})
		if child.kind != table {
			f.report(child, child.key, path, "write ["+path+"]", "%s must be a table, found %s", path, child.noun())
			continue
		}
		child.stamp(path)
		if over := child.fields["override"]; name == "pipelines" && over != nil && over.kind == table {
			for stage, o := range over.fields {
				o.stamp(joinPath([]string{name, key, "override", stage}))
			}
		}
	}
}

func (f *File) checkVersion() {
	n := f.root.fields["version"]
	if n == nil {
		f.diags = append(f.diags, f.src.diagnostic(span{}, "version", "the file does not say its version", "write version = 1 as the first line"))
		return
	}
	switch v := n.value.(type) {
	case int64:
		if v != version {
			f.report(n, n.val, "version", "this program reads version 1: install one that is newer, or write the file for version 1", "version %d is not known", v)
		}
	default:
		f.report(n, n.span(), "version", "write version = 1", "expected the integer 1, found %s", n.found())
	}
}
