package check

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// upload sends a body apart.
func (x *exchange) upload(rule, when string, body []byte) error {
	return x.uploading(rule, when, body, func() {})
}

func (x *exchange) uploading(rule, when string, body []byte, sent func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := x.s.p.client.Upload(ctx)
	if err != nil {
		return breach(rule, "Upload failed: %s", status.Convert(err).Message())
	}
	total := len(body)
	for first := true; len(body) > 0; first = false {
		n := min(len(body), wire.GoodChunk)
		chunk := &wire.Chunk{Data: body[:n]}
		if first {
			chunk.Exchange, chunk.Length = x.number, uint64(total)
		}
		if err := stream.Send(chunk); err != nil {
			break // CloseAndRecv tells why
		}
		body = body[n:]
	}
	if err := stream.CloseSend(); err == nil {
		sent()
	}
	if _, err = stream.CloseAndRecv(); err != nil {
		x.s.c.silence()
		if x.s.p.over() {
			return x.s.ended()
		}
		return breach(rule, "an Upload of %d bytes that came %s ended with %q", total, when, status.Convert(err).Message())
	}
	x.s.c.kept("wire.apart")
	return nil
}

// fetch gets a body that was announced, and judges it.
func (x *exchange) fetch(b *wire.Body) error {
	if b == nil {
		return nil
	}
	c := x.s.c
	c.kept("wire.inline")
	if !b.GetApart() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := x.s.p.client.Download(ctx, &wire.DownloadRequest{Exchange: x.number})
	if err != nil {
		return breach("wire.apart", "Download failed: %s", status.Convert(err).Message())
	}
	var got uint64
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.silence()
			return breach("wire.apart", "the Download of a body that was announced ended with %q", status.Convert(err).Message())
		}
		if n := len(chunk.GetData()); n > wire.MaxChunk {
			c.broken("wire.inline", "a chunk of Download has %d bytes", n)
		}
		if got += uint64(len(chunk.GetData())); got > b.GetLength()+wire.MaxMessage {
			break
		}
	}
	if got != b.GetLength() {
		c.broken("wire.apart", "it announced a body of %d bytes, and Download gave %d", b.GetLength(), got)
	}
	c.kept("wire.apart")
	return nil
}
