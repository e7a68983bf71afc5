package retry

import (
	"io"
	"log"
	"net/http"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// around returns a function that makes one successful call through a pipeline with the stage in it.
func around(t testing.TB, stage pipeline.Stage) func() {
	t.Helper()
	rt := roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
	})
	p := openWith(t, "max_attempts = 1", "", rt, inner(stage.Do), outer(pass1))
	req := request(t.Context(), t, "GET", nil)
	for _, name := range []string{"Accept", "User-Agent", "X-Request-Id"} {
		req.Header.Set(name, "value")
	}
	return func() {
		if _, err := p.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
	}
}

func ready(t testing.TB) *Stage {
	t.Helper()
	s, err := New(Defaults(), pipeline.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// BenchmarkHappyPath: what a ready retry adds to a call is the difference of the two.
func BenchmarkHappyPath(b *testing.B) {
	for _, bb := range []struct {
		name  string
		stage pipeline.Stage
	}{{"without", pipeline.StageFunc(pass1)}, {"with", ready(b)}} {
		b.Run(bb.name, func(b *testing.B) {
			call := around(b, bb.stage)
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
}
