package host

import (
	"net/http"
	"net/url"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// sendDo begins the conversation.
func (x *exchange) sendDo(body requestBody) error {
	sc, g := &x.slot.scratch, x.inst.grants
	sc.frame.Reset()
	d, r := &sc.do, &sc.request
	r.Method, r.Url, r.Host, r.Replayable = x.method, x.url, x.host, body.replayable
	r.Length = body.length
	sc.headers = putHeaders(sc.headers[:0], x.req.Header, &g.shows)
	if !g.after {
		r.Headers = sc.headers
	}
	r.Sha256 = body.sum
	if body.full {
		r.Body = x.putBody(&sc.body, body.data, false)
	}
	d.Instance, d.Request, d.Call = x.inst.number, r, &sc.call
	x.state(&sc.call)
	if g.after {
		x.putResult(&sc.result)
		d.Result = &sc.result
	}
	d.Traceparent, d.Recording = x.traceparent()
	d.LogLevel = int32(x.st.lowest(x.ctx)) //nolint:gosec // a level
	d.Timeout = int64(x.watch.left)
	if at, ok := x.ctx.Deadline(); ok {
		d.Deadline = max(1, int64(time.Until(at)))
	}
	sc.asDo.Do = d
	sc.frame.Kind = &sc.asDo
	return x.send(&sc.frame)
}

// state writes what the plugin may know of the call.
func (x *exchange) state(c *wire.Call) {
	s := x.call.State()
	s.RetryOwned = x.inst.grants.Retry && !x.owner
	x.inst.grants.hush(&s.CallProgress, x.call, false)
	wire.CallInto(c, &s, x.inst.grants.Request.Call)
}

// progress writes how the call stands.
func (x *exchange) progress(c *wire.Call) {
	p := x.call.Progress()
	x.inst.grants.hush(&p, x.call, false)
	wire.ProgressInto(c, &p)
}

// tell writes an error for the plugin.
func (x *exchange) tell(err error) *wire.Error { return x.inst.grants.tell(err, x.call) }

// shownURL writes a request's URL as the plugin may see it.
func (x *exchange) shownURL(req *http.Request) string { return shownURL(req.URL, x.inst.grants) }

func shownURL(u *url.URL, g *grants) string {
	if u == nil {
		return ""
	}
	if u.User == nil && u.Fragment == "" && (g.Request.Query || u.RawQuery == "" && !u.ForceQuery) {
		return u.String()
	}
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if !g.Request.Query {
		shown.RawQuery, shown.ForceQuery = "", false
	}
	return shown.String()
}

// sendResult tells what came of next.
func (x *exchange) sendResult() error {
	sc := &x.slot.scratch
	sc.frame.Reset()
	x.putResult(&sc.result)
	x.progress(&sc.call)
	sc.result.Call = &sc.call
	sc.asResult.Result = &sc.result
	sc.frame.Kind = &sc.asResult
	return x.send(&sc.frame)
}

// putResult writes what came of next.
func (x *exchange) putResult(w *wire.Result) {
	w.Reset()
	w.Replayable, w.Ended = x.rewind != nil && x.rewind.Again(), x.ended()
	if x.err != nil {
		x.told = x.tell(x.err)
		w.Error = x.told
		return
	}
	sc, resp := &x.slot.scratch, x.resp
	r := &sc.response
	r.Reset()
	r.Status, r.Length, r.Proto, r.Stream = uint32(resp.StatusCode), resp.ContentLength, resp.Proto, pipeline.IsStream(resp) //nolint:gosec // a status
	sc.headers = putHeaders(sc.headers[:0], resp.Header, &x.inst.grants.answers)
	r.Headers = sc.headers
	w.Response = r
}
