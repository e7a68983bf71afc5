package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// Stream is what a Pipe needs of a gRPC stream, of either end.
type Stream interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// Pipe carries frames over one stream: those that are ready together travel in one message. Send may be called by any goroutine. The pipe's
// channels belong to the goroutine that made it, as far as virtual time goes.
type Pipe struct {
	stream Stream
	wake   chan struct{} // holds one token while something is pending
	pool   batchPool
	out    batch // that Write sends

	mu      sync.Mutex
	last    *[]byte   // the batch that is being gathered; nil: nothing is pending
	full    []*[]byte // those before it
	pending int       // bytes in all of them
	err     error
}

var (
	errFull = errors.New("the other end does not read")
	errBig  = fmt.Errorf("a frame of more than %d bytes", MaxFrame)
)

// IsTooBig reports whether Send has refused a frame for its size: the pipe goes on.
func IsTooBig(err error) bool { return errors.Is(err, errBig) }

// NewPipe makes a pipe; Write must run for it.
func NewPipe(s Stream) *Pipe { return &Pipe{stream: s, wake: make(chan struct{}, 1)} }

// Send queues a frame; the frame may be changed once Send has returned. The error is why the pipe has ended, or IsTooBig says so.
func (p *Pipe) Send(f *Frame) error {
	size := f.SizeVT()
	if size > MaxFrame {
		return errBig
	}
	p.mu.Lock()
	if p.err == nil && p.pending+size > maxPending {
		p.err = errFull
		p.mu.Unlock()
		p.rouse()
		return errFull
	}
	if err := p.err; err != nil {
		p.mu.Unlock()
		return err
	}
	first := p.last == nil && len(p.full) == 0
	err := p.gather(f, size)
	p.mu.Unlock()
	if err == nil && first {
		p.rouse()
	}
	return err
}

// gather marshals f to the end of the batch. p.mu is held.
func (p *Pipe) gather(f *Frame, size int) error {
	if p.last != nil && len(*p.last)+size > goodBatch {
		p.full = append(p.full, p.last)
		p.last = nil
	}
	if p.last == nil {
		p.last = p.pool.Get(0)
	}
	b := append(*p.last, 0x0a)                // field 1 of Batch, length-delimited
	b = binary.AppendUvarint(b, uint64(size)) //nolint:gosec // a size
	at := len(b)
	if cap(b)-at < size {
		b = append(b, make([]byte, size)...)
	}
	b = b[:at+size]
	if _, err := f.MarshalToSizedBufferVT(b[at:]); err != nil {
		return err // what is gathered ends before it
	}
	p.pending += len(b) - len(*p.last)
	*p.last = b
	return nil
}

func (p *Pipe) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Write writes what Send has queued, until done is closed and all of that is written, or the stream fails. It is the stream's only writer.
func (p *Pipe) Write(done <-chan struct{}) error {
	defer p.discard()
	for ending := false; ; {
		select {
		case <-p.wake:
			runtime.Gosched() // who is about to send travels along
		case <-done:
			p.fail(io.ErrClosedPipe)
			ending = true
		}
		if err := p.flush(); err != nil {
			p.fail(err)
			return err
		}
		if ending {
			return nil
		}
	}
}

// flush writes all that is pending. It fails where the stream does, or where Send found that nobody reads.
func (p *Pipe) flush() error {
	for {
		p.mu.Lock()
		var out *[]byte
		switch {
		case p.err == errFull: //nolint:errorlint // the value itself
			p.mu.Unlock()
			return errFull
		case len(p.full) > 0:
			out = p.full[0]
			p.full = p.full[1:]
		default:
			out = p.last
			p.last, p.full = nil, nil
		}
		if out != nil {
			p.pending -= len(*out)
		}
		p.mu.Unlock()
		if out == nil {
			return nil
		}
		if err := p.stream.SendMsg(p.written(out)); err != nil {
			return err
		}
	}
}

func (p *Pipe) written(b *[]byte) *batch {
	p.out.out, p.out.pool = b, &p.pool
	return &p.out
}

// discard lets go of what nobody will write any more: the pipe may be kept for long after its end.
func (p *Pipe) discard() {
	p.mu.Lock()
	p.last, p.full, p.pending = nil, nil, 0
	p.mu.Unlock()
}

func (p *Pipe) fail(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
}

// Incoming is a frame that has come. It belongs to who was handed it. Of a Do the request's headers are had by [Incoming.Headers].
type Incoming struct {
	*Frame
	usual *usualDo // that the frame is of; nil: none
	pool  *sync.Pool
}

// Free says that nobody looks at the frame any more. Its texts and bytes may be kept.
func (in *Incoming) Free() {
	if in.usual != nil {
		in.usual.clear()
		in.pool.Put(in.usual)
	}
	*in = Incoming{}
}

// Read calls handle with each frame as it comes, until the stream ends. io.EOF is an orderly end.
func (p *Pipe) Read(handle func(Incoming)) error {
	dos := &sync.Pool{New: func() any { return &usualDo{} }}
	return p.ReadRaw(func(raw Raw) error {
		if raw.Kind == kindDo && len(raw.Data) <= maxFastDo {
			u := dos.Get().(*usualDo) //nolint:forcetypeassert // there is nothing else
			if u.read(raw.Data) {
				handle(Incoming{&u.frame, u, dos})
				return nil
			}
			u.clear()
			dos.Put(u)
		}
		f := &Frame{}
		if err := f.UnmarshalVT(raw.Data); err != nil {
			return fmt.Errorf("a frame that can't be read: %w", err)
		}
		handle(Incoming{Frame: f})
		return nil
	})
}

// ReadRaw is Read for who decodes frames elsewhere: raw.Data is good until handle returns. An error of handle ends it.
func (p *Pipe) ReadRaw(handle func(raw Raw) error) error {
	b := batch{pool: &p.pool}
	for {
		if err := p.stream.RecvMsg(&b); err != nil {
			return err
		}
		err := eachFrame(b.in.ReadOnlyData(), handle)
		b.in.Free()
		if err != nil {
			return err
		}
	}
}
