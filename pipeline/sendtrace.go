package pipeline

import (
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// sendTrace holds the hooks of one send's client trace. It is pooled, hooks and all, because five closures a send are dear;
// it goes back only when no late event can come.
type sendTrace struct {
	hooks        httptrace.ClientTrace
	getConn      atomic.Int32
	gotConn      atomic.Int32
	wroteHeaders atomic.Bool
	wroteRequest atomic.Bool
}

var sendTraces = sync.Pool{New: func() any {
	t := new(sendTrace)
	t.hooks.GetConn = func(string) { t.getConn.Add(1) }
	t.hooks.GotConn = func(httptrace.GotConnInfo) { t.gotConn.Add(1) }
	t.hooks.WroteHeaders = func() { t.wroteHeaders.Store(true) }
	t.hooks.WroteRequest = func(httptrace.WroteRequestInfo) { t.wroteRequest.Store(true) }
	return t
}}

func newSendTrace() *sendTrace { return sendTraces.Get().(*sendTrace) }

// facts returns what was seen so far, and how many connections the request was put on.
func (t *sendTrace) facts() (facts traceFacts, conns int32) {
	return traceFacts{seen: t.getConn.Load() > 0, wroteHeaders: t.wroteHeaders.Load()}, t.gotConn.Load()
}

// idle reports whether no hook can be called any more: the answer is there and the request was written to its end, or the
// transport does not report at all.
func (t *sendTrace) idle(facts traceFacts) bool { return !facts.seen || t.wroteRequest.Load() }

// reuse gives the trace back. The caller must not touch it afterwards.
func (t *sendTrace) reuse() {
	t.getConn.Store(0)
	t.gotConn.Store(0)
	t.wroteHeaders.Store(false)
	t.wroteRequest.Store(false)
	sendTraces.Put(t)
}
