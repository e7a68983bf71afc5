package host

import (
	"net/http"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// onNext hands the request on, with the plugin's edits. It is over where the plugin said that this is its last word.
func (x *exchange) onNext(n *wire.Next) (resp *http.Response, over bool, err error) {
	g := x.inst.grants
	switch {
	case g.after:
		return nil, false, x.invalid("called next, and had the response already")
	case x.nexts > 0 && !g.Retry:
		return nil, false, x.invalid("called next more than once, which its grants do not allow (retry)")
	case !n.GetLast() && g.Response == nil && !g.Retry:
		return nil, false, x.invalid("waits for the response, which its grants do not allow (response)")
	}
	edits, err := x.requestEdits(n.GetEdits())
	if err != nil {
		return nil, false, err
	}
	if err := x.apply(n.GetChanges()); err != nil {
		return nil, false, err
	}
	x.forget()
	r, err := x.outgoing()
	if err != nil {
		return nil, false, &final{err}
	}
	x.shed(r, edits.url)
	if edits.hasBody {
		x.shut()
	}
	x.opened = nil
	edits.apply(r)
	if n.GetLast() {
		x.spans(n.GetSpans(), n.GetSpan())
		x.leave()
		x.endHop()
		resp, err := x.next.RoundTrip(r)
		return resp, true, err
	}
	x.stepOut()
	x.roundTrip(r)
	x.stepIn()
	in, early := x.early()
	switch {
	case !early:
		return nil, false, x.sendResult()
	case in.kind != wire.KindReturn:
		x.inst.session.giveBack(in.data)
		return nil, false, x.invalid("did not wait for the result of next")
	}
	f, err := x.decode(in)
	if err != nil {
		return nil, false, err
	}
	return x.onReturn(f.GetReturn())
}

// early returns what the plugin sent while next was under way: it may end the exchange, and that it drops a response means an earlier one.
func (x *exchange) early() (in inbound, ok bool) {
	for {
		select {
		case in = <-x.slot.in:
			if in.number == x.number && in.kind != wire.KindDrop {
				return in, true
			}
			x.inst.session.giveBack(in.data)
		default:
			return inbound{}, false
		}
	}
}

// outgoing returns the request of the next send, as it came.
func (x *exchange) outgoing() (*http.Request, error) {
	if !x.inst.grants.Retry {
		return x.req, nil
	}
	if x.rewind == nil {
		x.rewind = pipeline.Replay(x.req)
	}
	return x.rewind.Next()
}

// maxWait bounds what a plugin can ask to wait: nobody means more.
const maxWait = 24 * time.Hour

// onWait waits on the host's clock.
func (x *exchange) onWait(w *wire.Wait) error {
	d := time.Duration(w.GetDuration())
	if d < 0 || d > maxWait {
		return x.invalid("asked to wait %s", d)
	}
	if err := x.apply(w.GetChanges()); err != nil {
		return err
	}
	d, x.dropping = max(0, d-x.dropping), 0
	began := time.Now()
	x.stepOut()
	err := x.call.Wait(x.ctx, d)
	x.stepIn()
	x.call.Waited(time.Since(began))
	if err != nil && x.ctx.Err() == nil {
		return err
	}
	sc := &x.slot.scratch
	sc.awake.Ended = x.ended()
	x.progress(&sc.call)
	sc.awake.Call = &sc.call
	sc.asAwake.Awake = &sc.awake
	sc.frame.Reset()
	sc.frame.Kind = &sc.asAwake
	return x.send(&sc.frame)
}

// onReturn ends the exchange.
func (x *exchange) onReturn(r *wire.Return) (resp *http.Response, over bool, err error) {
	g := x.inst.grants
	switch {
	case r.GetResponse() != nil && r.GetError() != nil:
		return nil, false, x.invalid("returned a response and an error")
	case r.GetResponse() != nil && !g.Answer:
		return nil, false, x.invalid("answered by itself, which its grants do not allow (answer)")
	case r.GetResponse() == nil && r.GetError() == nil && x.resp == nil && x.err == nil:
		return nil, false, x.invalid("returned neither a response nor an error")
	}
	var e edits
	unchanged := r.GetResponse() == nil && r.GetError() == nil
	switch {
	case r.GetResponse() != nil:
		if resp, err = x.answer(r.GetResponse()); err != nil {
			return nil, false, err
		}
	case r.GetError() != nil:
		if err, over = x.returned(r.GetError()); !over {
			return nil, false, err
		}
	case x.resp != nil:
		if e, err = x.responseEdits(r.GetEdits()); err != nil {
			return nil, false, err
		}
	}
	if err := x.apply(r.GetChanges()); err != nil {
		return nil, false, err
	}
	switch { // all of it was judged: until here what next gave is as it was
	case unchanged && x.resp != nil:
		resp, x.resp = e.applyResponse(x.resp), nil
	case unchanged:
		err = x.err
	}
	x.spans(r.GetSpans(), r.GetSpan())
	x.leave()
	x.forget()
	return resp, true, err
}
