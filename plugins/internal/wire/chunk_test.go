package wire

import (
	"bytes"
	"testing"
)

func TestChunk(t *testing.T) {
	var got Chunk
	for _, want := range []*Chunk{
		{Exchange: 1 << 40, Length: 70000, Data: bytes.Repeat([]byte("ab"), 16<<10)}, {Data: []byte("c")}, {}, {Exchange: 7},
	} {
		slices, err := Codec{}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got.Again()
		if err := (Codec{}).Unmarshal(slices, &got); err != nil {
			t.Fatal(err)
		}
		if got.GetExchange() != want.GetExchange() || got.GetLength() != want.GetLength() || !bytes.Equal(got.GetData(), want.GetData()) {
			t.Errorf("got %d, %d and %d bytes, want %d, %d and %d", got.GetExchange(), got.GetLength(), len(got.GetData()), want.GetExchange(), want.GetLength(), len(want.GetData()))
		}
	}
}
