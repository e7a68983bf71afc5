package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/conformance/demo"
)

func TestFlaky(t *testing.T) {
	for path, want := range map[string]struct {
		status      int
		retryAfter  string
		contentType string
	}{
		"/flaky":   {503, "1", "application/problem+json"},
		"/limited": {429, "1", "application/problem+json"},
		"/html":    {503, "", "text/html; charset=utf-8"},
	} {
		t.Run(path[1:]+"_fails_and_succeeds_in_turn", func(t *testing.T) {
			c, _ := loggedIn(t, demo.Options{})
			for range 2 {
				r := c.do("GET", path, "")
				wantStatus(t, r, want.status)
				equal(t, "Retry-After", r.header.Get("Retry-After"), want.retryAfter)
				equal(t, "content type", r.header.Get("Content-Type"), want.contentType)
				r = c.do("GET", path, "")
				wantStatus(t, r, 200)
				equal(t, "id", r.json(t)["id"].(float64), 1)
			}
		})
	}
	t.Run("times_sets_the_number_of_failures", func(t *testing.T) {
		c, _ := loggedIn(t, demo.Options{})
		for _, want := range []int{503, 503, 503, 200, 503} {
			wantStatus(t, c.do("GET", "/flaky?times=3", ""), want)
		}
		wantStatus(t, c.do("GET", "/flaky?times=11", ""), 400)
	})
	t.Run("sequences_of_others_do_not_mix", func(t *testing.T) {
		api := demo.New(demo.Options{})
		c, d := onLoopback(t, api), onLoopback(t, api)
		c.login("")
		d.login("")
		wantStatus(t, c.do("GET", "/flaky", ""), 503)
		wantStatus(t, d.do("GET", "/flaky", ""), 503)
		wantStatus(t, c.do("GET", "/flaky?id=2", ""), 503)
		wantStatus(t, c.do("GET", "/flaky", ""), 200)
	})
	t.Run("a_sequence_outlives_a_refresh", func(t *testing.T) {
		c := onLoopback(t, demo.New(demo.Options{}))
		refresh := c.login("")
		wantStatus(t, c.do("GET", "/flaky", ""), 503)
		c.use(c.refresh(refresh))
		wantStatus(t, c.do("GET", "/flaky", ""), 200)
	})
	t.Run("a_retry_before_Retry-After_is_counted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := demo.New(demo.Options{})
			c, stop := inMemory(t, api)
			defer stop()
			c.login("")
			c.do("GET", "/flaky", "")
			time.Sleep(time.Second)
			c.do("GET", "/flaky", "")
			equal(t, "early after a second", api.Stats().EarlyRetries, 0)
			c.do("GET", "/flaky", "")
			time.Sleep(time.Second - 1)
			c.do("GET", "/flaky", "")
			equal(t, "early before it", api.Stats().EarlyRetries, 1)
		})
	})
}

func TestSlow(t *testing.T) {
	t.Run("answers_after_ten_seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, stop := inMemory(t, demo.New(demo.Options{}))
			defer stop()
			c.login("")
			begin := time.Now()
			wantStatus(t, c.do("GET", "/slow", ""), 200)
			equal(t, "took", time.Since(begin), 10*time.Second)
		})
	})
	t.Run("ends_when_the_client_leaves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := demo.New(demo.Options{})
			c, stop := inMemory(t, api)
			defer stop()
			c.login("")
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			begin := time.Now()
			_, err := c.try(ctx, "GET", "/slow", "")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want a deadline", err)
			}
			synctest.Wait()
			equal(t, "took", time.Since(begin), 3*time.Second)
			equal(t, "abandoned", api.Stats().Abandoned, 1)
		})
	})
}

func TestDrip(t *testing.T) {
	t.Run("gives_60_bytes_of_json_in_a_minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, stop := inMemory(t, demo.New(demo.Options{TokenLifetime: time.Hour}))
			defer stop()
			c.login("")
			begin := time.Now()
			r := c.do("GET", "/drip", "")
			equal(t, "took", time.Since(begin), time.Minute)
			equal(t, "length", r.header.Get("Content-Length"), "60")
			equal(t, "bytes", len(r.body), 60)
			equal(t, "valid", json.Valid(r.body), true)
		})
	})
	t.Run("flushes_headers_at_once_and_each_byte", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := demo.New(demo.Options{})
			c, stop := inMemory(t, api)
			defer stop()
			c.login("")
			ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
			defer cancel()
			r, err := c.try(ctx, "GET", "/drip", "")
			if !errors.Is(err, context.DeadlineExceeded) || r.status != 200 || len(r.body) != 5 {
				t.Errorf("got %d, %d bytes, %v; want 200, 5 bytes and a deadline", r.status, len(r.body), err)
			}
			synctest.Wait()
			equal(t, "abandoned", api.Stats().Abandoned, 1)
		})
	})
	t.Run("the_json_is_whole_for_every_seed", func(t *testing.T) {
		for seed := range uint64(200) {
			c, _ := loggedIn(t, demo.Options{Seed: seed, DripInterval: time.Nanosecond})
			if r := c.do("GET", "/drip", ""); len(r.body) != 60 || !json.Valid(r.body) {
				t.Fatalf("seed %d: %d bytes: %s", seed, len(r.body), r.body)
			}
		}
	})
}
