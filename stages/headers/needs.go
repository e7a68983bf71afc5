package headers

import (
	"maps"
	"net/http"
	"slices"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// Needs are those of a stage of this config in another process: it changes the headers that the config names, and reads those of them
// that it adds to or takes out.
func (c *Config) Needs() pipeline.Needs {
	var n pipeline.Needs
	var reads []cond.Reads
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		n.Request.Edit = append(n.Request.Edit, http.CanonicalHeaderKey(name))
		if v := c.Set[name]; !v.Expr.IsZero() { // where it gives nothing, the header is taken out
			n.Request.Headers = append(n.Request.Headers, http.CanonicalHeaderKey(name))
			reads = append(reads, v.Expr.Reads())
		}
	}
	touched := slices.Sorted(maps.Keys(c.Add))
	for _, name := range touched {
		reads = append(reads, c.Add[name].Expr.Reads())
	}
	for _, name := range append(touched, c.Remove...) {
		if name = http.CanonicalHeaderKey(name); !slices.Contains(n.Request.Edit, name) {
			n.Request.Edit = append(n.Request.Edit, name)
		}
		if !slices.Contains(n.Request.Headers, name) {
			n.Request.Headers = append(n.Request.Headers, name)
		}
	}
	return n.Reading(reads...)
}

// mostNeeds are the most that any config asks for.
func mostNeeds() pipeline.Needs {
	return pipeline.Needs{Request: pipeline.RequestNeeds{
		Headers: []string{"*"}, Query: true, Edit: []string{"*"}, Call: []string{"subject", "operation", "labels"},
	}}
}
