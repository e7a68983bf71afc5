package conformance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// stageCall is one call through the pipeline, and what was seen of it.
type stageCall struct {
	situation
	hooks
	bench *bench
	id    string

	req    *http.Request
	before picture     // of req
	body   *callerBody // nil: the request has none

	resp    *http.Response
	err     error
	back    time.Time // when the two were there
	got     []byte    // of the answer's body
	readErr error     // that it ended with; nil for its end
	first   time.Time // when its first byte came

	sent   atomic.Int64 // by the stage
	mu     sync.Mutex
	visits []*visit
	thrown []string // panics outside Do
}

// hooks are moments at which a rule does something of its own. All may be nil.
type hooks struct {
	sending  func(*stageCall) // the caller is about to send its request
	entering func(*visit)     // the stage is about to be called
	given    func(*sending)   // next has been given a request
	answered func(*sending)   // next is about to return
}

// visit is one run of Do.
type visit struct {
	call     *stageCall
	entrance picture // the request as the stage gets it

	over     atomic.Bool    // Do has returned:
	resp     *http.Response // this
	err      error          // or this
	nilError string         // the type of an error that is a nil pointer
	panicked string
	stack    string

	mu   sync.Mutex
	sent []*sending
}

type stageCallKey struct{}

// callOf returns the kit's call that ctx belongs to, nil if there is none.
func callOf(ctx context.Context) *stageCall {
	c, _ := ctx.Value(stageCallKey{}).(*stageCall)
	return c
}

// call makes a call; run makes it happen.
func (b *bench) call(s situation, h hooks) *stageCall {
	return &stageCall{situation: s, hooks: h, bench: b, id: strconv.FormatInt(b.begun.Add(1), 10)}
}

// run makes the call and reads its answer to the end, as a caller does.
func (c *stageCall) run(ctx context.Context, p *pipeline.Pipeline) {
	c.bench.under.Store(&c.situation)
	defer c.bench.ended.Add(1)
	c.bench.steps.Add(1)
	c.req = c.request(context.WithValue(ctx, stageCallKey{}, c))
	if c.bench.kit.change != nil {
		c.bench.kit.change(c.req)
	}
	if c.sending != nil {
		c.sending(c)
	}
	c.before = pictureOf(c.req)
	c.resp, c.err = p.RoundTrip(c.req) //nolint:bodyclose // read does
	c.back = time.Now()
	if c.err == nil {
		c.read()
	}
}

// read reads the answer's body.
func (c *stageCall) read() {
	defer func() {
		if p := recover(); p != nil {
			c.panics("the answer's body", p)
			c.readErr = fmt.Errorf("panic: %v", p)
		}
	}()
	defer c.resp.Body.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := c.resp.Body.Read(buf)
		if n > 0 && c.first.IsZero() {
			c.first = time.Now()
		}
		c.got = append(c.got, buf[:n]...)
		if err == io.EOF {
			return
		}
		if err != nil {
			c.readErr = err
			return
		}
	}
}

func (c *stageCall) panics(where string, p any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.thrown = append(c.thrown, fmt.Sprintf("%s panicked: %v", where, p))
}

// enter notes that the stage is called.
func (c *stageCall) enter(req *http.Request) *visit {
	v := &visit{call: c, entrance: pictureOf(req)}
	c.bench.visits.Add(1)
	c.bench.steps.Add(1)
	c.mu.Lock()
	c.visits = append(c.visits, v)
	c.mu.Unlock()
	if c.entering != nil {
		c.entering(v)
	}
	return v
}

// sendings returns what the stage gave to next, in order, visit by visit.
func (c *stageCall) sendings() []*sending {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*sending
	for _, v := range c.visits {
		v.mu.Lock()
		all = append(all, v.sent...)
		v.mu.Unlock()
	}
	return all
}

// found notes a breach in this call's situation.
func (c *stageCall) found(saw, do string) { c.bench.found(c.String(), saw, do) }

// source returns the sending whose answer resp is, copied or not; nil if the stage made it up or had it from elsewhere.
func (v *visit) source(resp *http.Response) *sending {
	if resp == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.sent {
		if s.resp != nil && (s.resp == resp || resp.Header.Get("X-Kit-Answer") == s.id()) {
			return s
		}
	}
	return nil
}

// situation is what a call meets: the request that the kit makes, and what the upstream does with each send.
type situation struct {
	ask
	replies []reply // the last one for all further sends; none: 200
}

// String says it in words.
func (s situation) String() string {
	var names []string
	for _, r := range s.replies {
		names = append(names, r.String())
	}
	if len(names) == 0 {
		return s.ask.String()
	}
	return s.ask.String() + ", answered with " + strings.Join(names, ", then ")
}
