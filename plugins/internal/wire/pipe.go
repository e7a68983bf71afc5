package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Stream is what a Pipe needs of a gRPC stream, of either end.
type Stream interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// Pipe carries frames over one stream: those that are ready together travel in one message. Send may be called by any goroutine.
type Pipe struct {
	stream Stream
	wake   chan struct{} // holds one token while something is pending

	mu      sync.Mutex
	pending []byte
	spare   []byte
	err     error
}

// maxPending bounds what waits to be written, in bytes: a peer that reads nothing must not take all memory.
const maxPending = 64 << 20

var errFull = errors.New("the other end does not read")

// NewPipe makes a pipe; Write must run for it.
func NewPipe(s Stream) *Pipe { return &Pipe{stream: s, wake: make(chan struct{}, 1)} }

// Send queues a frame; the frame may be changed once Send has returned. The error is why the pipe has ended.
func (p *Pipe) Send(f *Frame) error {
	size := f.SizeVT()
	p.mu.Lock()
	if p.err == nil && len(p.pending)+size > maxPending {
		p.err = errFull
	}
	if err := p.err; err != nil {
		p.mu.Unlock()
		return err
	}
	b := append(p.pending, 0x0a) // field 1 of Batch, length-delimited
	b = binary.AppendUvarint(b, uint64(size))
	at := len(b)
	b = append(b, make([]byte, size)...)
	_, err := f.MarshalToSizedBufferVT(b[at:])
	if err == nil {
		p.pending = b
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// Write writes what Send has queued until done is closed or the stream fails. It is the stream's only writer.
func (p *Pipe) Write(done <-chan struct{}) error {
	for {
		select {
		case <-p.wake:
		case <-done:
			p.fail(io.ErrClosedPipe)
			return nil
		}
		p.mu.Lock()
		batch := p.pending
		p.pending, p.spare = p.spare[:0], nil
		p.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		if err := p.stream.SendMsg(&Frames{batch}); err != nil {
			p.fail(err)
			return err
		}
	}
}

func (p *Pipe) fail(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
}

// Read calls handle with each frame as it comes, until the stream ends; a frame belongs to handle. io.EOF is an orderly end.
func (p *Pipe) Read(handle func(*Frame)) error {
	for {
		var batch Frames
		if err := p.stream.RecvMsg(&batch); err != nil {
			return err
		}
		for data := batch.data; len(data) > 0; {
			frame, rest, err := next(data)
			if err != nil {
				return err
			}
			f := &Frame{}
			if err := f.UnmarshalVT(frame); err != nil {
				return fmt.Errorf("a frame that can't be read: %w", err)
			}
			handle(f)
			data = rest
		}
	}
}

// next cuts the first frame off a batch. A field that is not known is passed over.
func next(data []byte) (frame, rest []byte, err error) {
	size, n := uint64(0), 0
	if data[0] == 0x0a {
		size, n = binary.Uvarint(data[1:])
	}
	if n <= 0 || size > uint64(len(data)-1-n) {
		return nil, nil, errors.New("a batch that is no list of frames")
	}
	from := 1 + n
	return data[from : from+int(size)], data[from+int(size):], nil //nolint:gosec // bounded by len(data)
}
