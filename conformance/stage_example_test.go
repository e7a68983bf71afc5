package conformance_test

import (
	"net/http"
	"testing"

	"github.com/leatdev/leat/conformance"
	"github.com/leatdev/leat/pipeline"
)

// LimitConfig is what a [stages.limit] table holds.
type LimitConfig struct {
	// InFlight is how many requests may be under way at once. Default 10.
	InFlight int `toml:"in_flight"`
}

// LimitFactory makes stages of type "limit".
func LimitFactory() pipeline.Factory {
	return pipeline.Define("limit", LimitConfig{InFlight: 10}, NewLimit)
}

// Limit lets so many requests through at once; the others wait.
type Limit struct{ places chan struct{} }

// NewLimit makes the stage.
func NewLimit(c LimitConfig, _ pipeline.Settings) (*Limit, error) {
	return &Limit{places: make(chan struct{}, c.InFlight)}, nil
}

// Do waits for a place and gives it back once the answer's headers are there.
func (l *Limit) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
		return next.RoundTrip(req)
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

func TestLimit_keeps_the_contract(t *testing.T) {
	conformance.Stage(t, LimitFactory(), "in_flight = 2")
}
