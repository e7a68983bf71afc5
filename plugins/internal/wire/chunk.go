package wire

import "google.golang.org/protobuf/encoding/protowire"

// head returns the chunk as it travels, up to its data.
func (x *Chunk) head() []byte {
	b := make([]byte, 0, 32)
	if x.Exchange != 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), x.Exchange)
	}
	if x.Length != 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), x.Length)
	}
	return protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.BytesType), uint64(len(x.Data)))
}

// Again empties a chunk for the next one to be received into it: the room for its data is kept.
func (x *Chunk) Again() { x.Exchange, x.Length, x.Data, x.unknownFields = 0, 0, x.Data[:0], nil }
