package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
)

// writeCase is a POST to the misbehaving API, which creates a post and then says 503, as servers do that time out behind their proxy.
type writeCase struct{ what, path, key string }

var writeCases = []writeCase{
	{"POST answered 503 each time", "/flaky-write?times=10", ""},
	{"POST answered 503 twice, then 201", "/flaky-write?times=2", ""},
	{"the same with an Idempotency-Key", "/flaky-write?times=2", "order-17"},
}

// compareWrites counts how often a POST arrives and how often it is carried out.
func compareWrites(ctx context.Context) ([]row, error) {
	var rows []row
	for _, c := range writeCases {
		habit, err := onNewAPI(func(api *demo.API, net *network) (string, error) { return c.withHabit(ctx, api, net) })
		if err != nil {
			return nil, fmt.Errorf("%s: the habit: %w", c.what, err)
		}
		leat, err := onNewAPI(func(api *demo.API, net *network) (string, error) { return c.withLeat(ctx, api, net) })
		if err != nil {
			return nil, fmt.Errorf("%s: leat: %w", c.what, err)
		}
		rows = append(rows, row{c.what, "go-retryablehttp", habit, leat})
	}
	return rows, nil
}

// onNewAPI measures against an API that nobody has talked to.
func onNewAPI(measure func(*demo.API, *network) (string, error)) (string, error) {
	api, net := demo.New(demo.Options{Seed: 1}), newNetwork()
	defer net.close()
	net.serve("api.localhost:80", api)
	return measure(api, net)
}

// withHabit uses go-retryablehttp as its README shows, its policy and its count of 4 retries untouched. Only its waits, a second
// and more, are cut short: the upstream sees the same.
func (c writeCase) withHabit(ctx context.Context, api *demo.API, net *network) (string, error) {
	token, err := logIn(ctx, net.transport())
	if err != nil {
		return "", err
	}
	client := retryablehttp.NewClient()
	client.HTTPClient.Transport = net.transport()
	client.RetryWaitMin, client.RetryWaitMax = time.Millisecond, 2*time.Millisecond
	client.Logger = nil

	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, apiURL+c.path, strings.NewReader(post))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if c.key != "" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	status := "an error"
	if resp, err := client.Do(req); err == nil { // with its retries used up it returns an error and no response
		status = fmt.Sprint(resp.StatusCode)
		drop(resp)
	}
	return c.seen(api, status), nil
}

// withLeat sends the same POST through a pipeline whose retry stage waits as shortly.
func (c writeCase) withLeat(ctx context.Context, api *demo.API, net *network) (string, error) {
	runner, err := open(ctx, net.transport(), nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = runner.Close() }()
	p, err := runner.Pipeline("api")
	if err != nil {
		return "", err
	}
	if c.key != "" {
		ctx = pipeline.With(ctx, pipeline.IdempotencyKey(c.key))
	}
	req, err := p.NewRequest(ctx, http.MethodPost, c.path, strings.NewReader(post))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.Client().Do(req)
	if err != nil {
		return "", err
	}
	drop(resp)
	return c.seen(api, fmt.Sprint(resp.StatusCode)), nil
}

// seen reads the API's counters.
func (c writeCase) seen(api *demo.API, status string) string {
	s := api.Stats()
	return fmt.Sprintf("%s, %d carried out, caller got %s", number(s.Requests["/flaky-write"], "POST", "POSTs"), s.Writes["/flaky-write"], status)
}
