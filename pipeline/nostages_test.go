package pipeline_test

import (
	"errors"
	"net/http"
	"syscall"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

// TestPipeline_without_stages: errors of the last link are the call's even where no stage hands them on.
func TestPipeline_without_stages(t *testing.T) {
	p := open(t, "", roundTripper(func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }))
	_, err := get(t, t.Context(), p, "/posts")
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if e.Call() == nil || e.Pipeline == "" || e.Stage != "send" || e.Sends != 1 {
		t.Errorf("got pipeline %q, stage %q, %d sends, call %v", e.Pipeline, e.Stage, e.Sends, e.Call())
	}
}
