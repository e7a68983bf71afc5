package stages_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// The main benchmark: six stages around a transport in memory that answers a GET with 300 bytes of JSON, with tracing off.
// "bare" is http.Client alone; "hand" is the same six jobs as plain round-trippers, written as a good engineer writes them.
// Both chains log one JSON record a call through equal slog handlers. What counts is the cost above bare.
//
//	go test -run '^$' -bench SixStages -benchmem ./stages

const benchFile = `
version = 1
[credentials.api]
type    = "bearer"
origins = ["https://api.example.com"]
token   = { env = "TOKEN" }
[stages.validate]
required = ["id", "title", "author"]
[pipelines.api]
base_url   = "https://api.example.com"
credential = "api"
`

var benchBody = []byte(`{"id":1,"title":"Notes on broken caches","author":"barbara","body":"` + strings.Repeat("We watched the caches. ", 7) + `","likes":240,"published":true,"tags":["caches","measurement"]}`)

// memory answers every request from memory.
type memory struct{}

func (memory) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(benchBody)), Body: io.NopCloser(bytes.NewReader(benchBody)),
	}, nil
}

func BenchmarkSixStages(b *testing.B) {
	b.Run("bare", func(b *testing.B) { drive(b, &http.Client{Transport: memory{}}) })
	b.Run("hand", func(b *testing.B) { drive(b, handChain()) })
	b.Run("leat", func(b *testing.B) {
		drive(b, leatClient(b, "auth", "refresh", "retry", "log", "error-map", "validate"))
	})
}

// BenchmarkEachStage adds one stage at a time, in the order of the file: what a stage costs is the difference to the row before.
func BenchmarkEachStage(b *testing.B) {
	all := []string{"auth", "refresh", "retry", "log", "error-map", "validate"}
	for n := range len(all) + 1 {
		name := "none"
		if n > 0 {
			name = "to " + all[n-1]
		}
		b.Run(name, func(b *testing.B) { drive(b, leatClient(b, all[:n]...)) })
	}
}

func leatClient(tb testing.TB, names ...string) *http.Client {
	file := benchFile + fmt.Sprintf("stages = [%s]\n", quoted(names))
	r, err := pipeline.OpenBytes(tb.Context(), "bench.toml", []byte(file),
		pipeline.WithStages(stages.All()...), pipeline.WithTransport("default", memory{}), pipeline.WithSecrets(map[string]string{"TOKEN": "secret-token"}),
		pipeline.WithTracerProvider(noop.NewTracerProvider()), pipeline.WithLogger(benchLogger()), pipeline.WithEnviron(nil))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("api")
	if err != nil {
		tb.Fatal(err)
	}
	return p.Client()
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strconv.Quote(name)
	}
	return strings.Join(list, ", ")
}

func benchLogger() *slog.Logger { return slog.New(slog.NewJSONHandler(io.Discard, nil)) }

func drive(b *testing.B, client *http.Client) {
	b.ReportAllocs()
	for b.Loop() {
		if err := once(client); err != nil {
			b.Fatal(err)
		}
	}
}

func once(client *http.Client) error {
	req, err := http.NewRequest(http.MethodGet, "https://api.example.com/posts/1", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// The six jobs by hand, outermost first.

func handChain() *http.Client {
	tokens := &handTokens{token: "secret-token"}
	return &http.Client{Timeout: 30 * time.Second, Transport: &handAuth{tokens, &handRefresh{tokens, &handRetry{3, &handLog{benchLogger().With("pipeline", "api"), &handErrors{&handValidate{memory{}}}}}}}}
}

type handTokens struct {
	mu    sync.Mutex
	token string
}

func (t *handTokens) get() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token
}

type handAuth struct {
	tokens *handTokens
	next   http.RoundTripper
}

func (h *handAuth) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "api.example.com" {
		return h.next.RoundTrip(req)
	}
	out := req.Clone(req.Context())
	out.Header.Set("Authorization", "Bearer "+h.tokens.get())
	return h.next.RoundTrip(out)
}

type handRefresh struct {
	tokens *handTokens
	next   http.RoundTripper
}

func (h *handRefresh) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	out := req.Clone(req.Context())
	if req.GetBody != nil {
		if out.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	out.Header.Set("Authorization", "Bearer "+h.tokens.get())
	return h.next.RoundTrip(out)
}

type handRetry struct {
	attempts int
	next     http.RoundTripper
}

func (h *handRetry) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := h.next.RoundTrip(req)
		again := err != nil || resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests
		if !again || attempt == h.attempts || req.Method != http.MethodGet {
			return resp, err
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			_ = resp.Body.Close()
		}
		timer := time.NewTimer(time.Duration(rand.Int64N(int64(100 * time.Millisecond << attempt))))
		select {
		case <-timer.C:
		case <-req.Context().Done():
			timer.Stop()
			return nil, req.Context().Err()
		}
	}
}

type handLog struct {
	log  *slog.Logger
	next http.RoundTripper
}

func (h *handLog) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := h.next.RoundTrip(req)
	took := slog.Float64("duration_ms", float64(time.Since(began))/1e6)
	method, url := slog.String("method", req.Method), slog.String("url", req.URL.Redacted())
	if err != nil {
		h.log.LogAttrs(req.Context(), slog.LevelWarn, "call", method, url, took, slog.String("error", err.Error()))
		return nil, err
	}
	h.log.LogAttrs(req.Context(), slog.LevelInfo, "call", method, url, took, slog.Int("status", resp.StatusCode))
	return resp, nil
}

type handErrors struct{ next http.RoundTripper }

type statusError struct {
	status int
	body   []byte
}

func (e *statusError) Error() string { return http.StatusText(e.status) }

func (h *handErrors) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(req)
	if err != nil || resp.StatusCode < 400 || resp.StatusCode == 401 || resp.StatusCode == 429 || resp.StatusCode == 503 {
		return resp, err
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	return nil, &statusError{resp.StatusCode, body}
}

type handValidate struct{ next http.RoundTripper }

func (h *handValidate) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(req)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	var post struct{ ID, Title, Author json.RawMessage }
	if err := json.Unmarshal(body, &post); err != nil {
		return nil, err
	}
	if post.ID == nil || post.Title == nil || post.Author == nil {
		return nil, errors.New("a post needs id, title and author")
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
