package errormap

import (
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// Needs are those of a stage of this config in another process: what the body of an error says, and what the config's conditions read.
func (c Config) Needs() pipeline.Needs {
	n := pipeline.Needs{Response: &pipeline.ResponseNeeds{
		Headers: []string{"Content-Encoding", "Content-Type"}, Body: pipeline.BodyFull, BodyLimit: maxBody + 1, // one more tells whether it is longer
	}}
	reads := make([]cond.Reads, len(c.Rules))
	for i, r := range c.Rules {
		reads[i] = r.Match.Reads()
	}
	return n.Reading(reads...)
}

// mostNeeds are the most that any config asks for.
func mostNeeds() pipeline.Needs {
	return pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Query: true, Call: []string{"subject", "operation", "labels"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, BodyLimit: maxBody + 1},
	}
}
