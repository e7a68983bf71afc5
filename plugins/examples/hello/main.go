// Command hello is the smallest plugin: its stage greets the upstream in a header.
package main

import (
	"net/http"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

func main() {
	plugins.Serve(pipeline.Define("greet", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Greeting", "hello")
			return next.RoundTrip(req)
		}, nil
	}))
}
