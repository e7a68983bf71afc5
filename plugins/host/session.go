package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// session is one stream to a plugin, with all exchanges of one runner. It is safe for concurrent use. What its goroutines share with callers
// is made with it, outside every bubble of virtual time.
type session struct {
	opts   sessionOptions
	client wire.PluginClient
	stream grpc.ClientStream
	pipe   *wire.Pipe
	life   context.Context // of the stream and of bodies apart
	end    context.CancelFunc

	first uint64 // where the numbers of its exchanges begin
	room  *room
	logs  *logQueue
	gate  logGate

	ending   chan struct{} // closed: nothing more is to be written
	endOnce  sync.Once
	refusing chan struct{} // closed: no new exchange
	refuse   sync.Once
	dead     chan struct{} // closed: the stream has ended
	cause    error         // why, once dead
	told     chan struct{} // closed a moment later: it is known how the process ended
	fate     error         // that, once told; nil: it was stopped
	broken   atomic.Pointer[error]
	closed   atomic.Bool   // by this side
	drained  atomic.Bool   // drain was called
	working  atomic.Int32  // how many of its goroutines run
	idle     chan struct{} // closed: none

	instances atomic.Uint32
	stages    sync.Map // of instance numbers to *stage
	lower     wire.Names
	canonical wire.Names
	spelt     wire.Names // as they come
	intern    func([]byte) string
	copies    sync.Pool    // *[]byte: frames on their way to their exchange
	ends      sync.Pool    // *scratch: for Ended
	strange   atomic.Int64 // when a frame of no exchange was told of
}

// sessionWorkers are the goroutines that each session has for as long as it lives: reader, writer, and who writes log records.
const sessionWorkers = 3

// streamTimeout bounds how long a stream takes to open: there is nothing to wait for on a connection that stands.
const streamTimeout = 10 * time.Second

// newSession opens the stream on cc. It is to be called outside every bubble of virtual time.
func newSession(cc grpc.ClientConnInterface, o sessionOptions) (*session, error) {
	s := &session{
		opts: o, client: wire.NewPluginClient(cc),
		ending: make(chan struct{}), refusing: make(chan struct{}), dead: make(chan struct{}), told: make(chan struct{}), idle: make(chan struct{}),
	}
	s.logs = newLogQueue(func(n int64) {
		o.logger.LogAttrs(context.Background(), slog.LevelWarn, recordsDropped, slog.String("plugin", o.plugin), slog.Int64("dropped", n))
	})
	s.lower.Of, s.canonical.Of, s.spelt.Of = strings.ToLower, http.CanonicalHeaderKey, strings.Clone
	s.intern = s.spelt.Text
	s.working.Store(sessionWorkers)
	s.life, s.end = context.WithCancel(context.Background())
	late := time.AfterFunc(cmp.Or(o.opening, streamTimeout), s.end) // a plugin may allow fewer streams than it has
	stream, err := s.client.Session(s.life)
	if !late.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		s.end()
		return nil, fmt.Errorf("opening the stream to plugin %s: %w", o.plugin, err)
	}
	s.stream, s.pipe = stream, wire.NewPipe(stream)
	s.first = rand.Uint64N(1<<22) << 40 // bodies apart name their exchange alone, and a process may have several sessions
	s.room = newRoom(s, o.maxInFlight)
	s.work(s.read)
	s.work(s.write)
	s.work(s.logs.run)
	return s, nil
}

func (s *session) work(f func()) {
	s.opts.spawn(func() {
		f()
		if s.working.Add(-1) == 0 {
			close(s.idle)
		}
	})
}

// gone is closed once the stream has ended, whatever ended it.
func (s *session) gone() <-chan struct{} { return s.dead }

// err returns why the stream has ended, once it has; nil where this side ended it.
func (s *session) err() error {
	select {
	case <-s.dead:
		return s.cause
	default:
		return nil
	}
}

// draining is closed once no new exchange may begin.
func (s *session) draining() <-chan struct{} { return s.refusing }

// usable reports whether new exchanges may begin.
func (s *session) usable() bool {
	select {
	case <-s.dead:
		return false
	case <-s.refusing:
		return false
	default:
		return true
	}
}

// drain lets what is under way end, and the plugin finish what it was told; then it closes the session. Where ctx ends before, it closes it at
// once, and what is under way fails. Of several at once the first drains: they would share the slots that each must see free.
func (s *session) drain(ctx context.Context) error {
	s.refuse.Do(func() { close(s.refusing) })
	defer s.close()
	if s.drained.Swap(true) {
		select {
		case <-s.dead:
		case <-ctx.Done():
		}
		return s.err()
	}
	for range s.room.close() {
		select {
		case <-s.room.free:
		case <-s.dead:
			return s.err()
		case <-ctx.Done():
			return fmt.Errorf("plugin %s: exchanges were still under way: %w", s.opts.plugin, context.Cause(ctx))
		}
	}
	s.closed.Store(true)
	s.endOnce.Do(func() { close(s.ending) })
	select {
	case <-s.dead:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("plugin %s did not end its stream: %w", s.opts.plugin, context.Cause(ctx))
	}
}

// close ends the session at once, and waits for its goroutines.
func (s *session) close() {
	s.closed.Store(true)
	s.end()
	<-s.dead
	<-s.idle
}

// write is the writer's goroutine.
func (s *session) write() {
	if err := s.pipe.Write(s.ending); err != nil {
		s.end() // the reader tells
		return
	}
	_ = s.stream.(interface{ CloseSend() error }).CloseSend()
}

// read is the reader's goroutine: it hands each frame to its exchange. When it returns, the session is over.
func (s *session) read() {
	err := s.pipe.ReadRaw(s.receive)
	switch {
	case s.closed.Load():
		err = nil
	case s.broken.Load() != nil:
		err = *s.broken.Load()
	case errors.Is(err, io.EOF):
		err = errors.New("it ended the stream")
	}
	s.cause = err
	close(s.dead)
	s.end()
	s.endOnce.Do(func() { close(s.ending) })
	s.logs.close()
	s.explain()
}

// receive handles one frame; an error ends the session. It must not block: every exchange waits for it.
func (s *session) receive(raw wire.Raw) error {
	switch raw.Kind {
	case wire.KindLog:
		s.receiveLog(raw)
		return nil
	case wire.KindDraining:
		s.refuse.Do(func() { close(s.refusing) })
		return nil
	}
	slot := s.room.slot(raw.Exchange & indexMask)
	if slot == nil {
		if raw.Exchange&indexMask != instanceIndex || raw.Kind != wire.KindClosed { // of a stage that could not be opened
			s.stranger(raw)
		}
		return nil
	}
	switch now := slot.number.Load(); {
	case raw.Exchange == now:
		slot.deliver(raw)
	case raw.Exchange > now:
		s.stranger(raw)
	default: // it has ended: the frame crossed the end on its way
	}
	return nil
}

// strangeEvery bounds how often frames that nobody can have asked for are told of.
const strangeEvery = 10 * time.Second

// stranger tells of a frame for an exchange that never was.
func (s *session) stranger(raw wire.Raw) {
	now := time.Now().UnixNano()
	before := s.strange.Load()
	if before != 0 && now-before < int64(strangeEvery) || !s.strange.CompareAndSwap(before, now) {
		return
	}
	s.logs.put(logged{run: func() {
		s.opts.logger.LogAttrs(context.Background(), slog.LevelWarn, "plugin sent a frame for an exchange that never was", slog.String("plugin", s.opts.plugin), slog.Uint64("exchange", raw.Exchange))
	}})
}

// send queues a frame, stamped with the time where that is wanted.
func (s *session) send(f *wire.Frame) error {
	if s.opts.clock {
		f.Clock = time.Now().UnixNano()
	}
	err := s.pipe.Send(f)
	if err != nil && !wire.IsTooBig(err) {
		s.breakOff(err)
	}
	return err
}

// breakOff ends a session whose stream takes nothing more.
func (s *session) breakOff(err error) {
	if s.broken.CompareAndSwap(nil, &err) {
		s.opts.spawn(s.end)
	}
}
