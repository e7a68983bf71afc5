package retry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/leatdev/leat/pipeline"
)

// Retries within retries don't multiply: the outermost stage owns the call (the gate's reason "nested").
func TestNested(t *testing.T) {
	const file = `
version = 1
[stages.retry]
max_attempts = 3
[stages.inner]
use = "retry"
max_attempts = 5
[pipelines.two]
base_url = "https://api.example.com"
stages   = ["retry", "inner"]
[pipelines.around]
base_url  = "https://api.example.com"
transport = "within"
stages    = ["retry"]
[transports.within]
`
	openFile := func(t *testing.T, name string, rt http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
		t.Helper()
		r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(file), append(opts, pipeline.WithStages(Factory()), pipeline.WithEnviron(nil),
			pipeline.WithLogger(slog.New(slog.DiscardHandler)), pipeline.WithTransport("default", rt))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		p, err := r.Pipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tc := range []struct {
		name  string
		sends int // until the upstream answers 200; more than 3 is never
		want  string
	}{
		{"success counts once", 1, "200 after 1 attempts, 1 seen, stopped "},
		{"the outer stage sends again", 2, "200 after 2 attempts, 2 seen, stopped "},
		{"the outer stage's limit holds", 99, "503 after 3 attempts, 3 seen, stopped max_attempts"},
	} {
		for _, shape := range []string{"two", "around"} {
			t.Run(tc.name+"/"+shape, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					seen := 0
					up := pipeline.WithTransport // keeps the line below short
					rt := rtFunc(func(*http.Request) (*http.Response, error) {
						seen++
						status := http.StatusServiceUnavailable
						if seen >= tc.sends {
							status = http.StatusOK
						}
						return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}, nil
					})
					p := openFile(t, "two", rt)
					if shape == "around" {
						p = openFile(t, "around", nil, up("within", p)) // a pipeline as the transport of another
					}
					req, err := p.NewRequest(context.Background(), "GET", "/", nil) //nolint:usetesting // one that nothing ends
					if err != nil {
						t.Fatal(err)
					}
					resp, err := p.RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					c := pipeline.CallOf(resp)
					if got := fmt.Sprintf("%d after %d attempts, %d seen, stopped %s", resp.StatusCode, c.Attempts(), seen, c.StopReason()); got != tc.want {
						t.Errorf("got  %s\nwant %s", got, tc.want)
					}
				})
			})
		}
	}
}

type rtFunc func(*http.Request) (*http.Response, error)

func (f rtFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
