package host

import (
	"net/http"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// roundTrip calls next, and keeps what it gave.
func (x *exchange) roundTrip(r *http.Request) {
	x.nexts++
	x.seen, x.dropped, x.lastStatus, x.lastHeader = nil, false, 0, nil
	x.resp, x.err = x.next.RoundTrip(r) //nolint:bodyclose // who returns it, or forget, does
	x.late, x.dropping = x.ctx.Err() != nil, 0
	switch {
	case x.err != nil && x.resp != nil:
		x.resp = nil
	case x.err == nil && x.resp == nil:
		x.err = pipeline.Errorf(pipeline.KindInternal, "next gave neither a response nor an error")
	}
	if x.resp != nil {
		x.lastStatus, x.lastHeader = x.resp.StatusCode, x.resp.Header
	}
}

// drop closes the last response, of which the plugin wants no more. It may still return it; what it has read of the body to its end, the
// caller can read, too.
func (x *exchange) drop() {
	if x.resp == nil || x.dropped {
		return
	}
	if x.seen != nil && !x.seen.more && x.seen.err == nil {
		_ = x.resp.Body.Close()
		x.resp.Body = (&content{data: x.seen.data}).reader()
		return
	}
	began := time.Now()
	x.letGo()
	x.dropped, x.dropping = true, time.Since(began)
}

// letGo closes the last response: one that has an end, when it was read up to that or not much further.
func (x *exchange) letGo() {
	if pipeline.IsStream(x.resp) {
		_ = x.resp.Body.Close()
		return
	}
	pipeline.Drop(x.resp)
}

// forget lets go of what the last next gave, for good.
func (x *exchange) forget() {
	if x.resp != nil && !x.dropped {
		x.letGo()
	}
	x.resp, x.err, x.seen, x.dropped = nil, nil, nil, false
}
