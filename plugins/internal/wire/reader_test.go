package wire

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// oddFields are what no encoder writes, or none of ours.
func oddFields() [][]byte {
	overlong := func(n int) []byte { return append(bytes.Repeat([]byte{0x80}, n), 0) }
	tag := func(num int64, typ protowire.Type) []byte {
		return protowire.AppendVarint(nil, uint64(num)<<3|uint64(typ))
	}
	list := [][]byte{
		append([]byte{0x88}, 0, 1),                      // field 1, overlong
		append([]byte{0x88}, append(overlong(8), 1)...), // in ten bytes
		append([]byte{0x88}, append(overlong(9), 1)...), // in eleven
		append([]byte{8}, overlong(9)...),               // its value likewise
		append([]byte{8}, overlong(10)...),
		{8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, // 2^64-1
		{8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, // more than 64 bits
		{8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{8}, {0x80}, {10}, {10, 0x80}, {10, 1}, {10, 2, 'x'}, // truncated
		append([]byte{10}, protowire.AppendVarint(nil, 1<<63)...), append([]byte{10}, protowire.AppendVarint(nil, 1<<64-1)...),
		append([]byte{10}, protowire.AppendVarint(nil, 1<<63-1)...), append([]byte{10}, protowire.AppendVarint(nil, 1<<31)...),
		{10, 0x81, 0, 'x'},                                          // an overlong length
		{8, 1, 8, 2}, {10, 1, 'a', 10, 0}, {18, 1, 'a', 18, 1, 'b'}, // twice
		{10, 0}, {18, 0}, {34, 0}, {42, 0}, // empty
		{0, 1}, {2, 0}, {3, 4}, {4}, {7, 0}, // field 0
		{11, 12}, {11, 8, 1, 12}, {11}, {12}, {13, 1, 2, 3, 4}, {9, 1, 2, 3, 4, 5, 6, 7, 8}, {13, 1}, {9, 1}, {14, 0}, {15, 0}, // groups, fixed, and no such types
		{56, 1}, {56, 0xff, 0xff, 0xff, 0xff, 0x1f}, {58, 1, 0}, // of a field that is a number of 32 bits
	}
	for _, num := range []int64{1<<29 - 1, 1 << 29, 1<<31 - 1, 1 << 31, 1<<32 + 1, 1<<32 + 3, 1<<32 + 17, 1<<60 + 1} {
		list = append(list, append(tag(num, protowire.VarintType), 1), append(tag(num, protowire.BytesType), 1, 'x'))
	}
	return list
}

// oddFrames are frames with odd fields at each place that a path of field numbers leads to.
func oddFrames(paths ...[]protowire.Number) (list [][]byte) {
	for _, odd := range oddFields() {
		for _, path := range paths {
			raw := odd
			for _, num := range slices.Backward(path) {
				raw = protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), raw)
			}
			list = append(list, raw, append([]byte{8, 7, 0x1a, 0}, raw...), append(bytes.Clone(raw), 8, 7), append(bytes.Clone(raw), raw...))
		}
	}
	return list
}
