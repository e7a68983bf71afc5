package wire

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// Codec writes and reads gRPC's messages: frames by the generated code that needs no reflection, everything else (health, go-plugin's own
// services) as grpc does. Give it to both ends by grpc.ForceCodecV2 and grpc.ForceServerCodecV2; it is not registered for others.
type Codec struct{}

type fast interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVT([]byte) error
}

// batch is a Batch as it travels: frames that are marshalled already, each with its tag and length.
type batch struct {
	out  *[]byte // to send; of pool, to which it goes back once it is written
	pool *batchPool
	in   mem.Buffer // received; of pool, too, where it came in pieces
}

// batchPool holds the buffers of batches to send. It is a mem.BufferPool.
type batchPool struct{ free sync.Pool }

// usualBatch is what a new buffer holds, and the most that is kept is a few times as much.
const usualBatch = 8 << 10

// Get returns an empty buffer, whatever length is asked for.
func (p *batchPool) Get(int) *[]byte {
	if b, ok := p.free.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, usualBatch)
	return &b
}

// take returns a buffer of that length, with anything in it.
func (p *batchPool) take(n int) *[]byte {
	b := p.Get(n)
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return b
}

// Put takes a buffer back.
func (p *batchPool) Put(b *[]byte) {
	if cap(*b) > 8*goodBatch {
		return
	}
	*b = (*b)[:0]
	p.free.Put(b)
}

// Marshal implements encoding.CodecV2.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *batch:
		return mem.BufferSlice{mem.NewBuffer(m.out, m.pool)}, nil
	case *Chunk: // its data is not copied: nobody changes a body that is on its way
		return mem.BufferSlice{mem.SliceBuffer(m.head()), mem.SliceBuffer(m.GetData())}, nil
	case fast:
		data := make([]byte, m.SizeVT())
		if _, err := m.MarshalToSizedBufferVT(data); err != nil {
			return nil, err
		}
		return mem.BufferSlice{mem.SliceBuffer(data)}, nil
	case proto.Message:
		data, err := proto.Marshal(m)
		return mem.BufferSlice{mem.SliceBuffer(data)}, err
	}
	return nil, fmt.Errorf("wire: can't marshal a %T", v)
}

// Unmarshal implements encoding.CodecV2.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *batch:
		if len(data) == 1 || m.pool == nil {
			m.in = data.MaterializeToBuffer(mem.DefaultBufferPool())
			return nil
		}
		b := m.pool.take(data.Len()) // grpc's pool would clear 1 MiB for what is longer than 32 KiB
		data.CopyTo(*b)
		m.in = mem.NewBuffer(b, m.pool)
		return nil
	case fast:
		buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
		defer buf.Free()
		return m.UnmarshalVT(buf.ReadOnlyData())
	case proto.Message:
		return proto.Unmarshal(data.Materialize(), m)
	}
	return fmt.Errorf("wire: can't unmarshal into a %T", v)
}

// Name implements encoding.CodecV2: on the wire it is protobuf.
func (Codec) Name() string { return "proto" }
