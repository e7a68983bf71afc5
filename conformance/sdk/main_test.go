package sdk

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

const canary = "ghp_canary0123456789"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a pipeline of testdata/sdk.toml, with h as its upstream.
func open(t *testing.T, name string, h http.Handler) *pipeline.Pipeline {
	t.Helper()
	upstream, _, _ := strings.Cut(name, "-")
	var log lines
	runner, err := pipeline.Open(t.Context(), "testdata/sdk.toml",
		pipeline.WithStages(stages.All()...),
		pipeline.WithUpstream(upstream, h),
		pipeline.WithSecrets(map[string]string{"GITHUB_TOKEN": canary, "DEMO_PASSWORD": demo.DefaultPassword}),
		pipeline.WithEnviron(nil),
		pipeline.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if text := log.String(); strings.Contains(text, canary) {
			t.Errorf("the log holds the token:\n%s", text)
		}
	})
	p, err := runner.Pipeline(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lines is a buffer that goroutines may share.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
