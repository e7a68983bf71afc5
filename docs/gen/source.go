package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

const module = "github.com/leatdev/leat/"

// source reads the comments of the module's packages.
type source struct {
	root     string
	packages map[string]*pkg
}

// pkg is what is said in one package.
type pkg struct {
	doc   string
	types map[string]comments
}

// comments are those of one struct.
type comments struct {
	doc    string
	fields map[string]string // by the field's Go name
}

func (s *source) read(path string) (*pkg, error) {
	if p := s.packages[path]; p != nil {
		return p, nil
	}
	inside, ok := strings.CutPrefix(path, module)
	if !ok {
		return nil, fmt.Errorf("%s is no package of this module", path)
	}
	files, err := filepath.Glob(filepath.Join(s.root, filepath.FromSlash(inside), "*.go"))
	if err != nil {
		return nil, err
	}
	p := &pkg{types: map[string]comments{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if f.Doc != nil {
			p.doc = f.Doc.Text()
		}
		p.add(f)
	}
	s.packages[path] = p
	return p, nil
}

func (p *pkg) add(f *ast.File) {
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			fields, ok := t.Type.(*ast.StructType)
			if !ok {
				continue
			}
			c := comments{doc: gen.Doc.Text(), fields: map[string]string{}}
			if t.Doc != nil {
				c.doc = t.Doc.Text()
			}
			above := ""
			for _, field := range fields.Fields.List {
				if field.Doc != nil {
					above = field.Doc.Text()
				}
				for _, name := range field.Names {
					c.fields[name.Name] = above // a field without a comment shares the one above: "Cert and Key are …"
				}
			}
			p.types[t.Name.Name] = c
		}
	}
}

// of returns the comments of a struct, or an error if it or one of its options has none.
func (s *source) of(t reflect.Type) (comments, *pkg, error) {
	p, err := s.read(t.PkgPath())
	if err != nil {
		return comments{}, nil, err
	}
	c, ok := p.types[t.Name()]
	if !ok || c.doc == "" {
		return c, p, fmt.Errorf("%s has no comment", t)
	}
	for f := range t.Fields() {
		if f.Tag.Get("toml") != "" && c.fields[f.Name] == "" {
			return c, p, fmt.Errorf("%s.%s has no comment", t, f.Name)
		}
	}
	return c, p, nil
}
