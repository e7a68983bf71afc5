package wire

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// FuzzDecoder holds the decoder against the generated one.
func FuzzDecoder(f *testing.F) {
	text := "x"
	for _, n := range []*Next{
		{}, {Last: true}, {Edits: &Edits{}},
		{Last: true, Edits: &Edits{Headers: []*HeaderEdit{{Name: "x-sig", Values: [][]byte{[]byte("1"), {}}}, {Name: "date"}, {Values: [][]byte{nil}}}}},
		{Edits: &Edits{Method: &text}}, {Changes: &Changes{Attempts: 1}},
	} {
		frame := &Frame{Exchange: 7, Kind: &Frame_Next{Next: n}}
		b, err := proto.Marshal(frame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, b)
		f.Add(append(b, b...), b)
	}
	for _, raw := range oddFrames([]protowire.Number{17}, []protowire.Number{17, 1}, []protowire.Number{17, 1, 5}, nil) {
		f.Add(raw, []byte{8, 7, 0x8a, 1, 0})
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var d Decoder
		for _, raw := range [][]byte{first, second, first} {
			peeked, err := peek(raw)
			if err != nil {
				continue
			}
			want := &Frame{}
			wantErr := want.UnmarshalVT(raw)
			got, err := d.Decode(raw, peeked.Kind, func(b []byte) string { return string(b) })
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("got error %v, want %v", err, wantErr)
			}
			if err == nil && !proto.Equal(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

func TestDecoder_keeps_no_flood_of_edits(t *testing.T) {
	f := &Frame{Kind: &Frame_Next{Next: &Next{Edits: &Edits{}}}}
	for range 10000 {
		f.GetNext().Edits.Headers = append(f.GetNext().Edits.Headers, &HeaderEdit{Name: "a", Values: [][]byte{{'b'}}})
	}
	raw, err := f.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	got, err := d.Decode(raw, KindNext, func(b []byte) string { return string(b) })
	if err != nil || len(got.GetNext().GetEdits().GetHeaders()) != 10000 {
		t.Fatalf("got %d edits, %v", len(got.GetNext().GetEdits().GetHeaders()), err)
	}
	if d.Clear(); cap(d.headers) > maxKeptEdits || cap(d.values) > maxKeptEdits {
		t.Errorf("it keeps %d edits and %d values", cap(d.headers), cap(d.values))
	}
}
