package pipeline

import (
	"net/http"
	"slices"

	"github.com/leatdev/leat/pipeline/cond"
)

// Reading returns n with what expressions of a config read on top. A config whose conditions look at a response must have asked for
// the response already: then they see its status.
func (n Needs) Reading(expressions ...cond.Reads) Needs {
	var response ResponseNeeds
	if n.Response != nil {
		response = *n.Response
	}
	for _, r := range expressions {
		n.Request.Headers = union(n.Request.Headers, r.RequestHeaders)
		response.Headers = union(response.Headers, r.ResponseHeaders)
		n.Request.Query = n.Request.Query || r.Query
		if r.Message && response.Body != BodyFull { // it may quote the body: only who may read that is told it
			response.Body, response.BodyLimit = BodyFull, 1
		}
		for word, is := range map[string]bool{"subject": r.Subject, "operation": r.Operation, "labels": r.Labels} {
			if is {
				n.Request.Call = union(n.Request.Call, []string{word})
			}
		}
	}
	if n.Response != nil {
		n.Response = &response
	}
	return n
}

// union returns the names of both lists, each once, sorted.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, name := range b {
		same := func(have string) bool { return http.CanonicalHeaderKey(have) == http.CanonicalHeaderKey(name) }
		if !slices.ContainsFunc(all, same) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
