package wire

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// kindDo is the only kind of a host's frame that is read in a way of its own.
const kindDo Kind = 3

// maxFastDo bounds the frames whose texts share memory, in bytes: whoever keeps one of them keeps them all.
const maxFastDo = 16 << 10

// usualDo is a Do with what usually belongs to it, in one piece. It is used again; its texts never are.
type usualDo struct {
	frame   Frame
	kind    Frame_Do
	do      Do
	request Request
	call    Call
	headers Given  // of the request, in place of its own list
	text    []byte // the frame's bytes, which nobody changes
}

// maxKeptHeaders bounds the headers that are kept for the next frame.
const maxKeptHeaders = 128

func (u *usualDo) clear() {
	headers := u.headers
	if clear(headers); cap(headers) > maxKeptHeaders {
		headers = nil
	}
	*u = usualDo{headers: headers[:0]}
}

// read reads a Do that holds neither a body nor a result nor anything else out of the ordinary; false where it does, for the generated
// code. Frames of the hot path are read so: with some ten headers that takes one allocation in place of fifty.
func (u *usualDo) read(raw []byte) bool {
	u.text = append(make([]byte, 0, len(raw)), raw...)
	r, seen := reader{rest: u.text}, false
	for r.next() {
		switch {
		case r.num == 1 && r.data == nil:
			u.frame.Exchange = r.v
		case r.num == protowire.Number(kindDo) && r.data != nil && !seen:
			seen = true
			if !u.readDo(r.data) {
				return false
			}
		case r.num == 30 && r.data == nil:
			u.frame.Clock = int64(r.v) //nolint:gosec // two's complement
		default:
			return false
		}
	}
	u.kind.Do, u.frame.Kind = &u.do, &u.kind
	return seen && !r.broken
}

func (u *usualDo) readDo(raw []byte) bool {
	d, r := &u.do, reader{rest: raw}
	for r.next() {
		ok := true
		switch {
		case r.data == nil:
			ok = d.number(r.num, r.v)
		case r.num == 2 && d.Request == nil:
			d.Request = &u.request
			ok = u.readRequest(r.data)
		case r.num == 3 && d.Call == nil:
			d.Call = &u.call
			ok = u.readCall(r.data)
		case r.num == 5:
			d.Traceparent = alias(r.data)
		default:
			return false
		}
		if !ok {
			return false
		}
	}
	return !r.broken
}

// number sets one of the fields that are numbers.
func (d *Do) number(num protowire.Number, v uint64) bool {
	switch num {
	case 1:
		d.Instance = uint32(v) //nolint:gosec // as the generated code has it
	case 6:
		d.Recording = v != 0
	case 7:
		d.LogLevel = int32(protowire.DecodeZigZag(v & (1<<32 - 1))) //nolint:gosec // likewise
	case 8:
		d.Timeout = int64(v) //nolint:gosec // likewise
	case 9:
		d.Deadline = int64(v) //nolint:gosec // likewise
	default:
		return false
	}
	return true
}

func (u *usualDo) readRequest(raw []byte) bool {
	m, r := &u.request, reader{rest: raw}
	for r.next() {
		if r.data == nil {
			switch r.num {
			case 5:
				m.Length = int64(r.v) //nolint:gosec // two's complement
			case 8:
				m.Replayable = r.v != 0
			default:
				return false
			}
			continue
		}
		switch r.num {
		case 1:
			m.Method = alias(r.data)
		case 2:
			m.Url = alias(r.data)
		case 3:
			m.Host = alias(r.data)
		case 4:
			h, ok := readHeader(r.data)
			if !ok {
				return false
			}
			u.headers = append(u.headers, h)
		case 6:
			m.Sha256 = r.data
		default:
			return false
		}
	}
	return !r.broken
}

// readHeader reads a header.
func readHeader(raw []byte) (h GivenHeader, ok bool) {
	r := reader{rest: raw}
	for r.next() {
		switch {
		case r.num == 1 && r.data != nil:
			h.Name = alias(r.data)
		case r.num == 2 && r.data != nil:
			h.Value = alias(r.data)
		default:
			return h, false
		}
	}
	return h, !r.broken
}

func (u *usualDo) readCall(raw []byte) bool {
	c, r := &u.call, reader{rest: raw}
	for r.next() {
		if r.data == nil {
			if !c.number(r.num, r.v) {
				return false
			}
			continue
		}
		switch r.num {
		case 1:
			c.Pipeline = alias(r.data)
		case 2:
			c.Subject = alias(r.data)
		case 3:
			c.Operation = alias(r.data)
		case 5:
			c.IdempotencyKey = alias(r.data)
		case 12:
			c.Serving = append(c.Serving, alias(r.data))
		case 21:
			c.StopReason = alias(r.data)
		default:
			return false
		}
	}
	return !r.broken
}

// number sets one of the fields that are numbers.
func (c *Call) number(num protowire.Number, v uint64) bool {
	switch num {
	case 6:
		c.Idempotent = v != 0
	case 7:
		c.NoRetry = v != 0
	case 8:
		c.SkipAuth = v != 0
	case 9:
		c.RetryOwned = v != 0
	case 10:
		c.Observed = v != 0
	case 11:
		c.Hop = uint32(v) //nolint:gosec // as the generated code has it
	case 13:
		c.Bound = int64(v) //nolint:gosec // likewise
	case 14:
		c.Attempts = uint32(v) //nolint:gosec // likewise
	case 15:
		c.Sends = uint32(v) //nolint:gosec // likewise
	case 16:
		c.TransportResends = uint32(v) //nolint:gosec // likewise
	case 17:
		c.Elapsed = int64(v) //nolint:gosec // likewise
	case 18:
		c.Waiting = int64(v) //nolint:gosec // likewise
	case 19:
		c.Upstream = int64(v) //nolint:gosec // likewise
	default:
		return false
	}
	return true
}

// Bytes returns a text's bytes, without copying: nobody may change them.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) } //nolint:gosec // as the comment has it

// alias returns the bytes as a text, without copying: nobody may change them.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // as the comment has it
