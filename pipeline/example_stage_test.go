package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/pipelinetest"
)

// LimitConfig is what a [stages.limit] table holds.
type LimitConfig struct {
	// InFlight is how many requests may be under way at once. Default 10.
	InFlight int `toml:"in_flight"`
}

// Validate refuses a limit that lets nothing through.
func (c LimitConfig) Validate() error {
	if c.InFlight < 1 {
		return pipeline.Invalid("in_flight", "in_flight must be at least 1")
	}
	return nil
}

// LimitFactory makes stages of type "limit".
func LimitFactory() pipeline.Factory {
	return pipeline.Define("limit", LimitConfig{InFlight: 10}, NewLimit)
}

// Limit lets so many requests through at once; the others wait.
type Limit struct{ places chan struct{} }

// NewLimit makes the stage.
func NewLimit(c LimitConfig, _ pipeline.Settings) (*Limit, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Limit{places: make(chan struct{}, c.InFlight)}, nil
}

// Do waits for a place and gives it back once the answer's headers are there.
func (l *Limit) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
		return next.RoundTrip(req)
	case <-req.Context().Done(): // honours-context: a full house must not hold a caller who has left
		return nil, req.Context().Err()
	}
}

func TestLimit(t *testing.T) {
	const file = `
version = 1

[stages.limit]
in_flight = 2

[pipelines.api]
base_url = "https://api.example.com"
stages   = ["limit"]
`
	synctest.Test(t, func(t *testing.T) { // time is virtual: nothing here waits
		var now, most atomic.Int32
		server := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
		})
		env := pipelinetest.OpenText(t, file, server, pipeline.WithStages(LimitFactory()))
		api := env.Pipeline("api")

		var calls sync.WaitGroup
		for range 6 {
			calls.Go(func() {
				if _, err := pipeline.Get[struct{}](t.Context(), api, "/"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := pipeline.Get[struct{}](ctx, api, "/"); !errors.Is(err, pipeline.KindTimeout) {
			t.Errorf("no place in time: got %v, want kind timeout", err)
		}
		calls.Wait()
		if got := most.Load(); got != 2 {
			t.Errorf("at once: got %d, want 2", got)
		}
		if got := len(env.Sends()); got != 6 {
			t.Errorf("sends: got %d, want 6: the caller without a place sent nothing", got)
		}
	})
}
