package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LeftOut reports whether [Find] does not look into folders of this name.
func LeftOut(folder string) bool {
	return strings.HasPrefix(folder, ".") || folder == "testdata" || folder == "node_modules"
}

// Listed returns test i as it stands in the file, for a list of what there is: its place, name and rules, and whether it is to be skipped.
// It was not run.
func (s *Suite) Listed(i int) Result { return s.blank(i) }

// Lost returns the result of test i for a program that ran it in a process of its own, which did not live to say what came of it.
// The message says what happened, want and got what was expected in its place; both may be empty.
func (s *Suite) Lost(i int, message, want, got string) Result {
	r := s.blank(i)
	(&judge{result: &r}).fail(s.test(i), message, want, got)
	r.Status = Failed
	return r
}

// Pipelines returns the name of the file whose pipelines are tested: the suite's own if they stand in it.
func (s *Suite) Pipelines() string { return s.pipelines.name }

// Find returns the test files among paths, those of folders included, in the order of their names. Folders whose names begin with a
// dot, and testdata and node_modules, are left out unless they are named themselves (see [LeftOut]).
func Find(paths ...string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", path, reason(err))
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(name string, d os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != path && LeftOut(d.Name()):
				return filepath.SkipDir
			case !d.IsDir() && strings.HasSuffix(name, Suffix):
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}
