package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// caller is one call of the test, and what came of it.
type caller struct {
	play *play
	spec *Call
	turn int // in the order of the file, from 1
	at   place
	id   string
	name string

	status           int
	header           http.Header
	body             []byte
	readErr          error
	shown            string // the request that the response names
	err              error
	failure          *pipeline.Error
	info             *pipeline.Call
	elapsed, ended   time.Duration
	leave            func()        // ends the caller's context: after the test, for many a program's lives as long as the program
	left             time.Duration // after which the caller's context ended; negative if it did not
	over             bool
	mu               sync.Mutex
	odd              []string // breaches of what always holds
	bodies, released int      // request bodies that were handed out, and closed
	twice            bool     // one of them was closed again
	hops             int      // how often the pipeline was entered
}

func (p *play) newCaller(n, k int) *caller {
	spec := &p.test.Calls[n]
	c := &caller{play: p, spec: spec, turn: len(p.calls) + 1, at: p.suite.test(p.i).at("call", index(n)), id: fmt.Sprintf("%d.%d", n, k), name: spec.Name, left: -1}
	if c.name == "" {
		c.name = fmt.Sprintf("call %d", n+1)
	}
	if spec.count() > 1 {
		c.name += fmt.Sprintf(" (%d of %d)", k+1, spec.count())
	}
	return c
}

func (c *Call) count() int {
	if c.Count == nil {
		return 1
	}
	return *c.Count
}

// call sends the request and reads the answer.
func (c *caller) call(ctx context.Context) {
	start := time.Now()
	defer c.note(func() { c.over = true })
	ctx, c.leave = c.context(playing(c.play.world.inTurn(c.spec.TraceParent.within(ctx), c.turn), c.play))
	defer context.AfterFunc(ctx, func() { c.note(func() { c.left = time.Since(start) }) })()
	p, err := c.play.runner.Pipeline(c.pipeline())
	if err != nil {
		c.err = err
		return
	}
	req, err := c.request(pipeline.With(ctx, c.options()...), p)
	if err != nil {
		c.failed(err)
		return
	}
	resp, err := c.client(p).Do(req)
	c.elapsed = time.Since(start)
	if err != nil {
		c.failed(err)
	} else {
		c.answered(ctx, resp, start)
	}
	c.ended = time.Since(start)
	c.prompt()
}

func (c *caller) isOver() (over bool) {
	c.note(func() { over = c.over })
	return over
}

func (c *caller) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *caller) breach(format string, args ...any) {
	c.note(func() { c.odd = append(c.odd, fmt.Sprintf(format, args...)) })
}

// context is the caller's own.
func (c *caller) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	done := cancel
	if d := c.spec.CancelAfter; d != nil && *d > 0 {
		timer := time.AfterFunc(*d, cancel)
		done = func() { timer.Stop(); cancel() }
	} else if d != nil {
		cancel()
	}
	if d := c.spec.Deadline; d != nil {
		bounded, end := context.WithTimeout(ctx, *d)
		return bounded, func() { end(); done() }
	}
	return ctx, done
}

func (c *caller) pipeline() string {
	name := orElse(c.spec.Pipeline, c.play.test.Pipeline)
	if name == "" {
		name, _ = (&checker{plan: c.play.plan}).only()
	}
	return name
}

func (c *caller) options() []pipeline.CallOption {
	s := c.spec
	opts := []pipeline.CallOption{pipeline.Label(labelKey, c.id)}
	add := func(ok bool, o pipeline.CallOption) {
		if ok {
			opts = append(opts, o)
		}
	}
	add(s.Subject != "", pipeline.Subject(s.Subject))
	add(s.IdempotencyKey != "", pipeline.IdempotencyKey(s.IdempotencyKey))
	add(s.Idempotent, pipeline.Idempotent())
	add(s.NoRetry, pipeline.NoRetry())
	add(s.SkipAuth, pipeline.SkipAuth())
	add(s.Operation != "", pipeline.Operation(s.Operation))
	for k, v := range s.Labels {
		add(true, pipeline.Label(k, v))
	}
	if s.Timeout != nil {
		add(true, pipeline.Timeout(*s.Timeout))
	}
	return opts
}

// request makes the caller's request, with a body that tells when it is closed.
func (c *caller) request(ctx context.Context, p *pipeline.Pipeline) (*http.Request, error) {
	method, ref, _ := strings.Cut(c.spec.Request, " ")
	build := p.NewRequest
	if c.spec.AsIs {
		build = http.NewRequestWithContext
	}
	req, err := build(ctx, method, ref, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range c.spec.Header {
		if name = http.CanonicalHeaderKey(name); name == "Host" {
			req.Host = values[0]
		}
		req.Header[name] = append([]string(nil), values...)
	}
	var body []byte
	switch {
	case c.spec.JSON != nil:
		body, err = json.Marshal(c.spec.JSON)
		if req.Header["Content-Type"] == nil {
			req.Header.Set("Content-Type", "application/json")
		}
	case c.spec.Body != nil:
		body = []byte(*c.spec.Body)
	case c.spec.Chunks != nil:
		body = []byte(strings.Join(c.spec.Chunks, ""))
	case c.spec.BodySize > 0:
		body = bytes.Repeat([]byte("x"), int(c.spec.BodySize))
	default:
		return req, nil
	}
	open := func() io.ReadCloser {
		c.note(func() { c.bodies++ })
		return newBody(c, body)
	}
	req.Body, req.ContentLength = open(), int64(len(body))
	switch c.spec.BodyFrom {
	case "pipe":
		req.ContentLength = -1
	case "reader":
	default:
		req.GetBody = func() (io.ReadCloser, error) { return open(), nil }
	}
	return req, err
}

func (c *caller) client(p *pipeline.Pipeline) *http.Client {
	var opts []pipeline.ClientOption
	if c.spec.StatusErrors {
		opts = append(opts, pipeline.StatusErrors())
	}
	client := p.Client(opts...)
	client.Transport = &witness{RoundTripper: client.Transport, caller: c}
	if f := c.spec.FollowRedirects; f != nil && !*f {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client
}

// witness sees that the pipeline keeps net/http's contract.
type witness struct {
	http.RoundTripper
	caller *caller
}

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	method, url, host, header := req.Method, *req.URL, req.Host, req.Header.Clone()
	w.caller.hops++
	resp, err := w.RoundTripper.RoundTrip(req)
	if method != req.Method || url != *req.URL || host != req.Host || !maps.EqualFunc(header, req.Header, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		w.caller.breach("the caller's request was changed (call.request_unchanged)")
	}
	if (resp == nil) == (err == nil) {
		w.caller.breach("RoundTrip returned both or neither of a response and an error (call.one_result)")
	}
	if _, ok := errors.AsType[*pipeline.Error](err); err != nil && !ok {
		w.caller.breach("an error that is no *pipeline.Error: %v (call.one_result)", err)
	}
	return resp, err
}

func (c *caller) failed(err error) {
	c.err = err
	c.failure, _ = errors.AsType[*pipeline.Error](err)
	if c.failure != nil {
		c.info = c.failure.Call()
	}
	if c.info == nil {
		c.info = c.play.record.of(c.id)
	}
}

func (c *caller) answered(ctx context.Context, resp *http.Response, start time.Time) {
	if r := resp.Request; r != nil {
		c.shown = fmt.Sprint(r.URL, r.Header)
	}
	c.status, c.header, c.info = resp.StatusCode, resp.Header, pipeline.CallOf(resp)
	from := io.Reader(resp.Body)
	if c.spec.Read != nil {
		from = io.LimitReader(from, int64(*c.spec.Read))
	}
	c.body, c.readErr = c.read(ctx, from)
	c.ended = time.Since(start)
	if err := resp.Body.Close(); err != nil && c.readErr == nil && ctx.Err() == nil {
		c.readErr = err
	}
}

// prompt checks that nobody was kept after his context had ended.
func (c *caller) prompt() {
	c.mu.Lock()
	left := c.left
	c.mu.Unlock()
	if left >= 0 && c.ended > left+slack {
		c.breach("the caller left after %v and was kept until %v (call.prompt)", left, c.ended.Round(time.Microsecond))
	}
}
