package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

// The echo of `plugin bench` is a further process of the command, started with this argument and the needs.
const echoProcess = "__serve-echo"

// echoOf returns the echo that a stage is measured beside.
func echoOf(b *benched) (*benched, error) {
	self, err := executable()
	if err != nil {
		return nil, err
	}
	needs, err := json.Marshal(b.needs)
	if err != nil {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return &benched{typ: "echo", stage: "echo", needs: b.needs, plan: pipeline.PluginPlan{
		Name: "echo", File: "bench.toml", Dir: dir,
		Config: pipeline.PluginConfig{Command: []string{self, echoProcess, string(needs)}, StartTimeout: 10 * time.Second, MaxInFlight: b.plan.Config.MaxInFlight},
	}}, nil
}

// serveEcho is that process. It does not return once it serves.
func serveEcho(args []string) int {
	var needs pipeline.Needs
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &needs); err != nil {
		fmt.Fprintf(os.Stderr, "leat: %s is for the command itself: %v\n", echoProcess, err)
		return exitUsage
	}
	header := ""
	for _, name := range needs.Request.Edit {
		if name == "*" {
			name = "X-Echo"
		}
		if !strings.HasPrefix(name, ":") {
			header = name
			break
		}
	}
	reads := needs.Response != nil && needs.Response.Body == pipeline.BodyFull
	plugins.Serve(pipeline.Define("echo", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if header != "" {
				req.Header.Set(header, "echo")
			}
			resp, err := next.RoundTrip(req)
			if err != nil || !reads {
				return resp, err
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return resp, err
		}, nil
	}).WithNeeds(needs))
	return 0
}
