package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// listFile holds the mutants; relative to the module's root, as every path of a mutant is.
const listFile = "conformance/mutants/mutants.toml"

// mutant is one breakage of the implementation.
type mutant struct {
	ID      string `toml:"id"`      // unique, kebab-case
	What    string `toml:"what"`    // what is broken, in a sentence
	File    string `toml:"file"`    // the file that is broken
	Find    string `toml:"find"`    // stands in it exactly once
	Replace string `toml:"replace"` // takes its place
	Test    string `toml:"test"`    // the Go test that must notice what no scenario can show, of several processes say: "PACKAGE NAME"; "" asks the corpus
}

// load reads the list and checks it against the sources below root. It returns every mistake, joined.
func load(root string) ([]mutant, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(listFile)))
	if err != nil {
		return nil, err
	}
	var list struct {
		Mutants []mutant `toml:"mutant"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&list); err != nil {
		return nil, fmt.Errorf("%s: %w", listFile, err)
	}
	var errs []error
	seen := map[string]bool{}
	for _, m := range list.Mutants {
		if seen[m.ID] {
			errs = append(errs, fmt.Errorf("%s: the id stands twice", m.ID))
		}
		seen[m.ID] = true
		if err := m.check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.ID, err))
			continue
		}
		if _, err := m.apply(root); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.ID, err))
		}
	}
	return list.Mutants, errors.Join(errs...)
}

var kebab = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (m mutant) check() error {
	switch {
	case !kebab.MatchString(m.ID):
		return errors.New("the id is not in kebab-case")
	case m.What == "" || strings.Contains(m.What, "\n"):
		return errors.New("what must be one line")
	case !filepath.IsLocal(m.File) || !strings.HasSuffix(m.File, ".go") || strings.HasSuffix(m.File, "_test.go"):
		return fmt.Errorf("%q is no source file of the module", m.File)
	case m.Test != "" && len(strings.Fields(m.Test)) != 2:
		return fmt.Errorf("test is %q, and not a package and a test's name", m.Test)
	case m.Find == m.Replace:
		return errors.New("it changes nothing")
	}
	return nil
}

// apply returns the source with the breakage in it.
func (m mutant) apply(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, []byte(m.Find)); n != 1 || m.Find == "" {
		return nil, fmt.Errorf("its find stands %d times in %s, not once: follow the source, or take another place", n, m.File)
	}
	return bytes.Replace(source, []byte(m.Find), []byte(m.Replace), 1), nil
}
