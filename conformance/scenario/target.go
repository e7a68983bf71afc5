package scenario

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// target is which requests an answer is for.
type target struct {
	method, path string         // "": any
	matches      *regexp.Regexp // what path stands for
	query        bool           // path speaks of the query too
}

func parseTo(s string) (target, error) {
	method, path, ok := strings.Cut(s, " ")
	if !ok && strings.HasPrefix(s, "/") {
		method, path = "", s
	}
	if ok && !strings.HasPrefix(path, "/") || method != strings.ToUpper(method) || method != "" && !isToken(method) {
		return target{}, fmt.Errorf("%q is no method and path", s)
	}
	expr := "^" + strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, `[^/]*`) + "$"
	return target{method, path, regexp.MustCompile(expr), strings.Contains(path, "?")}, nil
}

func (t target) takes(r *http.Request) bool {
	if t.method != "" && t.method != r.Method {
		return false
	}
	path := r.URL.Path
	if t.query {
		path = r.URL.RequestURI()
	}
	return t.path == "" || t.matches.MatchString(path)
}

// includes reports whether t takes each request that other takes. It need not know of all that do.
func (t target) includes(other target) bool {
	return (t.method == "" || t.method == other.method) && (t.path == "" || t.path == other.path)
}
