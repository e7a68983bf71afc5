package validate

import (
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// largestBody is the most that a stage in another process can ask for.
const largestBody = pipeline.Size(1 << 30)

// Needs are those of a stage of this config in another process: the body that it judges, and what the config's conditions read.
func (c Config) Needs() pipeline.Needs {
	n := pipeline.Needs{Response: &pipeline.ResponseNeeds{
		Headers: []string{"Content-Encoding", "Content-Type"}, Body: pipeline.BodyFull, BodyLimit: min(c.MaxSize+1, largestBody), // one more tells whether it is longer
	}}
	if c.JSON == Never {
		n.Response.BodyLimit = 0
	}
	if len(c.ContentType) > 0 { // the error of one that is refused holds the beginning
		n.Response.BodyLimit = max(n.Response.BodyLimit, maxErrorBody+1)
	}
	if n.Response.BodyLimit == 0 {
		n.Response.Body = pipeline.BodyNone
	}
	reads := []cond.Reads{c.On.Reads()}
	for _, r := range c.Rules {
		reads = append(reads, r.Expect.Reads())
	}
	return n.Reading(reads...)
}

// mostNeeds are the most that any config asks for.
func mostNeeds() pipeline.Needs {
	return pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"*"}, Query: true, Call: []string{"subject", "operation", "labels"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, BodyLimit: largestBody},
	}
}
