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
	seen := false
	ok := fields(raw, func(num protowire.Number, v uint64, data []byte) bool {
		switch {
		case num == 1 && data == nil:
			d.frame.Exchange = v
			return true
		case num == protowire.Number(KindNext) && data != nil && !seen:
			seen = true
			return d.usualNext(data, intern)
		}
		return false
	})
	d.kind.Next, d.frame.Kind = &d.next, &d.kind
	return ok && seen
}

func (d *Decoder) usualNext(raw []byte, intern func([]byte) string) bool {
	return fields(raw, func(num protowire.Number, v uint64, data []byte) bool {
		switch {
		case num == 1 && data != nil && d.next.Edits == nil:
			d.next.Edits = &d.edits
			if !d.usualEdits(data, intern) {
				return false
			}
			d.edits.Headers = d.headers
			return true
		case num == 2 && data == nil:
			d.next.Last = v != 0
			return true
		}
		return false
	})
}

func (d *Decoder) usualEdits(raw []byte, intern func([]byte) string) bool {
	return fields(raw, func(num protowire.Number, _ uint64, data []byte) bool {
		if num != 5 || data == nil {
			return false
		}
		if n := len(d.headers); n < cap(d.headers) && d.headers[:n+1][n] != nil {
			d.headers = d.headers[:n+1]
		} else {
			d.headers = append(d.headers, &HeaderEdit{})
		}
		h, from := d.headers[len(d.headers)-1], len(d.values)
		h.Name = ""
		ok := fields(data, func(num protowire.Number, _ uint64, data []byte) bool {
			switch {
			case num == 1 && data != nil:
				h.Name = intern(data)
				return true
			case num == 2 && data != nil:
				d.values = append(d.values, data)
				return true
			}
			return false
		})
		h.Values = d.values[from:len(d.values):len(d.values)]
		return ok
	})
}

// fields calls f with each field of a message: a number, or bytes, which are then not nil. It reports whether all was read and f agreed.
func fields(raw []byte, f func(num protowire.Number, v uint64, data []byte) bool) bool {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return false
		}
		raw = raw[n:]
		switch typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(raw)
			if n < 0 || !f(num, v, nil) {
				return false
			}
			raw = raw[n:]
		case protowire.BytesType:
			data, n := protowire.ConsumeBytes(raw)
			if n < 0 {
				return false
			}
			if data == nil {
				data = raw[:0]
			}
			if !f(num, 0, data) {
				return false
			}
			raw = raw[n:]
		default:
			return false
		}
	}
	return true
}
