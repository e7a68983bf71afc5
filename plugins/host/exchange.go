package host

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// exchange is one Do: the conversation with the plugin about one request. One goroutine uses it.
type exchange struct {
	st    *stage
	inst  *instance
	ctx   context.Context
	call  *pipeline.Call
	req   *http.Request
	next  http.RoundTripper
	watch stopwatch

	slot   *slot // nil: the plugin has no part in it, yet or any more
	number uint64
	placed bool      // it has a place in the session's room
	up     *transfer // a body on its way to the plugin
	hop    trace.Span
	owner  bool // it has claimed the call's retry

	method, url, host string        // of the request as it came
	withheld          []string      // its headers that the plugin doesn't see, for one that sends again
	opened            io.ReadCloser // the request's body, where the exchange has opened it anew and next has not got it
	rewind            *pipeline.Rewinder
	nexts             int            // how often next was called
	resp              *http.Response // what the last one gave, while it is still to be had
	err               error          // likewise
	told              *wire.Error    // what the plugin was told of err
	seen              *lookahead     // what was read of resp
	dropped           bool           // resp's body is closed
	dropping          time.Duration  // how long that took: it is part of the wait that follows
	late              bool           // the caller had left when the last next returned
	parting           *time.Timer    // of the moment for which a plugin is heard whose caller has left; nil: it has not
	lastStatus        int            // of the last response, though it be dropped
	lastHeader        http.Header
}

// run is the exchange from its beginning to its end.
func (x *exchange) run() (*http.Response, error) {
	inst, err := x.st.instance(x.ctx)
	if err != nil {
		return x.failed(err)
	}
	x.inst = inst
	x.startHop()
	defer x.finish()
	if x.inst.grants.Retry {
		x.owner = x.call.ClaimRetry()
	}
	body, err := x.requestBody()
	if err != nil {
		return nil, err
	}
	x.method, x.url = x.req.Method, x.shownURL(x.req)
	if x.req.Host != "" && x.req.Host != x.req.URL.Host {
		x.host = x.req.Host
	}
	if x.inst.grants.after {
		x.roundTrip(x.req)
	}
	if err := x.begin(); err != nil {
		return x.failed(err)
	}
	if err := x.sendDo(body); err != nil {
		return x.over(err)
	}
	for {
		in, err := x.await()
		if err != nil {
			return x.failed(err)
		}
		if resp, err, over := x.step(in); over {
			return resp, err
		}
	}
}

// begin takes a slot of the session, or of the next one where this one is about to end.
func (x *exchange) begin() error {
	for range 3 {
		err := x.enter()
		if err == nil {
			return nil
		}
		if e, ok := err.(*pipeline.Error); !ok || e.Reason != classDraining { //nolint:errorlint // enter's own
			return err
		}
		inst, err := x.st.instance(x.ctx)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(inst.grants.Needs, x.inst.grants.Needs) { // what was done so far was done for others
			return x.st.failure(classDraining, "plugin %s was started again and asks for something else now", x.st.opts.name)
		}
		x.inst = inst
	}
	return x.st.failure(classDraining, "plugin %s takes no new exchange", x.st.opts.name)
}

// enter takes a slot.
func (x *exchange) enter() error {
	s := x.inst.session
	sl, refused, stuck := s.take(x.ctx, &x.watch, x.st)
	switch {
	case sl != nil:
		x.slot, x.number, x.placed = sl, sl.number.Load(), true
		return nil
	case refused:
		return x.st.failure(classDraining, "plugin %s takes no new exchange", x.st.opts.name)
	case x.ctx.Err() != nil:
		return x.st.over(x.ctx)
	case stuck:
		return x.st.failure(classDeadline, "plugin %s looks stuck, and did not answer a ping within timeout %s", x.st.opts.name, x.st.remote.Timeout)
	}
	return x.st.failure(classOverload, "plugin %s works on %d exchanges (max_in_flight), and none made room within timeout %s", x.st.opts.name, s.opts.maxInFlight, x.st.remote.Timeout)
}

// stepOut gives the exchange's place to another one, while the plugin has no part in it.
func (x *exchange) stepOut() {
	if x.placed {
		x.placed = false
		x.inst.session.room.leave()
	}
}

// stepIn takes a place again, if there is one; an exchange that has begun is held up no more.
func (x *exchange) stepIn() {
	if x.slot != nil {
		x.placed = x.inst.session.room.enter()
	}
}

// leave gives the slot back: what the plugin still says of the exchange is not heard.
func (x *exchange) leave() {
	if x.slot == nil {
		return
	}
	x.stepOut()
	x.writeLogs()
	x.up.stop()
	sl := x.slot
	x.slot = nil
	sl.release()
}

// cancel leaves, and tells the plugin that nobody waits any more.
func (x *exchange) cancel() {
	if x.slot == nil {
		return
	}
	f := &x.slot.scratch.frame
	f.Reset()
	f.Exchange, f.Kind = x.number, &wire.Frame_Cancel{Cancel: &wire.Cancel{}}
	_ = x.inst.session.send(f)
	x.leave()
}

// finish gives back what the exchange has taken.
func (x *exchange) finish() {
	x.cancel()
	if x.parting != nil {
		x.parting.Stop()
	}
	if x.owner {
		x.call.ReleaseRetry()
	}
	x.shut()
	x.endHop()
}

// send queues a frame of the exchange.
func (x *exchange) send(f *wire.Frame) error {
	f.Exchange = x.number
	err := x.inst.session.send(f)
	switch {
	case err == nil:
		return nil
	case wire.IsTooBig(err):
		return &final{pipeline.Errorf(pipeline.KindPolicy, "headers and all come to more than the %d bytes that plugin %s can be told", wire.MaxFrame, x.st.opts.name)}
	}
	return x.crashed()
}

// await waits for what the plugin says next. While it does, the stage's timeout runs.
func (x *exchange) await() (inbound, error) {
	expired := x.watch.start()
	defer x.watch.stop()
	s, left := x.inst.session, x.ctx.Done()
	var over <-chan time.Time
	if x.parting != nil {
		left, over = nil, x.parting.C
	}
	for {
		select {
		case in := <-x.slot.in:
			if in.number != x.number {
				s.giveBack(in.data)
				continue
			}
			x.writeLogs()
			if x.slot.flooded.Load() == x.number {
				s.giveBack(in.data)
				return inbound{}, x.invalid("sent several frames where one was its turn")
			}
			return in, nil
		case <-left:
			return inbound{}, x.st.over(x.ctx)
		case <-over:
			return inbound{}, x.st.over(x.ctx)
		case <-expired:
			x.st.suspect(s)
			return inbound{}, x.st.failure(classDeadline, "plugin %s did not answer within timeout %s", x.st.opts.name, x.st.remote.Timeout)
		case <-s.dead:
			if len(x.slot.in) > 0 { // its last words came before its end
				continue
			}
			return inbound{}, x.crashed()
		}
	}
}

// lastWords is how long a plugin that sends again is heard once it was told that the caller has left: only it knows why it stopped, and what
// became of the attempts before. Another has nothing to add, and its caller is let go at once.
const lastWords = 20 * time.Millisecond

// ended says how the caller has left, "" if it has not. From then on a plugin that sends again has a moment to end the exchange.
func (x *exchange) ended() string {
	if x.ctx.Err() == nil {
		return ""
	}
	if x.parting == nil && x.inst.grants.Retry {
		x.parting = time.NewTimer(lastWords)
	}
	return x.st.over(x.ctx).Reason
}

// decode reads a frame. It is good until the next one is decoded, or the slot is given back.
func (x *exchange) decode(in inbound) (*wire.Frame, error) {
	if in.data == nil {
		return nil, x.invalid("sent a body that nobody waits for")
	}
	x.slot.hold(in.data)
	f, err := x.slot.decoder.Decode(*in.data, in.kind, x.inst.session.intern)
	if err != nil {
		return nil, x.invalid("sent a frame that can't be read: %w", err)
	}
	return f, nil
}

// step does what the plugin asks for. With over, the exchange has ended with the response or the error.
func (x *exchange) step(in inbound) (resp *http.Response, err error, over bool) { //nolint:revive // over is what it's about
	f, err := x.decode(in)
	if err == nil {
		switch k := f.GetKind().(type) {
		case *wire.Frame_Next:
			resp, over, err = x.onNext(k.Next)
		case *wire.Frame_Return:
			resp, over, err = x.onReturn(k.Return)
		case *wire.Frame_Wait:
			err = x.onWait(k.Wait)
		case *wire.Frame_Read:
			err = x.onRead()
		case *wire.Frame_Drop:
			x.drop()
		default:
			err = x.invalid("sent a frame that is none of an exchange")
		}
	}
	if over || err == nil {
		return resp, err, over
	}
	resp, err = x.over(err)
	return resp, err, true
}

// over ends the exchange with an error, which may be a failure of the plugin.
func (x *exchange) over(err error) (*http.Response, error) {
	if f, ok := err.(*final); ok { //nolint:errorlint // never wrapped
		x.cancel()
		x.forget()
		return nil, f.err
	}
	return x.failed(err)
}

// final is an error of the exchange that is no failure of the plugin.
type final struct{ err error }

func (f *final) Error() string { return f.err.Error() }
func (f *final) Unwrap() error { return f.err }
