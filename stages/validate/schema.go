package validate

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema is a compiled JSON Schema.
type schema struct{ compiled *jsonschema.Schema }

// openSchema reads and compiles the schema file at path, relative to dir. Its references may lead to files below dir (below its
// own folder, if it lies outside dir); links that lead out are not followed, and nothing is fetched.
func openSchema(dir, path string) (*schema, error) {
	file, inside := path, dir
	if !filepath.IsAbs(path) {
		file = filepath.Join(dir, path)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	if inside, err = filepath.Abs(inside); err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	if rel, err := filepath.Rel(inside, file); err != nil || !filepath.IsLocal(rel) {
		inside = filepath.Dir(file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	doc, err := schemaDocument(text)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	defer root.Close() //nolint:errcheck // it was read only
	c := jsonschema.NewCompiler()
	c.UseLoader(&folder{path: inside, root: root})
	at := fileURL(file)
	if err := c.AddResource(at, doc); err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	compiled, err := c.Compile(at)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	return &schema{compiled}, nil
}

func schemaDocument(text []byte) (any, error) {
	s := scanner{src: text}
	if !s.scan(nil) {
		return nil, errors.New(s.explain())
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// folder loads what a schema refers to, from below one folder only.
type folder struct {
	path string
	root *os.Root
}

// Load implements jsonschema.URLLoader.
func (f *folder) Load(ref string) (any, error) {
	file, err := jsonschema.FileLoader{}.ToFile(ref)
	if err != nil {
		return nil, errors.New("only files are loaded: save it beside the schema and refer to it by a relative path")
	}
	rel, err := filepath.Rel(f.path, file)
	if err != nil || !filepath.IsLocal(rel) {
		return nil, fmt.Errorf("it lies outside the folder %s", f.path)
	}
	text, err := f.root.ReadFile(rel)
	if err != nil {
		return nil, err
	}
	return schemaDocument(text)
}

// check notes where v, decoded with its numbers as json.Number, is not what the schema says.
func (s *schema) check(v any, found *violations) {
	err := s.compiled.Validate(v)
	if err == nil {
		return
	}
	wrong, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		found.add("the body: the schema could not be applied")
		return
	}
	report(v, wrong, found)
}
