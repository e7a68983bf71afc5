package retry

import (
	"slices"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// Needs are those of a stage of this config in another process: it sends again, by what the answer's hints and the config's conditions
// say. It reads no body.
func (c Config) Needs() pipeline.Needs {
	n := pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"Idempotency-Key", "X-Idempotency-Key"}},
		Response: &pipeline.ResponseNeeds{},
		Retry:    true,
	}
	for _, name := range []string{c.AttemptHeader, c.NestedHeader} {
		if name != "" {
			n.Request.Edit = append(n.Request.Edit, name)
		}
	}
	if c.NestedHeader != "" {
		n.Request.Headers = append(n.Request.Headers, c.NestedHeader)
	}
	for _, hint := range c.Hints {
		if !slices.Contains(n.Response.Headers, hint.Name) {
			n.Response.Headers = append(n.Response.Headers, hint.Name)
		}
	}
	if len(c.Hints) > 0 {
		n.Response.Headers = append(n.Response.Headers, "Date") // which moments are relative to
	}
	reads := []cond.Reads{c.Idempotent.Reads()}
	for _, r := range c.Rules {
		reads = append(reads, r.Match.Reads())
	}
	return n.Reading(reads...)
}

// mostNeeds are the most that any config asks for.
func mostNeeds() pipeline.Needs {
	return pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Query: true, Edit: []string{"*"}, Call: []string{"subject", "operation", "labels"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, BodyLimit: 1}, // for a rule that asks for error.message
		Retry:    true,
	}
}
