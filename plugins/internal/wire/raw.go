package wire

import (
	"encoding/binary"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// Raw is a frame that is not decoded yet.
type Raw struct {
	Exchange uint64
	Kind     Kind
	Data     []byte
}

// Kind says what a frame is: the number of its field in Frame.
type Kind int32

// The kinds of frames that a plugin sends; 0 is a frame of no known kind.
const (
	KindOpened   Kind = 16
	KindNext     Kind = 17
	KindReturn   Kind = 18
	KindWait     Kind = 19
	KindRead     Kind = 20
	KindDrop     Kind = 21
	KindClosed   Kind = 22
	KindLog      Kind = 23
	KindDraining Kind = 24
)

var (
	errNoBatch = errors.New("a batch that is no list of frames")
	errNoFrame = errors.New("a frame that can't be read")
)

// eachFrame calls handle with each frame of a batch.
func eachFrame(data []byte, handle func(Raw) error) error {
	for len(data) > 0 {
		size, n := uint64(0), 0
		if data[0] == 0x0a {
			size, n = binary.Uvarint(data[1:])
		}
		if n <= 0 || size > uint64(len(data)-1-n) { //nolint:gosec // n is of data
			return errNoBatch
		}
		if size > MaxFrame {
			return errBig
		}
		from := 1 + n
		frame := data[from : from+int(size)]
		data = data[len(frame)+from:]
		raw, err := peek(frame)
		if err != nil {
			return err
		}
		if err := handle(raw); err != nil {
			return err
		}
	}
	return nil
}

// peek reads of a frame whose it is and what. Of several kinds in one the last counts, as it does where the frame is decoded.
func peek(frame []byte) (Raw, error) {
	raw := Raw{Data: frame}
	for b := frame; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return raw, errNoFrame
		}
		b = b[n:]
		if num == 1 && typ == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return raw, errNoFrame
			}
			raw.Exchange, b = v, b[n:]
			continue
		}
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return raw, errNoFrame
		}
		b = b[n:]
		if typ == protowire.BytesType && num >= 2 && num < 30 {
			raw.Kind = Kind(num)
		}
	}
	return raw, nil
}
