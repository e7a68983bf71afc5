package via

import (
	"path/filepath"
	"strings"
)

// Exception is a test of the corpus that can't come out alike where the stages are in another process.
type Exception struct {
	File   string // below the corpus
	Name   string // of the test
	Reason string
}

// Exceptions lists them.
func Exceptions() []Exception {
	return []Exception{}
}

// Excepted tells why the test of that name is an exception, and false if it is none.
func Excepted(file, name string) (reason string, ok bool) {
	for _, e := range Exceptions() {
		if name == e.Name && strings.HasSuffix("/"+filepath.ToSlash(file), "/"+e.File) {
			return e.Reason, true
		}
	}
	return "", false
}
