package logging

import "github.com/leatdev/leat/pipeline"

// longestBody bounds the request bodies that a stage in another process is sent to show their beginnings.
const longestBody = pipeline.Size(16 << 20)

// Needs are those of a stage of this config in another process: what its records show. Of response bodies it reads none there, for they are
// read when the stage is done; but only who may read them is told the words of an error, which may quote one.
func (c Config) Needs() pipeline.Needs {
	n := mostNeeds()
	n.Calls = c.Calls
	if c.Profile != Development {
		n.Request.Call = []string{"operation"}
	}
	if !c.RequestBody {
		n.Request.Body, n.Request.BodyLimit = "", 0
	}
	if c.ResponseBody { // what it wraps around a body that it may read would be read there, to see what it has made of it
		n.Response.Body, n.Response.BodyLimit = "", 0
	}
	return n
}

// mostNeeds are the most that any config asks for. Which headers and parameters show is the redactor's to say, so it is given all.
func mostNeeds() pipeline.Needs {
	return pipeline.Needs{
		Request: pipeline.RequestNeeds{
			Headers: []string{"*"}, Query: true, Body: pipeline.BodyFull, BodyLimit: longestBody, Call: []string{"operation", "subject"},
		},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, BodyLimit: 1},
		Calls:    true,
	}
}
