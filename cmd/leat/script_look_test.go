package main

import (
	"net/http"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

// serveLook is the program leat-look. Its stage look sees the response, so that it is in its exchange while the upstream answers; picky wants
// to know for whom a request is.
func serveLook() {
	pass := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		req.Header.Set("X-Look", "1")
		return next.RoundTrip(req)
	}
	define := func(typ string, stage pipeline.StageFunc, needs pipeline.Needs) pipeline.Factory {
		return pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return stage, nil }).WithNeeds(needs)
	}
	edit := []string{"X-Look"}
	plugins.Serve(
		define("look", pass, pipeline.Needs{Request: pipeline.RequestNeeds{Edit: edit}, Response: &pipeline.ResponseNeeds{}}),
		define("picky", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if pipeline.CallFrom(req.Context()).Subject() == "" && (req.Header.Get("X-Who") == "" || req.Method != http.MethodPost) {
				return nil, pipeline.Errorf(pipeline.KindPolicy, "there is no tenant")
			}
			return pass(req, next)
		}, pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"X-Who"}, Edit: edit, Call: []string{"subject"}}}),
	)
}
