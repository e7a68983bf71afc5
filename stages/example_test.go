package stages_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
	"github.com/leatdev/leat/stages/retry"
)

func ExampleAll() {
	registry, err := pipeline.NewRegistry(stages.All()...) // or only those that the program needs: retry.Factory(), …
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(registry.StageTypes())
	// Output: [auth error-map headers idempotency-key log refresh retry validate]
}

// staged puts one stage before a transport: no file, no runner.
type staged struct {
	stage pipeline.Stage
	next  http.RoundTripper
}

// RoundTrip clones the request, because a stage may change what it is given.
func (s staged) RoundTrip(req *http.Request) (*http.Response, error) {
	return s.stage.Do(req.Clone(req.Context()), s.next)
}

// A stage works without a file too: retry, validate, log, headers and error-map do so by themselves; auth and refresh need a pipeline.
func Example_withoutFile() {
	config := retry.Defaults()
	config.Base = time.Millisecond
	stage, err := retry.New(config, pipeline.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	sends := 0
	network := roundTripper(func(*http.Request) (*http.Response, error) {
		if sends++; sends < 3 {
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	client := &http.Client{Transport: staged{stage, network}}

	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.example.com/", http.NoBody)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, sends)
	// Output: 200 3
}
