package wire

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func usualDos() []*Do {
	return []*Do{
		{}, {Instance: 3, LogLevel: -4, Timeout: 5e9, Deadline: -1, Recording: true, Traceparent: "00-x"},
		{Request: &Request{Method: "GET", Url: "https://a.test/", Host: "b", Length: -1, Replayable: true, Sha256: []byte("sum"), Headers: []*Header{
			{Name: "accept", Value: []byte("*/*")}, {Name: "x-empty"}, {}, {Name: "x", Value: []byte{0xff, 0}},
		}}},
		{Call: &Call{
			Pipeline: "p", Subject: "s", Operation: "o", IdempotencyKey: "k", Idempotent: true, NoRetry: true, SkipAuth: true, RetryOwned: true, Observed: true, Hop: 2,
			Serving: []string{"A", ""}, Bound: 1, Attempts: 1 << 31, Sends: 2, TransportResends: 3, Elapsed: 4, Waiting: -5, Upstream: 6, StopReason: "r",
		}},
	}
}

// again reads a frame as the one before was read.
func (u *usualDo) again(raw []byte) *Frame {
	if u.clear(); !u.read(raw) {
		return nil
	}
	for _, h := range u.headers {
		u.request.Headers = append(u.request.Headers, &Header{Name: h.Name, Value: []byte(h.Value)})
	}
	return &u.frame
}

// TestReadUsualDo: of what was read before nothing is left.
func TestReadUsualDo(t *testing.T) {
	var u usualDo
	for _, do := range usualDos() {
		want := &Frame{Exchange: 1 << 40, Clock: -7, Kind: &Frame_Do{Do: do}}
		raw, err := proto.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := u.again(raw)
		clear(raw) // nothing is left of it
		if got == nil || !proto.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for _, do := range []*Do{{Result: &Result{}}, {Request: &Request{Body: &Body{}}}, {Call: &Call{Outcome: &Outcome{}}}, {Call: &Call{Labels: map[string]string{"a": "b"}}}} {
		raw, err := proto.Marshal(&Frame{Kind: &Frame_Do{Do: do}})
		if err != nil {
			t.Fatal(err)
		}
		if got := u.again(raw); got != nil {
			t.Errorf("read %v of %v: it is for the generated code", got, do)
		}
	}
}

// FuzzReadUsualDo holds it against the generated code.
func FuzzReadUsualDo(f *testing.F) {
	for _, do := range usualDos() {
		raw, err := proto.Marshal(&Frame{Exchange: 7, Kind: &Frame_Do{Do: do}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(append(raw, raw...))
	}
	for _, raw := range oddFrames([]protowire.Number{3}, []protowire.Number{3, 2}, []protowire.Number{3, 3}, []protowire.Number{3, 2, 4}, nil) {
		f.Add(raw)
	}
	var u usualDo
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, want := u.again(raw), &Frame{}
		if err := want.UnmarshalVT(raw); got != nil && (err != nil || !proto.Equal(got, want)) {
			t.Fatalf("got %v, want %v, %v", got, want, err)
		}
	})
}
