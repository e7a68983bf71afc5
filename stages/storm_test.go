package stages_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages"
)

// A refresh storm: many callers have sent one token, and each gets a 401. One token request must serve them all.
//
//	go test -run '^$' -bench Storm -benchtime 10x ./stages
//
// x-plain is the time of a storm, without that of its token request, over that of as many sends by as many callers which nobody refuses,
// in the same run. There too all callers have a send under way before the first one is answered, and answers take as long. peak-MB is
// how far the heap grew above what it held before, and plain-MB the same of the calls that are not refused.

const stormFile = `
version = 1
[credentials.api]
type          = "oauth2"
origins       = ["https://api.example.com"]
token_url     = "https://id.example.com/token"
client_id     = "storm"
client_secret = { env = "SECRET" }
[stages.validate]
required = ["id", "title", "author"]
[pipelines.api]
base_url   = "https://api.example.com"
credential = "api"
stages     = ["auth", "refresh", "retry", "log", "error-map", "validate"]
`

const tokenTime = 5 * time.Millisecond

// stormy is an API and its token endpoint, in memory. It answers 401 to a token that was revoked.
type stormy struct {
	tokens  atomic.Int64 // granted
	revoked atomic.Int64 // tokens up to this number are refused
	refused atomic.Int64
	spread  time.Duration // 401s come at random within it

	gate    chan struct{} // a caller's first send waits for it
	late    atomic.Bool   // the gate is open for good
	waiting atomic.Int64
}

func (s *stormy) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "id.example.com" {
		time.Sleep(tokenTime)
		return answer(req, http.StatusOK, fmt.Appendf(nil, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, s.tokens.Add(1))), nil
	}
	var token int64
	if _, err := fmt.Sscanf(req.Header.Get("Authorization"), "Bearer token-%d", &token); err != nil {
		return nil, err
	}
	refused := token <= s.revoked.Load()
	if !s.late.Load() {
		s.waiting.Add(1)
		<-s.gate
		if s.spread > 0 {
			time.Sleep(rand.N(s.spread))
		}
	}
	if !refused {
		return answer(req, http.StatusOK, benchBody), nil
	}
	s.refused.Add(1)
	return answer(req, http.StatusUnauthorized, []byte(`{"error":"invalid_token"}`)), nil
}

func answer(req *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func stormClient(tb testing.TB, s *stormy) *http.Client {
	tb.Helper()
	r, err := pipeline.OpenBytes(tb.Context(), "storm.toml", []byte(stormFile),
		pipeline.WithStages(stages.All()...), pipeline.WithTransport("*", s), pipeline.WithSecrets(map[string]string{"SECRET": "a-client-secret"}),
		pipeline.WithTracerProvider(noop.NewTracerProvider()), pipeline.WithLogger(benchLogger()), pipeline.WithEnviron(nil))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("api")
	if err != nil {
		tb.Fatal(err)
	}
	client := p.Client()
	s.late.Store(true)
	if err := once(client); err != nil { // gets the first token
		tb.Fatal(err)
	}
	return client
}

// storm has each of n callers refused once.
func (s *stormy) storm(tb testing.TB, client *http.Client, n int) time.Duration {
	tb.Helper()
	s.refused.Store(0)
	before := s.tokens.Load()
	s.revoked.Store(before)
	took := s.crowd(tb, n, func() error { return once(client) })
	if got := s.tokens.Load() - before; got != 1 {
		tb.Fatalf("%d callers made %d token requests, want 1", n, got)
	}
	if got := s.refused.Load(); got != int64(n) {
		tb.Fatalf("%d of %d callers were refused", got, n)
	}
	return took
}

// plain has each of n callers make two calls, which all succeed.
func (s *stormy) plain(tb testing.TB, client *http.Client, n int) time.Duration {
	tb.Helper()
	return s.crowd(tb, n, func() error { return errors.Join(once(client), once(client)) })
}

// crowd has n callers call at once, and returns how long it took from the answer to the first until all were done. No answer comes
// before each has a send under way.
func (s *stormy) crowd(tb testing.TB, n int, call func() error) time.Duration {
	tb.Helper()
	s.gate = make(chan struct{})
	s.waiting.Store(0)
	s.late.Store(false)
	var group sync.WaitGroup
	var failed atomic.Pointer[error]
	for range n {
		group.Go(func() {
			if err := call(); err != nil {
				failed.Store(&err)
			}
		})
	}
	for s.waiting.Load() < int64(n) {
		time.Sleep(100 * time.Microsecond)
	}
	s.late.Store(true)
	began := time.Now()
	close(s.gate)
	group.Wait()
	took := time.Since(began)
	if err := failed.Load(); err != nil {
		tb.Fatalf("a caller failed: %v", *err)
	}
	return took
}

func TestStorm(t *testing.T) {
	for _, spread := range []time.Duration{0, 200 * time.Millisecond} {
		s := &stormy{spread: spread}
		client := stormClient(t, s)
		for range 3 {
			s.storm(t, client, 2000)
		}
	}
}

func BenchmarkStorm(b *testing.B) {
	const callers = 10_000
	for _, spread := range []time.Duration{0, 200 * time.Millisecond} {
		name := "at once"
		if spread > 0 {
			name = "over " + spread.String()
		}
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			s := &stormy{spread: spread}
			client := stormClient(b, s)
			var stormed, plainly time.Duration
			var peak, plain uint64
			for b.Loop() {
				watch := watchHeap()
				plainly += s.plain(b, client, callers)
				plain = max(plain, watch())
				watch = watchHeap()
				stormed += s.storm(b, client, callers)
				peak = max(peak, watch())
			}
			b.ReportMetric(float64(stormed-time.Duration(b.N)*tokenTime)/float64(plainly), "x-plain")
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
			b.ReportMetric(float64(plain)/1e6, "plain-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watchHeap returns a function that ends the watch and says by how many bytes the heap grew at most.
func watchHeap() (grown func() uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, done, peak := m.HeapAlloc, make(chan struct{}), make(chan uint64)
	go func() {
		top := before
		for {
			select {
			case <-done:
				peak <- top - before
				return
			case <-time.After(2 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				top = max(top, m.HeapAlloc)
			}
		}
	}()
	return func() uint64 { close(done); return <-peak }
}
