package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loop is a stream whose other end is itself; what is written goes through the codec.
type loop struct {
	messages chan []byte
	blocked  chan struct{} // nil: it takes what is sent
}

func (l *loop) SendMsg(m any) error {
	if l.blocked != nil {
		<-l.blocked
		return io.ErrClosedPipe
	}
	data, err := Codec{}.Marshal(m)
	if err != nil {
		return err
	}
	l.messages <- data.Materialize()
	data.Free() // what is pooled may be used again at once
	return nil
}

func (l *loop) RecvMsg(m any) error {
	data, ok := <-l.messages
	if !ok {
		return io.EOF
	}
	return Codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, m)
}

func logFrame(number uint64, size int) *Frame {
	return &Frame{Exchange: number, Kind: &Frame_Log{Log: &Log{Message: string(bytes.Repeat([]byte{byte('a' + number%26)}, size))}}}
}

func TestPipe_carries_every_frame_in_order(t *testing.T) {
	l := &loop{messages: make(chan []byte, 1000)}
	p := NewPipe(l)
	done, wrote := make(chan struct{}), make(chan error, 1)
	go func() { wrote <- p.Write(done) }()
	const senders, each = 8, 200
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if err := p.Send(logFrame(uint64(s*each+i), i*37%5000)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	read := make(chan error, 1)
	last := map[uint64]uint64{}
	n := 0
	go func() {
		read <- p.Read(func(f Incoming) {
			n++
			s, i := f.GetExchange()/each, f.GetExchange()%each
			if i != last[s] {
				t.Errorf("sender %d: got %d, want %d", s, i, last[s])
			}
			last[s]++
			if got, want := f.GetLog().GetMessage(), logFrame(f.GetExchange(), int(i)*37%5000).GetLog().GetMessage(); got != want {
				t.Errorf("frame %d has %d bytes, want %d", f.GetExchange(), len(got), len(want))
			}
		})
	}()
	wg.Wait()
	close(done)
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	close(l.messages)
	if err := <-read; !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	if n != senders*each {
		t.Errorf("got %d frames, want %d: what is pending when it ends is written", n, senders*each)
	}
	if err := p.Send(logFrame(1, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v after the end", err)
	}
}

func TestPipe_keeps_messages_small(t *testing.T) {
	l := &loop{messages: make(chan []byte, 1000)}
	p := NewPipe(l)
	const frames = 60
	for i := range uint64(frames) { // before anybody writes: all of it is pending
		if err := p.Send(logFrame(i, 60<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Send(logFrame(0, MaxFrame-40)); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(logFrame(0, MaxFrame)); !IsTooBig(err) {
		t.Errorf("got %v for a frame that is too big", err)
	}
	if err := p.Send(logFrame(7, 3)); err != nil {
		t.Errorf("got %v after a frame that was too big", err)
	}
	done := make(chan struct{})
	close(done)
	if err := p.Write(done); err != nil {
		t.Fatal(err)
	}
	close(l.messages)
	n := 0
	for m := range l.messages {
		if len(m) > MaxMessage {
			t.Errorf("a message of %d bytes", len(m))
		}
		if err := eachFrame(m, func(Raw) error { n++; return nil }); err != nil {
			t.Error(err)
		}
	}
	if n != frames+2 {
		t.Errorf("got %d frames, want %d", n, frames+2)
	}
}

func TestPipe_gives_up_on_who_does_not_read(t *testing.T) {
	l := &loop{blocked: make(chan struct{})}
	p := NewPipe(l)
	wrote := make(chan error, 1)
	go func() { wrote <- p.Write(make(chan struct{})) }()
	sent, err := 0, error(nil)
	for err == nil {
		err = p.Send(logFrame(1, 1<<19))
		sent += 1 << 19
	}
	if !errors.Is(err, errFull) || sent > maxPending+2<<20 {
		t.Errorf("got %v after %d bytes", err, sent)
	}
	close(l.blocked)
	if err := <-wrote; err == nil {
		t.Error("the writer goes on")
	}
	if p.last != nil || len(p.full) > 0 || p.pending > 0 {
		t.Error("it keeps what nobody will write")
	}
}

func TestPipe_of_a_peer_that_means_no_good(t *testing.T) {
	big := fmt.Appendf([]byte{0x0a, 0x81, 0x80, 0x40}, "%0*d", MaxFrame+1, 0)
	for name, message := range map[string][]byte{
		"no_batch": []byte("hello"), "cut_short": {0x0a, 5, 1}, "length": {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "no_length": {0x0a},
		"frame": {0x0a, 2, 0x08, 0xff}, "too_big": big, "field": {0x0a, 1, 0x07},
	} {
		l := &loop{messages: make(chan []byte, 1)}
		l.messages <- message
		close(l.messages)
		if err := NewPipe(l).Read(func(Incoming) {}); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPeek_sees_what_decoding_sees(t *testing.T) {
	f := &Frame{Exchange: 1 << 40, Kind: &Frame_Wait{Wait: &Wait{Duration: 5}}, Clock: 7}
	b := make([]byte, f.SizeVT())
	if _, err := f.MarshalToSizedBufferVT(b); err != nil {
		t.Fatal(err)
	}
	raw, err := peek(b)
	if err != nil || raw.Exchange != 1<<40 || raw.Kind != KindWait {
		t.Errorf("got %+v %v", raw, err)
	}
}

func BenchmarkPipe_Send(b *testing.B) {
	p := NewPipe(discard{})
	done, wrote := make(chan struct{}), make(chan error, 1)
	go func() { wrote <- p.Write(done) }()
	f := logFrame(1, 500)
	b.ReportAllocs()
	for b.Loop() {
		if p.Send(f) != nil {
			b.Fatal("full")
		}
	}
	close(done)
	<-wrote
}

// discard is a stream that takes everything.
type discard struct{}

func (discard) SendMsg(m any) error {
	data, err := Codec{}.Marshal(m)
	if err == nil {
		data.Free()
	}
	return err
}

func (discard) RecvMsg(any) error { return io.EOF }
