package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatdev/leat/conformance/scenario"
	"github.com/leatdev/leat/pipeline/config"
)

// testSet is what the named paths hold.
type testSet struct {
	suites []*scenario.Suite
	cases  []testCase
}

// testCase is one test of a file.
type testCase struct {
	suite *scenario.Suite
	i     int
}

func (c testCase) listed() scenario.Result { return c.suite.Listed(c.i) }

// title is the place and the name of a test, as lists and reports print it.
func title(r scenario.Result) string { return fmt.Sprintf("%s:%d %s", r.File, r.Line, r.Name) }

// findFiles returns the test files that the paths stand for, each once.
func findFiles(paths []string) ([]string, error) {
	found, err := scenario.Find(paths...)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	var files []string
	for _, f := range found {
		if f = filepath.Clean(f); !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, &exitError{exitUsage, fmt.Errorf("there is no *%s in %s: leat init writes a first one, leat test --record makes one of a real exchange "+
			"(folders that begin with a dot, testdata and node_modules are left out unless they are named)", scenario.Suffix, strings.Join(paths, ", "))}
	}
	return files, nil
}

// findTests reads every test file. Where one is wrong the error has all mistakes of all files, and the set what could be read.
func (a *app) findTests(paths []string) (testSet, error) {
	var (
		found testSet
		diags config.Diagnostics
	)
	files, err := findFiles(paths)
	if err != nil {
		return found, err
	}
	for _, name := range files {
		suite, err := a.load(name)
		if suite != nil {
			found.suites = append(found.suites, suite)
		}
		if more, ok := errors.AsType[config.Diagnostics](err); ok {
			diags = append(diags, more...)
			continue
		}
		if err != nil {
			return found, err
		}
		for i := range suite.Tests() {
			found.cases = append(found.cases, testCase{suite, i})
		}
	}
	if len(diags) > 0 {
		a.file = diags[0].File
	}
	return found, diags.Err()
}

// chosen returns the tests that --run asks for.
func (s testSet) chosen(f testFlags) ([]testCase, error) {
	if f.pattern == nil {
		return s.cases, nil
	}
	var cases []testCase
	for _, c := range s.cases {
		r := c.listed()
		if f.pattern.MatchString(r.Name) || f.pattern.MatchString(title(r)) {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		return nil, &exitError{exitUsage, fmt.Errorf("--run %q matches none of %s: --list prints their names", f.run, plural(len(s.cases), "test"))}
	}
	return cases, nil
}

// testListed is one test of `test --list -o json`.
type testListed struct {
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Name  string   `json:"name"`
	Rules []string `json:"rules,omitempty"`
	Skip  string   `json:"skip,omitempty"`
}

func (a *app) listTests(cases []testCase) error {
	list := []testListed{}
	for _, c := range cases {
		r := c.listed()
		list = append(list, testListed{r.File, r.Line, r.Name, r.Rules, r.Reason})
		if !a.json() {
			if _, err := fmt.Fprintln(a.std.out, harmless(title(r))); err != nil {
				return err
			}
		}
	}
	if !a.json() {
		return nil
	}
	return a.writeJSON(struct {
		Tests []testListed `json:"tests"`
	}{list})
}
