package pipeline

import (
	"context"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// sendTrace holds the hooks of one send's client trace. It is pooled, hooks and all, because five closures a send are dear;
// it goes back only when no late event can come.
type sendTrace struct {
	hooks        httptrace.ClientTrace
	joined       bool // with the hooks of a caller: they call those as well, and must never serve another send
	getConn      atomic.Int32
	gotConn      atomic.Int32
	wroteHeaders atomic.Bool
	wroteRequest atomic.Bool
}

var sendTraces = sync.Pool{New: func() any { return makeSendTrace() }}

func makeSendTrace() *sendTrace {
	t := new(sendTrace)
	t.hooks.GetConn = func(string) { t.getConn.Add(1) }
	t.hooks.GotConn = func(httptrace.GotConnInfo) { t.gotConn.Add(1) }
	t.hooks.WroteHeaders = func() { t.wroteHeaders.Store(true) }
	t.hooks.WroteRequest = func(httptrace.WroteRequestInfo) { t.wroteRequest.Store(true) }
	return t
}

// newSendTrace returns ctx with hooks that tell the trace what happens to a send. httptrace joins them to the hooks that ctx has
// already, by changing them.
func newSendTrace(ctx context.Context) (*sendTrace, context.Context) {
	var t *sendTrace
	if httptrace.ContextClientTrace(ctx) == nil {
		t = sendTraces.Get().(*sendTrace)
	} else {
		t = makeSendTrace()
		t.joined = true
	}
	return t, httptrace.WithClientTrace(ctx, &t.hooks)
}

// facts returns what was seen so far, and how many connections the request was put on.
func (t *sendTrace) facts() (facts traceFacts, conns int32) {
	return traceFacts{seen: t.getConn.Load() > 0, wroteHeaders: t.wroteHeaders.Load()}, t.gotConn.Load()
}

// idle reports whether no hook can be called any more: the answer is there and the request was written to its end, once and on
// one connection, or the transport does not report at all.
func (t *sendTrace) idle() bool {
	asked := t.getConn.Load()
	return !t.joined && (asked == 0 || asked == 1 && t.gotConn.Load() == 1 && t.wroteRequest.Load())
}

// reuse gives the trace back. The caller must not touch it afterwards.
func (t *sendTrace) reuse() {
	t.getConn.Store(0)
	t.gotConn.Store(0)
	t.wroteHeaders.Store(false)
	t.wroteRequest.Store(false)
	sendTraces.Put(t)
}
