package pipeline

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Call is the state of one RoundTrip through a pipeline that outlives a single stage: what was tried, what came of it, and what
// stages tell each other. A stage gets it from [CallFrom], a caller from [CallOf]. All methods may be called by several
// goroutines, and on a nil Call, where they do nothing and return zero values.
type Call struct {
	chain  *chain
	life   lifetime
	start  time.Time
	prev   *Call
	outer  *Call // whose stage sent this request: a pipeline used within another
	opts   *callOptions
	traced bool          // its spans are recorded; set at the door
	bound  time.Duration // of the whole call, from the file or the Timeout option

	in  *entered // nil: its pipeline runs in another process, or it was not let in
	far *farCall // nil: its pipeline runs in this process

	attempts atomic.Int32
	sends    atomic.Int32
	resends  atomic.Int32  // by the transport itself
	reached  atomic.Uint64 // a bit for each of the first 64 stages that ran
	replayed atomic.Bool
	over     atomic.Bool          // RoundTrip has returned
	retrying atomic.Bool          // a stage owns the call's retry
	granted  atomic.Pointer[Host] // the budget gave a token for the next send

	streaming atomic.Bool // the latest answer is a stream, so the call has no deadline

	mu      sync.Mutex
	choice  choice
	sent    Attachment
	outcome verdict
	waiting time.Duration
	sending time.Duration
	record  record
	onEnd   []func(*Call)
	status  int    // of the response that the call returned
	result  *Error // that the call returned
	source  *bodySource
	stopped string       // why retry stopped
	key     string       // by which the server can tell a resend
	marked  bool         // a stage said that a resend is safe
	body    *requestBody // the request body opened last
	last    *send        // the newest send; earlier ones behind it
	rewinds [2]Rewinder
	rewound int

	moreRewinds []*Rewinder
}

// entered is the request of a call as the door let it in.
type entered struct {
	req http.Request // the door's clone
	url url.URL
}

// verdict is what is known of the latest outcome.
type verdict struct {
	kind    Kind
	class   Class
	message string
	problem string
	status  int
}

// CallFrom returns the call that ctx belongs to, or nil outside a pipeline.
func CallFrom(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// CallOf returns the call that answered with resp, or nil if no pipeline did.
func CallOf(resp *http.Response) *Call {
	if resp == nil || resp.Request == nil {
		return nil
	}
	return CallFrom(resp.Request.Context())
}

// Pipeline returns the pipeline's name.
func (c *Call) Pipeline() string {
	if c == nil || c.chain == nil {
		return ""
	}
	return c.chain.name
}

// Previous returns the call of the redirect hop before this one, or nil. Counters go on across hops.
func (c *Call) Previous() *Call {
	if c == nil {
		return nil
	}
	return c.prev
}

// URL returns where the call went, as it may be shown: the query redacted.
func (c *Call) URL() string {
	if c == nil || c.chain == nil || c.in == nil {
		return ""
	}
	return c.chain.redactor.URL(&c.in.url, false)
}

// Began returns when the call, or the first of its hops, began.
func (c *Call) Began() time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.start
}

// Elapsed returns the time since the call, or the first of its hops, began.
func (c *Call) Elapsed() time.Duration {
	if c == nil {
		return 0
	}
	return time.Since(c.start)
}

// Attempts returns how many passes through the stages inside retry began; without a retry stage, 1 once something was sent.
func (c *Call) Attempts() int {
	if c == nil {
		return 0
	}
	return int(c.attempts.Load())
}

// StartAttempt counts an attempt and returns its number, from 1. Retry calls it before each pass.
func (c *Call) StartAttempt() int {
	if c == nil {
		return 0
	}
	c.change(func(ch *CallChanges) { ch.Attempts++ })
	return int(c.attempts.Add(1))
}

// Sends returns how many physical requests were made, hops before this one included.
func (c *Call) Sends() int {
	if c == nil {
		return 0
	}
	return int(c.sends.Load())
}

// TransportResends returns how often the transport itself sent again on a new connection, as net/http does when a pooled
// connection turns out dead: the upstream may have seen that many requests more than Sends says.
func (c *Call) TransportResends() int {
	if c == nil {
		return 0
	}
	return int(c.resends.Load())
}

// ClaimRetry makes the caller the one stage that sends this call again, and reports whether it is: false while an outer stage of the
// call, or of a call around it in this process, owns it already. Retries within retries would multiply. The owner calls ReleaseRetry.
func (c *Call) ClaimRetry() bool {
	if c == nil {
		return true
	}
	for o := c.outer; o != nil; o = o.outer {
		if o.retrying.Load() {
			return false
		}
	}
	return c.retrying.CompareAndSwap(false, true)
}

// ReleaseRetry gives up what ClaimRetry claimed.
func (c *Call) ReleaseRetry() {
	if c != nil {
		c.retrying.Store(false)
	}
}

// MarkReplayed claims the call's one replay after a 401; it reports whether the replay was still to be had.
func (c *Call) MarkReplayed() bool { return c != nil && c.replayed.CompareAndSwap(false, true) }

// Replayed reports whether the replay was used up.
func (c *Call) Replayed() bool { return c != nil && c.replayed.Load() }

// Kind returns the kind of the latest outcome, "" for success.
func (c *Call) Kind() Kind {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcome.kind
}

// Class returns the class of the latest outcome.
func (c *Call) Class() Class {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcome.class
}

// Message returns what error-map, or a failed stage, has to say of the latest outcome.
func (c *Call) Message() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcome.message
}

// ProblemType returns the `type` that error-map read of the latest outcome (RFC 9457), or "".
func (c *Call) ProblemType() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcome.problem
}

// Judge notes what a stage makes of the response that it passes on: a kind, a class ("" keeps the present one), a message for
// people and the `type` of problem details. The door and retry go by it; the next send forgets it.
func (c *Call) Judge(kind Kind, class Class, message, problemType string) {
	if c == nil {
		return
	}
	message, problemType = c.shown(message), c.shown(problemType)
	c.change(func(ch *CallChanges) { ch.Judged = &Judgement{kind, class, message, problemType} })
	c.mu.Lock()
	c.outcome.kind, c.outcome.message, c.outcome.problem = kind, message, problemType
	if class != "" {
		c.outcome.class = class
	}
	c.mu.Unlock()
}

// Subject returns on whose behalf the call is made: what auth chose, else the call's option.
func (c *Call) Subject() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.choice.subject != "" {
		return c.choice.subject
	}
	return c.opts.subject
}

// Operation returns the call's [Operation] option.
func (c *Call) Operation() string {
	if c == nil {
		return ""
	}
	return c.opts.operation
}

// Labels returns the call's [Label] options; nobody may change them.
func (c *Call) Labels() map[string]string {
	if c == nil {
		return nil
	}
	return c.opts.labels
}

// Label returns the value of a [Label] option.
func (c *Call) Label(key string) string {
	if c == nil {
		return ""
	}
	return c.opts.labels[key]
}

// RetryDisabled reports whether the caller asked for [NoRetry].
func (c *Call) RetryDisabled() bool { return c != nil && c.opts.noRetry }

// AuthSkipped reports whether the caller asked for [SkipAuth].
func (c *Call) AuthSkipped() bool { return c != nil && c.opts.skipAuth }

// Result returns what the call came to once it has ended: the status of its response, or its error.
func (c *Call) Result() (status int, err *Error) {
	if c == nil {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status, c.result
}

// Stopped notes why a failed outcome is not sent again, in a word, for the log, the span and an *Error made of the response.
func (c *Call) Stopped(reason string) {
	if c == nil {
		return
	}
	c.change(func(ch *CallChanges) { ch.Stopped = &reason })
	c.mu.Lock()
	c.stopped = reason
	c.mu.Unlock()
}

// StopReason returns why a failed outcome was not sent again, "" if nothing failed or nobody decided.
func (c *Call) StopReason() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// Ran reports whether the stage of that name was reached and not skipped. It knows the first 64 stages of a pipeline.
func (c *Call) Ran(stage string) bool {
	if c == nil || c.chain == nil {
		return false
	}
	for i, s := range c.chain.stages {
		if s.Name == stage && i < 64 {
			return c.reached.Load()&(1<<i) != 0
		}
	}
	return false
}

func (c *Call) reach(index int) {
	if index < 64 {
		c.reached.Or(1 << index)
	}
}
