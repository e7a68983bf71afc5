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

// beFaultHost is the main of a host that is killed: it sends one request through the pipelines of a file, tells the plugin's number, and waits.
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
	r, err := pipeline.OpenBytes(context.Background(), args[0], text, pipeline.WithPlugins(New(WithLogger(logger))), pipeline.WithLogger(logger))
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
	resp, err := p.RoundTrip(req)
	if err != nil {
		fail(err)
	}
	fmt.Println(resp.Header.Get("X-Pid") + resp.Header.Get("X-Ok")) // as the good and the bad plugin tell it
	select {}
}
