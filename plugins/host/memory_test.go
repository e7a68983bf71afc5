package host

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// memoryConn is a connection to a plugin that is a function: it is given what was written, and returns what is read.
type memoryConn struct {
	answer func(frames []byte) [][]byte // of one batch: batches; it is called by the writer
	apart  []byte                       // what Download gives, as one message
}

// Invoke implements grpc.ClientConnInterface.
func (*memoryConn) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return errors.New("not here")
}

// NewStream implements grpc.ClientConnInterface.
func (c *memoryConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	s := &memoryStream{ctx: ctx, in: make(chan []byte, 1024)}
	switch method {
	case wire.Plugin_Session_FullMethodName:
		s.answer = c.answer
	case wire.Plugin_Download_FullMethodName:
		s.in <- c.apart
		close(s.in)
	case wire.Plugin_Upload_FullMethodName:
		s.in <- nil
	}
	return s, nil
}

type memoryStream struct {
	ctx    context.Context
	answer func([]byte) [][]byte
	in     chan []byte
	once   sync.Once
}

func (*memoryStream) Header() (metadata.MD, error) { return metadata.MD{}, nil }
func (*memoryStream) Trailer() metadata.MD         { return metadata.MD{} }
func (s *memoryStream) Context() context.Context   { return s.ctx }
func (s *memoryStream) CloseSend() error           { s.end(); return nil }

// end has the reader see the end.
func (s *memoryStream) end() {
	if s.answer != nil {
		s.once.Do(func() { close(s.in) })
	}
}

// SendMsg implements grpc.ClientStream.
func (s *memoryStream) SendMsg(m any) error {
	data, err := wire.Codec{}.Marshal(m)
	if err != nil {
		return err
	}
	defer data.Free()
	if s.answer == nil {
		return nil
	}
	for _, b := range s.answer(data[0].ReadOnlyData()) {
		if b == nil {
			s.end()
			return nil
		}
		select {
		case s.in <- b:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	return nil
}

// RecvMsg implements grpc.ClientStream.
func (s *memoryStream) RecvMsg(m any) error {
	select {
	case b, ok := <-s.in:
		if !ok {
			return io.EOF
		}
		return wire.Codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, m)
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}
