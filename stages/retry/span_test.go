package retry

import (
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatdev/leat/pipeline"
)

// TestSpan: the stage's span has an event for each wait, the number of attempts and the reason.
func TestSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
		up := script(t, 503)
		p := openHalf(t, "", up, pipeline.WithTracerProvider(provider))
		if _, _, err := run(t, p, request(t.Context(), t, "GET", nil)); err != nil {
			t.Fatal(err)
		}
		for _, span := range recorder.Ended() {
			if span.Name() != "stage retry" {
				continue
			}
			got := map[string]string{}
			for _, a := range span.Attributes() {
				got[string(a.Key)] = a.Value.String()
			}
			if got["leat.retry.reason"] != ReasonMaxAttempts || got["leat.attempts"] != "3" || len(span.Events()) != 2 || span.Events()[0].Name != "retry" {
				t.Errorf("attributes %v, events %v", got, span.Events())
			}
			return
		}
		t.Error("no span of the stage")
	})
}
