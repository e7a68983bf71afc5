//go:build !race

// Under the race detector sync.Pool drops items at random, so allocations can't be counted.

package refresh_test

import (
	"net/http"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

func TestRefresh_allocates_nothing_on_an_uneventful_call(t *testing.T) {
	count := func(stages string) float64 {
		rt := roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
		})
		p := open(t, &server{}, "", pipeline.WithSet("pipelines.p.stages="+stages), pipeline.WithTransport("default", rt))
		req, err := p.NewRequest(t.Context(), "GET", "/posts", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/json")
		return testing.AllocsPerRun(200, func() {
			if _, err := p.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		})
	}
	without, with := count(`["auth"]`), count(`["auth", "refresh"]`)
	if with != without {
		t.Errorf("got %v allocations, without the stage %v", with, without)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
