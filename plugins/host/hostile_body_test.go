package host

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// A body that was opened to be read for its digest, or to be sent on, is closed, whatever comes of the request.
func TestHostile_bodies_that_were_opened(t *testing.T) {
	needs := sees()
	needs.Request.Body, needs.Request.Edit = pipeline.BodyDigest, []string{":body"}
	again := needs
	again.Retry = true
	for name, tc := range map[string]struct {
		needs pipeline.Needs
		do    func(*said)
		table string
	}{
		"sent": {needs, func(x *said) { x.next(&wire.Next{}); x.ret(&wire.Return{}) }, ""},
		"replaced": {needs, func(x *said) {
			x.next(&wire.Next{Edits: &wire.Edits{Body: &wire.Body{Data: []byte("b")}}})
			x.ret(&wire.Return{})
		}, ""},
		"answered": {needs, func(x *said) { x.ret(&wire.Return{Response: &wire.Response{Status: 200}}) }, ""},
		"invalid":  {needs, func(x *said) { x.ret(&wire.Return{}) }, ""},
		"skipped":  {needs, func(x *said) { x.ret(&wire.Return{}) }, `on_failure = "skip"`},
		"again":    {again, func(x *said) { x.next(&wire.Next{}); x.next(&wire.Next{}); x.ret(&wire.Return{}) }, ""},
		"again_replaced": {again, func(x *said) {
			x.next(&wire.Next{Edits: &wire.Edits{Body: &wire.Body{Data: []byte("b")}}})
			x.next(&wire.Next{Edits: &wire.Edits{Body: &wire.Body{Data: []byte("c")}}})
			x.ret(&wire.Return{})
		}, ""},
		"replaced_once": {again, func(x *said) {
			x.next(&wire.Next{Edits: &wire.Edits{Body: &wire.Body{Data: []byte("b")}}})
			x.next(&wire.Next{})
			x.ret(&wire.Return{})
		}, ""},
		"never": {again, func(x *said) { x.ret(&wire.Return{Response: &wire.Response{Status: 200}}) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t, tc.needs, answering, tc.do, withTable(tc.table))
			var open atomic.Int32
			body := func() io.ReadCloser {
				open.Add(1)
				return &counted{strings.NewReader("body"), &open, sync.Once{}}
			}
			req := sc.request(http.MethodPut, "https://upstream.test/a", nil)
			req.Body, req.ContentLength = body(), 4
			req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
			_, _, err := sc.get(req)
			if (err != nil) != (name == "invalid") {
				t.Error(err)
			}
			if n := open.Load(); n != 0 {
				t.Errorf("%d bodies are open still", n)
			}
		})
	}
}

type counted struct {
	io.Reader
	open *atomic.Int32
	once sync.Once
}

// Close implements io.Closer.
func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return nil
}
