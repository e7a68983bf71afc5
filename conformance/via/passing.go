package via

import (
	"bytes"
	"io"
	"net/http"

	"github.com/leatdev/leat/pipeline"
)

// Passing makes the stages that the program of an [SDK] serves, in Go: what those of other languages are measured by.
func Passing() []pipeline.Factory {
	const limit = 16 << 20
	all, edit := []string{"*"}, []string{":body"}
	headers := pipeline.RequestNeeds{Headers: all, Query: true}
	onward := func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }
	return []pipeline.Factory{
		passing(pass, onward, pipeline.Needs{Request: headers}),
		passing(passResponse, onward, pipeline.Needs{Request: headers, Response: &pipeline.ResponseNeeds{Headers: all}}),
		passing(passBodies, copyBodies, pipeline.Needs{
			Request: pipeline.RequestNeeds{Body: pipeline.BodyFull, BodyLimit: limit, Edit: edit},
			// By its type a stream is known.
			Response: &pipeline.ResponseNeeds{Headers: []string{"content-type"}, Body: pipeline.BodyFull, BodyLimit: limit, Edit: edit},
		}),
	}
}

func passing(typ string, do pipeline.StageFunc, needs pipeline.Needs) pipeline.Factory {
	return pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) { return do, nil }).WithNeeds(needs)
}

// copyBodies hands on bodies of its own, of the same bytes.
func copyBodies(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body, req.ContentLength, req.GetBody = io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
	}
	resp, err := next.RoundTrip(req)
	if err != nil || pipeline.IsStream(resp) {
		return resp, err
	}
	data, err := io.ReadAll(resp.Body)
	pipeline.Drop(resp)
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return resp, nil
}
