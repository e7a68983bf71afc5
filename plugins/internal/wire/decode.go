package wire

import "google.golang.org/protobuf/encoding/protowire"

// Decoder reads frames. The usual one, a Next that edits headers and no more, it reads into memory of its own; the frame is then good until the
// next Decode, and its values until the bytes change that it was read from. It is used by one goroutine at a time.
type Decoder struct {
	frame   Frame
	kind    Frame_Next
	next    Next
	edits   Edits
	headers []*HeaderEdit
	values  [][]byte
}

// Decode reads a frame. intern returns the text of a header's name.
func (d *Decoder) Decode(raw []byte, kind Kind, intern func([]byte) string) (*Frame, error) {
	if kind == KindNext && d.usual(raw, intern) {
		return &d.frame, nil
	}
	f := &Frame{}
	return f, f.UnmarshalVT(raw)
}

// Clear forgets the last frame.
func (d *Decoder) Clear() {
	for _, h := range d.headers[:cap(d.headers)] {
		if h != nil {
			h.Name, h.Values = "", nil
		}
	}
	clear(d.values)
	d.headers, d.values, d.edits.Headers = d.headers[:0], d.values[:0], nil
	if cap(d.headers) > maxKeptEdits || cap(d.values) > maxKeptEdits {
		d.headers, d.values = nil, nil
	}
}

// maxKeptEdits bounds what a Decoder keeps: one frame can hold half a million edits.
const maxKeptEdits = 256

// usual reads a frame, or reports that it holds anything out of the ordinary.
func (d *Decoder) usual(raw []byte, intern func([]byte) string) bool {
	d.Clear()
	d.frame.Exchange, d.next.Edits, d.next.Last = 0, nil, false
	r, seen := reader{rest: raw}, false
	for r.next() {
		switch {
		case r.num == 1 && r.data == nil:
			d.frame.Exchange = r.v
		case r.num == protowire.Number(KindNext) && r.data != nil && !seen:
			seen = true
			if !d.usualNext(r.data, intern) {
				return false
			}
		default:
			return false
		}
	}
	d.kind.Next, d.frame.Kind = &d.next, &d.kind
	return seen && !r.broken
}

func (d *Decoder) usualNext(raw []byte, intern func([]byte) string) bool {
	r := reader{rest: raw}
	for r.next() {
		switch {
		case r.num == 1 && r.data != nil && d.next.Edits == nil:
			d.next.Edits = &d.edits
			if !d.usualEdits(r.data, intern) {
				return false
			}
			d.edits.Headers = d.headers
		case r.num == 2 && r.data == nil:
			d.next.Last = r.v != 0
		default:
			return false
		}
	}
	return !r.broken
}

func (d *Decoder) usualEdits(raw []byte, intern func([]byte) string) bool {
	r := reader{rest: raw}
	for r.next() {
		if r.num != 5 || r.data == nil {
			return false
		}
		d.headers = OneMore(d.headers)
		h, from := d.headers[len(d.headers)-1], len(d.values)
		h.Name = ""
		one := reader{rest: r.data}
		for one.next() {
			switch {
			case one.num == 1 && one.data != nil:
				h.Name = intern(one.data)
			case one.num == 2 && one.data != nil:
				d.values = append(d.values, one.data)
			default:
				return false
			}
		}
		if one.broken {
			return false
		}
		h.Values = d.values[from:len(d.values):len(d.values)]
	}
	return !r.broken
}

// OneMore makes a list longer by one: by what it held there before it was shortened, else by a new one.
func OneMore[T any](list []*T) []*T {
	if n := len(list); n < cap(list) && list[:n+1][n] != nil {
		return list[:n+1]
	}
	return append(list, new(T))
}

// reader goes through the fields of a message that are numbers or bytes.
type reader struct {
	rest   []byte
	num    protowire.Number
	v      uint64 // of a number
	data   []byte // of bytes; nil: it is a number
	broken bool   // the rest can't be read, or holds a field of another sort
}

// next reads a field; false at the end, or where it is broken.
func (r *reader) next() bool {
	if len(r.rest) == 0 {
		return false
	}
	tag, n := varint(r.rest)
	num, typ := tag>>3, protowire.Type(tag&7)
	if n == 0 || num == 0 || num > uint64(protowire.MaxValidNumber) || typ != protowire.VarintType && typ != protowire.BytesType {
		return r.stop()
	}
	r.rest = r.rest[n:]
	v, n := varint(r.rest)
	if n == 0 {
		return r.stop()
	}
	r.rest = r.rest[n:]
	r.num, r.v, r.data = protowire.Number(num), v, nil
	if typ == protowire.VarintType {
		return true
	}
	if v > uint64(len(r.rest)) {
		return r.stop()
	}
	r.data, r.rest = r.rest[:v:v], r.rest[v:]
	return true
}

// stop is next where the rest can't be read.
func (r *reader) stop() bool {
	r.broken = true
	return false
}

// varint reads a number, and says how many bytes it takes; 0 where it can't be read.
func varint(b []byte) (v uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	if v, n = protowire.ConsumeVarint(b); n < 0 {
		return 0, 0
	}
	return v, n
}
