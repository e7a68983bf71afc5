// Command check judges files that name a stage type of the program's own, which the leat command does not link.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

func main() {
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintln(os.Stderr, err) // every mistake, each with its line
			os.Exit(1)
		}
	}
}

// check finds the mistakes of a file, as `leat check` does.
func check(path string) error {
	registry, err := pipeline.NewRegistry(append(stages.All(), tenant())...) // AddCredentials takes credential types
	if err != nil {
		return err
	}
	file, err := config.Load(path, config.FromEnviron(os.Environ())...)
	if file == nil {
		return err
	}
	plan, err := pipeline.Check(file, registry) // what Load found is in this too
	if err != nil {
		return err
	}
	return pipeline.Probe(plan).Err() // reads the files that it names: schemas, certificates
}

// tenant makes the stage type "tenant", which names the subject to the server.
func tenant() pipeline.Factory {
	return pipeline.Define("tenant", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			req.Header.Set("X-Tenant", pipeline.CallFrom(req.Context()).Subject())
			return next.RoundTrip(req)
		}, nil
	})
}
