//go:build linux || darwin

package host

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/leatdev/leat/pipeline"
)

// beFaultHost is the main of a host that is killed: it sends one request through the pipelines of a file, for a subject, tells the number of the plugin's
// process, and waits.
func beFaultHost(args []string) {
	fail := func(err error) {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		fail(err)
	}
	logger := slog.New(slog.DiscardHandler)
	h := New(WithLogger(logger))
	r, err := pipeline.OpenBytes(context.Background(), args[0], text, pipeline.WithPlugins(h), pipeline.WithLogger(logger))
	if err != nil {
		fail(err)
	}
	p, err := r.Pipeline("api")
	if err != nil {
		fail(err)
	}
	req, err := p.NewRequest(context.Background(), http.MethodGet, "/", nil)
	if err != nil {
		fail(err)
	}
	resp, err := p.RoundTrip(req.WithContext(pipeline.With(req.Context(), pipeline.Subject(args[1]))))
	if err != nil {
		fail(err)
	}
	_ = resp.Body.Close()
	h.mu.Lock()
	for _, proc := range h.procs { // there is one
		proc.mu.Lock()
		for l := range proc.lives {
			fmt.Println(l.pid())
		}
		proc.mu.Unlock()
	}
	h.mu.Unlock()
	select {}
}
