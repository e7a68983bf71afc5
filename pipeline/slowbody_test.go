package pipeline_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// TestSlowBody: net/http does not return while a Read of the request's body is under way, so a caller who leaves must end that Read.
func TestSlowBody(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(map[bool]string{true: "with_GetBody", false: "without"}[again], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
					_, err := r.Body.Read(make([]byte, 1))
					_ = r.Body.Close()
					return nil, err
				}), pass)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				req, err := p.NewRequest(ctx, "PUT", "/x", nil)
				if err != nil {
					t.Fatal(err)
				}
				pipe := func() (io.ReadCloser, error) { r, _ := io.Pipe(); return r, nil }
				req.Body, _ = pipe()
				req.ContentLength = -1
				if again {
					req.GetBody = pipe
				}
				began := time.Now()
				_, err = p.RoundTrip(req)
				kindOf(t, err, pipeline.KindTimeout)
				if took := time.Since(began); took != time.Second {
					t.Errorf("returned after %v, want 1s", took)
				}
			})
		})
	}
}
