package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// transfer is a body on its way between host and plugin, beside the frames.
type transfer struct {
	data []byte // what was fetched
	err  error

	mu      sync.Mutex
	cancel  context.CancelFunc
	stopped bool
}

// begin ties the transfer to a context; false where nobody wants it any more.
func (t *transfer) begin(cancel context.CancelFunc) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancel = cancel
	return !t.stopped
}

// stop ends the transfer, if there is one.
func (t *transfer) stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.stopped = true
	cancel := t.cancel
	t.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// upload sends a body to the plugin. Nobody hears how that went: a plugin that has enough of it may answer early, and one that waits for what
// never comes does not answer in time.
func (x *exchange) upload(data []byte) {
	x.up.stop()
	t, s, number := &transfer{}, x.slot.session, x.number
	x.up = t
	s.opts.spawn(func() {
		ctx, cancel := context.WithCancel(s.life)
		defer cancel()
		if t.begin(cancel) {
			_ = s.upload(ctx, number, data)
		}
	})
}

func (s *session) upload(ctx context.Context, number uint64, data []byte) error {
	stream, err := s.client.Upload(ctx)
	if err != nil {
		return err
	}
	chunk := &wire.Chunk{Exchange: number, Length: uint64(len(data))}
	for len(data) > 0 {
		n := min(len(data), wire.GoodChunk)
		chunk.Data = data[:n]
		if err := stream.Send(chunk); err != nil {
			break // CloseAndRecv tells why
		}
		data, chunk.Exchange, chunk.Length = data[n:], 0, 0
	}
	_, err = stream.CloseAndRecv()
	return err
}

// download fetches a body of that length from the plugin, while the stage's timeout runs.
func (x *exchange) download(length uint64) ([]byte, error) {
	x.up.stop()
	t, sl, number := &transfer{}, x.slot, x.number
	x.up = t
	s := sl.session
	s.opts.spawn(func() {
		ctx, cancel := context.WithCancel(s.life)
		defer cancel()
		if t.begin(cancel) {
			t.data, t.err = s.download(ctx, number, length)
			sl.moved(number, t)
		}
	})
	in, err := x.await()
	switch {
	case err != nil:
		return nil, err
	case in.body != t:
		s.giveBack(in.data)
		return nil, x.invalid("sent a frame while its body was fetched")
	case t.err != nil:
		return nil, x.broken(t)
	}
	return t.data, nil
}

var errLength = errors.New("a body that has not the length that was announced")

func (s *session) download(ctx context.Context, number, length uint64) ([]byte, error) {
	stream, err := s.client.Download(ctx, &wire.DownloadRequest{Exchange: number})
	if err != nil {
		return nil, err
	}
	var data []byte
	var chunk wire.Chunk
	for {
		chunk.Again()
		err := stream.RecvMsg(&chunk)
		switch {
		case errors.Is(err, io.EOF) && uint64(len(data)) == length:
			return data, nil
		case errors.Is(err, io.EOF):
			return nil, errLength
		case err != nil:
			return nil, err
		case len(chunk.GetData()) > wire.MaxChunk, uint64(len(data)+len(chunk.GetData())) > length:
			return nil, errLength
		}
		if data == nil {
			data = make([]byte, 0, min(length, 1<<20))
		}
		data = append(data, chunk.GetData()...)
	}
}

// moved tells who has the slot that a transfer has ended.
func (sl *slot) moved(number uint64, t *transfer) {
	if !sl.live.Load() || sl.number.Load() != number {
		return
	}
	select {
	case sl.in <- inbound{number: number, kind: kindTransfer, body: t}:
	default:
		sl.flooded.Store(number)
	}
}

// broken is the failure of a transfer.
func (x *exchange) broken(t *transfer) error {
	if !x.inst.session.alive() {
		return x.crashed()
	}
	return x.invalid("broke off a body apart: %w", t.err)
}

// content is a body that came from a plugin.
type content struct {
	data []byte
	err  error // it broke off there
}

// content takes a body off the wire.
func (x *exchange) content(b *wire.Body, limit int64) (*content, error) {
	c := &content{data: b.GetData()}
	length := uint64(len(c.data))
	switch {
	case b.GetApart() && length > 0:
		return nil, x.invalid("sent a body at once and apart")
	case b.GetApart():
		length = b.GetLength()
	case length > wire.MaxInline:
		return nil, x.invalid("sent a body of %d bytes within a frame, where %d are the most", length, wire.MaxInline)
	}
	if length > uint64(limit) { //nolint:gosec // positive
		return nil, x.invalid("sent a body of %d bytes, more than the %d of body_limit", length, limit)
	}
	if b.GetApart() {
		var err error
		if c.data, err = x.download(length); err != nil {
			return nil, err
		}
	}
	if b.GetError() != nil {
		e, err := x.errorFrom(b.GetError())
		if err != nil {
			return nil, err
		}
		c.err = e
	}
	return c, nil
}

// reader returns the body for a caller.
func (c *content) reader() io.ReadCloser {
	switch {
	case c.err != nil:
		resp := http.Response{Body: http.NoBody}
		pipeline.PutBack(&resp, c.data, c.err)
		return resp.Body
	case len(c.data) == 0:
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(c.data))
}
