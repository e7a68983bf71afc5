package host

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// CallEnded implements pipeline.CallObserver: it tells the plugin of the end of a call, if the type wants to hear of it and its process runs.
// Nothing answers, and nothing waits.
func (st *stage) CallEnded(ctx context.Context, c *pipeline.Call, req *http.Request) {
	i := st.now.Load()
	if i == nil || !i.grants.Calls || !i.session.alive() {
		return
	}
	s := i.session
	sc, ok := s.ends.Get().(*scratch)
	if !ok {
		sc = &scratch{}
	}
	defer func() {
		sc.clear()
		s.ends.Put(sc)
	}()
	e, r := &sc.ended, &sc.request
	r.Method, r.Url, r.Length = req.Method, shownURL(req.URL, i.grants), req.ContentLength
	if req.URL != nil && req.Host != req.URL.Host {
		r.Host = req.Host
	}
	sc.headers = putHeaders(sc.headers[:0], req.Header, &i.grants.shows)
	r.Headers = sc.headers
	state := c.State()
	status, failure := c.Result()
	if failure != nil {
		e.Error = i.grants.tell(failure, c)
	}
	i.grants.hush(&state.CallProgress, c, e.Error.GetMessage() == unshown)
	wire.CallInto(&sc.call, &state, i.grants.Request.Call)
	e.Instance, e.Request, e.Call, e.Status = i.number, r, &sc.call, uint32(status) //nolint:gosec // a status
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		e.Traceparent = traceparent(span.SpanContext())
	}
	e.LogLevel = int32(st.lowest(ctx)) //nolint:gosec // a level
	sc.asEnded.Ended = e
	sc.frame.Exchange, sc.frame.Kind = s.instanceExchange(i.number), &sc.asEnded
	_ = s.send(&sc.frame) // a session that has ended is told of nothing
}
