//go:build !race

// Under the race detector sync.Pool drops items at random, so allocations can't be counted.

package pipeline_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// TestAllocations: a link costs none while tracing is off.
func TestAllocations(t *testing.T) {
	pass := func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }
	cost := func(stages ...pipeline.Factory) float64 {
		p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}), stages...)
		req, err := p.NewRequest(context.Background(), "GET", "/x", nil) //nolint:usetesting // one that can't be cancelled, as in the benchmark
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(200, func() {
			resp, err := p.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		})
	}
	bare, linked := cost(), cost(stageOf("a", pass), stageOf("b", pass), stageOf("c", pass), stageOf("d", pass), stageOf("e", pass))
	if linked > bare {
		t.Errorf("five links cost %v allocations, want 0", linked-bare)
	}
}
