package wire

import (
	"fmt"

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

// Frames is a Batch as it travels: frames that were marshalled already, each with its tag and length.
type Frames struct{ data []byte }

// Marshal implements encoding.CodecV2.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *Frames:
		return mem.BufferSlice{mem.SliceBuffer(m.data)}, nil
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
	case *Frames:
		m.data = data.Materialize()
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
