package wire

import (
	"slices"
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
	headers []Header
	list    []*Header
	text    []byte // the frame's bytes, which nobody changes
}

// maxKeptHeaders bounds the headers that are kept for the next frame.
const maxKeptHeaders = 128

func (u *usualDo) clear() {
	headers, list := u.headers, u.list
	if cap(headers) > maxKeptHeaders {
		headers, list = nil, nil
	}
	for i := range headers {
		headers[i].Name, headers[i].Value = "", nil
	}
	clear(list)
	*u = usualDo{headers: headers[:0], list: list[:0]}
}

// read reads a Do that holds neither a body nor a result nor anything else out of the ordinary; false where it does, for the generated
// code. Frames of the hot path are read so: with some ten headers that takes one allocation in place of fifty.
func (u *usualDo) read(raw []byte) bool {
	u.text = append(make([]byte, 0, len(raw)), raw...)
	seen := false
	ok := fields(u.text, func(num protowire.Number, v uint64, data []byte) bool {
		switch {
		case num == 1 && data == nil:
			u.frame.Exchange = v
		case num == protowire.Number(kindDo) && data != nil && !seen:
			seen = true
			return u.readDo(data)
		case num == 30 && data == nil:
			u.frame.Clock = int64(v) //nolint:gosec // two's complement
		default:
			return false
		}
		return true
	})
	u.kind.Do, u.frame.Kind = &u.do, &u.kind
	return ok && seen
}

func (u *usualDo) readDo(raw []byte) bool {
	d := &u.do
	return fields(raw, func(num protowire.Number, v uint64, data []byte) bool {
		if data == nil {
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
		switch {
		case num == 2 && d.Request == nil:
			d.Request = &u.request
			return u.readRequest(data)
		case num == 3 && d.Call == nil:
			d.Call = &u.call
			return u.readCall(data)
		case num == 5:
			d.Traceparent = alias(data)
		default:
			return false
		}
		return true
	})
}

func (u *usualDo) readRequest(raw []byte) bool {
	r, n := &u.request, 0
	ok := fields(raw, func(num protowire.Number, v uint64, data []byte) bool {
		if data == nil {
			switch num {
			case 5:
				r.Length = int64(v) //nolint:gosec // two's complement
			case 8:
				r.Replayable = v != 0
			default:
				return false
			}
			return true
		}
		switch num {
		case 1:
			r.Method = alias(data)
		case 2:
			r.Url = alias(data)
		case 3:
			r.Host = alias(data)
		case 4:
			n++
		case 6:
			r.Sha256 = slices.Clip(data)
		default:
			return false
		}
		return true
	})
	if !ok || n == 0 {
		return ok
	}
	if cap(u.headers) < n {
		u.headers, u.list = make([]Header, n), make([]*Header, 0, n)
	}
	u.headers, r.Headers = u.headers[:n], u.list[:0]
	defer func() { u.list = r.Headers }()
	return fields(raw, func(num protowire.Number, _ uint64, data []byte) bool {
		if num != 4 || data == nil {
			return true
		}
		h := &u.headers[len(r.Headers)]
		r.Headers = append(r.Headers, h)
		return fields(data, func(num protowire.Number, _ uint64, data []byte) bool {
			switch {
			case num == 1 && data != nil:
				h.Name = alias(data)
			case num == 2 && data != nil:
				h.Value = slices.Clip(data)
			default:
				return false
			}
			return true
		})
	})
}

func (u *usualDo) readCall(raw []byte) bool {
	c := &u.call
	return fields(raw, func(num protowire.Number, v uint64, data []byte) bool {
		if data == nil {
			return c.number(num, v)
		}
		switch num {
		case 1:
			c.Pipeline = alias(data)
		case 2:
			c.Subject = alias(data)
		case 3:
			c.Operation = alias(data)
		case 5:
			c.IdempotencyKey = alias(data)
		case 12:
			c.Serving = append(c.Serving, alias(data))
		case 21:
			c.StopReason = alias(data)
		default:
			return false
		}
		return true
	})
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

// alias returns the bytes as a text, without copying: nobody may change them.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // as the comment has it
