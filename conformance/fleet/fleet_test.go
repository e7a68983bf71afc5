//go:build unix

// Package fleet holds processes that share one rotating credential through a real Redis to what docs/fleet.md promises.
package fleet

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential/redisstore/redistest"
)

var full = flag.Bool("fleet.full", false, "8 processes with 200 callers each, 20 expiries of 5-second tokens (takes two minutes)")

func TestMain(m *testing.M) {
	redis.SetLogger(&logging.VoidLogger{})
	if args := os.Getenv(replicaVar); args != "" {
		if err := replica(args); err != nil {
			fmt.Fprintln(os.Stderr, "replica:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// However many processes and callers there are, one token request is made for each expiry, and no caller notices.
func TestFleet_renews_once_per_expiry(t *testing.T) {
	processes, callers, pause, life, expiries := 4, 20, 100*time.Millisecond, 2*time.Second, 8
	if *full {
		processes, callers, pause, life, expiries = 8, 200, 2*time.Second, 5*time.Second, 20
	}
	r := redistest.Start(t)
	p := newProvider(life)
	server := httptest.NewServer(p)
	defer server.Close()
	var replicas []*started
	for range processes {
		replicas = append(replicas, start(t, r.Addr, server.URL, callers, pause))
	}
	p.await(t, expiries+1)
	calls, slowest := 0, time.Duration(0)
	for i, one := range replicas {
		got := one.end(t)
		calls, slowest = calls+got.Calls, max(slowest, got.Slowest)
		if got.Failures > 0 || got.Calls < callers {
			t.Errorf("replica %d: %d of %d calls failed: %q", i, got.Failures, got.Calls, got.First)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.revoked != "" || p.current != len(p.requests) {
		t.Errorf("%d token requests brought %d tokens; revoked: %q", len(p.requests), p.current, p.revoked)
	}
	if p.most != 1 {
		t.Errorf("%d token requests at a time", p.most)
	}
	shortest := time.Hour
	for i := 1; i < len(p.requests); i++ {
		shortest = min(shortest, p.requests[i].Sub(p.requests[i-1]))
	}
	// A second request for one expiry would come long before the token that the first brought is old.
	if shortest < life/2 {
		t.Errorf("two token requests within %v, though a token lives for %v", shortest, life)
	}
	t.Logf("%d processes × %d callers: %d calls, none failed: %v; %d token requests, at least %v apart; %d calls met a 401; slowest call %v",
		processes, callers, calls, !t.Failed(), len(p.requests), shortest, p.refused, slowest)
}

// The fleet goes on with a token that is good while Redis is away, also if Redis comes back with nothing: what it forgot, the fleet still knows.
func TestFleet_goes_on_when_Redis_comes_back_empty(t *testing.T) {
	const life = 4 * time.Second
	r := redistest.Start(t)
	p := newProvider(life)
	server := httptest.NewServer(p)
	defer server.Close()
	var replicas []*started
	for range 3 {
		replicas = append(replicas, start(t, r.Addr, server.URL, 10, 100*time.Millisecond))
	}
	for n := 2; n <= 4; n++ {
		p.await(t, n)
		r.Kill()
		time.Sleep(life / 8)
		r.Start()
	}
	p.await(t, 6)
	for i, one := range replicas {
		if got := one.end(t); got.Failures > 0 || got.Calls == 0 {
			t.Errorf("replica %d: %d of %d calls failed: %q", i, got.Failures, got.Calls, got.First)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.revoked != "" || p.current != len(p.requests) || p.most != 1 {
		t.Errorf("%d token requests, %d at a time, brought %d tokens; revoked: %q", len(p.requests), p.most, p.current, p.revoked)
	}
}

// BenchmarkFirstCall is how long a new replica needs from its first call to that call's start on the wire, with a token in the store.
func BenchmarkFirstCall(b *testing.B) {
	r := redistest.Start(b)
	p := newProvider(time.Hour)
	server := httptest.NewServer(p)
	defer server.Close()
	var sent time.Time
	wire := pipeline.WithWrappedTransports(func(rt http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			sent = time.Now()
			return rt.RoundTrip(req)
		})
	})
	first := func() time.Duration {
		runner, api, err := opened(b.Context(), r.Addr, server.URL, wire)
		if err != nil {
			b.Fatal(err)
		}
		defer runner.Close()
		start := time.Now()
		if err := call(api.Client(), server.URL); err != nil {
			b.Fatal(err)
		}
		return sent.Sub(start)
	}
	first() // puts the token there
	var sum, most time.Duration
	n := 0
	for b.Loop() {
		took := first()
		sum, most, n = sum+took, max(most, took), n+1
	}
	if p.tokens() != 1 {
		b.Errorf("%d tokens, want the first one alone", p.tokens())
	}
	b.ReportMetric(float64(sum.Microseconds())/float64(n)/1000, "ms-to-send")
	b.ReportMetric(float64(most.Microseconds())/1000, "ms-to-send-max")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
