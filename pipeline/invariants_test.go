package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline"
)

// TestInvariants holds the six stages, in any order, against an upstream that answers, stalls, resets and revokes tokens at random,
// over net/http's own client and server:
//
//	I2  401s to one token cost one token request
//	I3  a call is sent at most max_attempts times and once more
//	I4  every response body is returned or closed, every request body closed exactly once, every goroutine over
//	I5  each attempt is the first one again, byte for byte
//	I6  what may have been processed is not sent again unless that is safe
//	I7  nothing is sent before Retry-After
//	I10 RoundTrip returns at the instant at which its context ends
//	I11 every error is one *pipeline.Error with a kind
func TestInvariants(t *testing.T) {
	for i := range 4 { // 100 histories each
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				p := plots().Draw(r, "plot")
				if bad := play(t, p); len(bad) > 0 {
					r.Fatalf("%s", strings.Join(bad, "\n"))
				}
			})
		})
	}
}

// play runs a plot and returns what was broken.
func play(t *testing.T, p plot) []string {
	w := &world{plot: p, arrivals: map[string][]arrival{}, refused: map[string]bool{}}
	synctest.Test(t, func(t *testing.T) {
		w.t, w.over = t, make(chan struct{})
		pipe, end := w.open()
		for _, ms := range p.Revoked {
			time.AfterFunc(time.Duration(ms)*time.Millisecond, func() {
				w.mu.Lock()
				w.dead = w.given
				w.mu.Unlock()
			})
		}
		var group sync.WaitGroup
		for i, c := range p.Callers {
			group.Go(func() { w.call(pipe, fmt.Sprint("call-", i), c) })
		}
		group.Wait()
		end()
		time.Sleep(5 * time.Second) // handlers that sleep, and the last revocation
		synctest.Wait()
		if n := w.bodies.Load(); n != 0 {
			w.breach("I4: %d response bodies were never closed", n)
		}
	})
	w.judge()
	return w.bad
}

// call makes one call and judges what the caller can see of it.
func (w *world) call(p *pipeline.Pipeline, id string, c caller) {
	time.Sleep(time.Duration(c.Start) * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := time.Now()
	until := began.Add(20 * time.Second)
	if c.Cancel > 0 {
		at := time.Duration(c.Cancel) * time.Millisecond
		defer time.AfterFunc(at, cancel).Stop()
		until = began.Add(at)
	}
	if c.Deadline > 0 {
		at := began.Add(time.Duration(c.Deadline) * time.Millisecond)
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, at)
		defer stop()
		if at.Before(until) {
			until = at
		}
	}
	if c.NoRetry {
		ctx = pipeline.With(ctx, pipeline.NoRetry())
	}
	req, bodies, settled := w.request(ctx, p, id, c)
	resp, err := p.RoundTrip(req)
	if now := time.Now(); now.After(until) {
		w.breach("I10: %s returned %s after its context ended: %v", id, now.Sub(until), err)
	}
	if (err == nil) == (resp == nil) {
		w.breach("%s: got response %v and error %v", id, resp, err)
	}
	if err != nil {
		w.judgeError(id, err)
	} else {
		if c.ReadAll {
			if _, err := io.ReadAll(resp.Body); err != nil {
				w.judgeError(id+" reading", err)
			}
			if now := time.Now(); now.After(until) {
				w.breach("I10: %s read until %s after its context ended", id, now.Sub(until))
			}
		}
		_ = resp.Body.Close()
		if sends := pipeline.CallOf(resp).Sends(); sends > w.plot.MaxAttempts+1 {
			w.breach("I3: %s was sent %d times", id, sends)
		}
	}
	settled()
	for i, b := range bodies() {
		if n := b.closed.Load(); n != 1 {
			w.breach("I4: body %d of %s was closed %d times", i, id, n)
		}
	}
}

// request makes the request of a caller. bodies lists the request bodies that were handed out; settled waits for the transport,
// which may close them after RoundTrip has returned.
func (w *world) request(ctx context.Context, p *pipeline.Pipeline, id string, c caller) (req *http.Request, bodies func() []*watched, settled func()) {
	req, err := p.NewRequest(ctx, c.Method, "/things?a=1&b=2", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Call", id)
	req.Header["X-Many"] = []string{"1", "2"}
	if c.Key {
		req.Header.Set("Idempotency-Key", "key-"+id)
	}
	var mu sync.Mutex
	var all []*watched
	hand := func(r io.Reader) *watched {
		b := &watched{Reader: r}
		mu.Lock()
		all = append(all, b)
		mu.Unlock()
		return b
	}
	var writer sync.WaitGroup
	length := int64(len(payload))
	switch c.Body {
	case "getbody":
		req.Body, req.ContentLength = hand(strings.NewReader(payload)), length
		req.GetBody = func() (io.ReadCloser, error) { return hand(strings.NewReader(payload)), nil }
	case "known":
		req.Body, req.ContentLength = hand(strings.NewReader(payload)), length
	case "unknown":
		req.Body, req.ContentLength = hand(strings.NewReader(payload)), -1
	case "large":
		req.Body, req.ContentLength = hand(strings.NewReader(strings.Repeat(payload, 100))), 100*length
	case "pipe":
		pr, pw := io.Pipe()
		b := hand(pr)
		b.close = pr.Close
		req.Body, req.ContentLength = b, -1
		writer.Go(func() {
			for _, word := range strings.SplitAfter(payload, " ") {
				time.Sleep(3 * time.Millisecond)
				if _, err := io.WriteString(pw, word); err != nil {
					return
				}
			}
			_ = pw.Close()
		})
	}
	return req, func() []*watched { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }, func() { time.Sleep(time.Millisecond); writer.Wait() }
}

// watched is a request body that counts how often it is closed.
type watched struct {
	io.Reader
	close  func() error
	closed atomic.Int32
}

func (b *watched) Close() error {
	b.closed.Add(1)
	if b.close != nil {
		return b.close()
	}
	return nil
}

// judgeError is I11.
func (w *world) judgeError(id string, err error) {
	n := 0
	for e := err; e != nil; e = errors.Unwrap(e) {
		if own, ok := e.(*pipeline.Error); ok {
			n++
			if !slices.Contains(pipeline.Kinds(), own.Kind) || own.Pipeline != "p" || own.Stage == "" || own.Class == "" || own.Call() == nil {
				w.breach("I11: %s: %#v, kind %q, class %q, pipeline %q, stage %q", id, own, own.Kind, own.Class, own.Pipeline, own.Stage)
			}
			if own.Sends > w.plot.MaxAttempts+1 {
				w.breach("I3: %s was sent %d times", id, own.Sends)
			}
		}
	}
	if n != 1 {
		w.breach("I11: %s: %d *pipeline.Errors in %v", id, n, err)
	}
}

// judge looks at what the upstream saw.
func (w *world) judge() {
	if len(w.plot.TokenFails) == 0 && w.grants > 1+len(w.refused) {
		w.bad = append(w.bad, fmt.Sprintf("I2: %d token requests, %d tokens were refused", w.grants, len(w.refused)))
	}
	for i, c := range w.plot.Callers {
		id := fmt.Sprint("call-", i)
		seen := w.arrivals[id]
		// net/http itself may send again, once for each pooled connection that turned out dead.
		if len(seen) > w.plot.MaxAttempts+1 && !w.resent() {
			w.bad = append(w.bad, fmt.Sprintf("I3: the upstream saw %s %d times", id, len(seen)))
		}
		want := payload
		switch c.Body {
		case "large":
			want = strings.Repeat(payload, 100)
		case "none":
			want = ""
		}
		safe := c.Method != "POST" && c.Method != "PATCH" || c.Key
		for k, a := range seen {
			if a.Request != seen[0].Request {
				w.bad = append(w.bad, fmt.Sprintf("I5: attempt %d of %s is\n%s, the first was\n%s", k+1, id, a.Request, seen[0].Request))
			}
			if a.Complete && a.Body != want || !strings.HasPrefix(want, a.Body) {
				w.bad = append(w.bad, fmt.Sprintf("I5: attempt %d of %s has body %q", k+1, id, a.Body))
			}
			if k == 0 {
				continue
			}
			before := seen[k-1]
			licensed := before.Status == 401 || before.Status == 425 || before.Status == 429
			if !safe && !licensed {
				w.bad = append(w.bad, fmt.Sprintf("I6: %s %s was sent again after %+v", id, c.Method, before.Reply))
			}
			if wait, err := strconv.Atoi(before.Reply.RetryAfter); err == nil && before.Status != 0 && a.At.Before(before.End.Add(time.Duration(min(wait, 100))*time.Second)) {
				if before.Status == 429 || before.Status == 503 {
					w.bad = append(w.bad, fmt.Sprintf("I7: %s was sent again %s after %+v", id, a.At.Sub(before.End), before.Reply))
				}
			}
		}
	}
}

// resent reports whether the plot has what makes net/http send on its own.
func (w *world) resent() bool {
	return slices.ContainsFunc(w.plot.Answers, func(r reply) bool { return r.How == "reset" })
}
