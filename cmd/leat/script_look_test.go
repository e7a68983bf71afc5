package main

import (
	"net/http"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

// serveLook is the program leat-look: its stage sees the response, so that it is in its exchange while the upstream answers.
func serveLook() {
	plugins.Serve(pipeline.Define("look", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Look", "1")
			return next.RoundTrip(req)
		}, nil
	}).WithNeeds(pipeline.Needs{Request: pipeline.RequestNeeds{Edit: []string{"X-Look"}}, Response: &pipeline.ResponseNeeds{}}))
}
