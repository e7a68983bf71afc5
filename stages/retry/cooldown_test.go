package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
)

// TestCooldown_is_heeded_by_all is I7 and I10 for all callers of a host together: none sends before what the host asked any of them,
// none waits longer than a tenth more or past its deadline, and who leaves is let go at that instant.
func TestCooldown_is_heeded_by_all(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCrowd(rt)
		limit := time.Duration(rapid.IntRange(1, 20).Draw(rt, "timeout")) * time.Second
		wrong := ""
		synctest.Test(t, func(t *testing.T) { wrong = c.cool(t, limit) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// asked is one request of the host to be left alone.
type asked struct{ at, until time.Duration }

func (c crowd) cool(t *testing.T, limit time.Duration) string {
	const most = 2 * time.Second // max_retry_after
	start := time.Now()
	var mu sync.Mutex
	var sends []time.Duration
	var asks []asked
	var wrong []string
	rt := roundTrip(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		a := c.Answers[len(sends)%len(c.Answers)]
		sends = append(sends, time.Since(start))
		mu.Unlock()
		if err := pipeline.CallFrom(req.Context()).Wait(req.Context(), time.Duration(a.Delay)*time.Millisecond); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		now, header := time.Since(start), http.Header{}
		if a.After > 0 {
			header.Set("Retry-After", strconv.Itoa(a.After))
			if a.Status == 503 || a.Status == 429 {
				asks = append(asks, asked{now, now + min(most, time.Duration(a.After)*time.Second)})
			}
		}
		return &http.Response{StatusCode: a.Status, Header: header, Body: http.NoBody, Request: req}, nil
	})
	p := open(t, `max_retry_after = "2s"`, rt)
	var group sync.WaitGroup
	for _, who := range c.Callers {
		group.Go(func() {
			time.Sleep(time.Duration(who.At) * time.Millisecond)
			began := time.Now()
			until := began.Add(limit)
			ctx, cancel := context.WithCancel(pipeline.With(t.Context(), pipeline.Timeout(limit)))
			defer cancel()
			if who.Cancel > 0 {
				until = began.Add(min(limit, time.Duration(who.Cancel)*time.Millisecond))
				defer time.AfterFunc(time.Duration(who.Cancel)*time.Millisecond, cancel).Stop()
			}
			resp, err := p.RoundTrip(request(ctx, t, "GET", nil))
			now := time.Now()
			mu.Lock()
			defer mu.Unlock()
			if now.After(until) {
				wrong = append(wrong, fmt.Sprintf("returned %s after its context ended", now.Sub(until)))
			}
			if err == nil {
				_ = resp.Body.Close()
				return
			}
			e, ok := errors.AsType[*pipeline.Error](err)
			if ok && e.Reason == "timeout" && e.Sends == 0 {
				wrong = append(wrong, "waited into its deadline: "+e.Error())
			}
			if !ok || e.Reason != ReasonHostCooldown {
				return
			}
			waited, _ := e.Call().Times() // more than nothing if the host asked again meanwhile
			if e.Attempts == 0 && (now.Sub(began) != waited || e.Sends != 0 || e.Class != pipeline.ClassNotSent) {
				wrong = append(wrong, fmt.Sprintf("refused after %s and %d sends: %v", now.Sub(began), e.Sends, e))
			}
			if left := time.Until(until); e.RetryAfter <= 0 || e.RetryAfter < left && who.Cancel == 0 {
				wrong = append(wrong, fmt.Sprintf("a wait of %s was refused, %s were left", e.RetryAfter, left))
			}
		})
	}
	group.Wait()
	for _, sent := range sends {
		for _, a := range asks {
			if sent > a.at && sent < a.until { // at that very moment another may have been on its way
				wrong = append(wrong, fmt.Sprintf("sent at %s, although the host asked at %s to be left alone until %s", sent, a.at, a.until))
			}
		}
	}
	return strings.Join(wrong, "\n")
}

// TestCooldown_spreads: callers who wait for one host come back over a tenth of what it asked for, not in one moment.
func TestCooldown_spreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Duration
		start := time.Now()
		up := script(t)
		up.script = []any{up.after(429, "10"), func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			at = append(at, time.Since(start))
			mu.Unlock()
			return up.answer(req, 200, nil), nil
		}}
		p := open(t, "max_attempts = 1", up)
		_, _, _ = run(t, p, request(t.Context(), t, "GET", nil))
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * 99 * time.Millisecond)
				if status, _, err := run(t, p, request(t.Context(), t, "POST", nil)); status != 200 {
					t.Errorf("status %d, err %v", status, err)
				}
			})
		}
		group.Wait()
		late := 0
		for _, at := range at {
			if at < 10*time.Second || at > 11*time.Second {
				t.Errorf("sent at %s, want from 10s to 11s", at)
			}
			if at > 10500*time.Millisecond {
				late++
			}
		}
		if len(at) != 100 || late < 20 || late > 80 {
			t.Errorf("%d came back, %d of them in the second half; want 100 and about 50", len(at), late)
		}
	})
}

// TestCooldown_outside_a_pipeline: a stage that a program uses by itself has the same.
func TestCooldown_outside_a_pipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Defaults()
		c.MaxAttempts = 1
		s, err := New(c, pipeline.Settings{Random: func() float64 { return 0 }})
		if err != nil {
			t.Fatal(err)
		}
		up := script(t)
		up.script = []any{up.after(503, "10"), 200}
		start := time.Now()
		for i, want := range []time.Duration{0, 10 * time.Second} {
			resp, err := s.Do(request(t.Context(), t, "GET", nil), up)
			if err != nil || time.Since(start) != want {
				t.Errorf("call %d ended after %s, want %s: %v", i+1, time.Since(start), want, err)
			}
			pipeline.Drop(resp)
		}
		up.allClosed()
	})
}

// TestCooldown_closes_the_body: the body of a request that is not sent is closed all the same, once.
func TestCooldown_closes_the_body(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := script(t)
		up.script = []any{up.after(503, "10")}
		p := open(t, "max_attempts = 1", up)
		_, _, _ = run(t, p, request(t.Context(), t, "GET", nil))
		body := &trackedBody{Reader: strings.NewReader("x")}
		req := request(pipeline.With(t.Context(), pipeline.Timeout(time.Second)), t, "POST", body)
		if _, call, err := run(t, p, req); pipeline.KindOf(err) != pipeline.KindServer || call.Sends() != 0 {
			t.Errorf("%d sends, err %v", call.Sends(), err)
		}
		if n := body.count(); n != 1 {
			t.Errorf("the body was closed %d times", n)
		}
	})
}
