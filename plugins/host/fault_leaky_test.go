//go:build linux || darwin

package host

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// leaky is a stage that tells its secret by every way there is.
func leaky() pipeline.Factory {
	type config struct {
		Key credential.Ref `toml:"key"`
	}
	return pipeline.Define("leaky", config{}, func(_ config, s pipeline.Settings) (pipeline.StageFunc, error) {
		secret := os.Getenv("LEAKY_KEY")
		_, _ = fmt.Fprintf(descriptor(2), "made with %s\n", secret)
		if os.Getenv("LEAKY_FAILS") != "" {
			return nil, fmt.Errorf("no use for %s", secret)
		}
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			s.Log().WarnContext(req.Context(), "logged "+secret, "attribute", secret)
			span := trace.SpanFromContext(req.Context())
			span.SetAttributes(attribute.String("noted", secret))
			span.AddEvent("happened", trace.WithAttributes(attribute.String("what", secret)))
			switch req.Header.Get("X-Do") {
			case "panic":
				panic("thrown " + secret)
			case "exit":
				_, _ = io.WriteString(descriptor(2), "last words "+secret+"\n")
				os.Exit(6)
			}
			e := pipeline.Errorf(pipeline.KindPolicy, "returned %s", secret)
			e.Violations = []string{"violated " + secret}
			return nil, e
		}, nil
	})
}
