package served

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// maxExchanges bounds what is under way in one session; the file's max_in_flight is at most as much.
const maxExchanges = 1 << 16

// session is one host's stream. Its frames are dispatched by the stream's reader, or, where the program runs sessions within something, by a
// goroutine of that: then everything that stages can touch is made there.
type session struct {
	server *Server
	pipe   *wire.Pipe
	stages pipeline.ServedStages
	logs   logSink

	inbox chan func() // steps for the dispatcher; nil: whoever has one takes it
	over  chan struct{}
	life  context.Context // of all that stages do
	leave context.CancelFunc

	mu        sync.Mutex
	live      map[uint64]*exchange
	instances map[uint32]*instance
	ended     bool
	running   sync.WaitGroup
	names     wire.Names  // canonical ones
	lower     wire.Names  // as they travel
	workers   *workers    // nil where time is virtual: they would not wait within it
	heldUp    atomic.Bool // draining was told
}

func newSession(s *Server, stream wire.Stream) *session {
	ss := &session{
		server: s, pipe: wire.NewPipe(stream), over: make(chan struct{}), live: map[uint64]*exchange{}, instances: map[uint32]*instance{},
	}
	ss.life, ss.leave = context.WithCancel(context.Background())
	ss.logs.pipe, ss.names.Of, ss.lower.Of = ss.pipe, http.CanonicalHeaderKey, strings.ToLower
	ss.stages.Logger = slog.New(&logHandler{sink: &ss.logs})
	ss.stages.Random = s.opts.Random
	if s.opts.Around != nil {
		ss.inbox = make(chan func(), 256)
	} else {
		ss.workers = newWorkers((*exchange).run)
	}
	return ss
}

// serve returns once the stream is over, everything of it has ended and its stages are closed.
func (ss *session) serve() error {
	written, ran := make(chan error, 1), make(chan struct{})
	done := make(chan struct{})
	go func() { written <- ss.pipe.Write(done) }()
	if ss.inbox != nil {
		go func() {
			defer close(ran)
			ss.server.opts.Around(ss.dispatch)
		}()
	}
	receive := ss.handle
	if ss.inbox != nil {
		receive = func(f wire.Incoming) { ss.step(func() { ss.handle(f) }) }
	}
	err := ss.pipe.Read(receive)
	close(ss.over)
	if ss.inbox != nil {
		<-ran
	} else {
		ss.end()
	}
	close(done)
	if werr := <-written; errors.Is(err, io.EOF) {
		return werr
	}
	return err
}

// step has f run where the session's stages live. It may be called by any goroutine, and f must not block.
func (ss *session) step(f func()) {
	if ss.inbox == nil {
		f()
		return
	}
	select {
	case ss.inbox <- f:
	case <-ss.over:
	}
}

func (ss *session) dispatch() {
	defer ss.end()
	for {
		select {
		case f := <-ss.inbox:
			f()
		case <-ss.over:
			return
		}
	}
}

// end ends all exchanges, waits for them, and closes the stages.
func (ss *session) end() {
	ss.mu.Lock()
	ss.ended = true
	live, instances := ss.live, ss.instances
	ss.live, ss.instances = map[uint64]*exchange{}, map[uint32]*instance{}
	for id, x := range live {
		x.stop()
		ss.server.bodies.forget(id)
	}
	ss.mu.Unlock()
	ss.leave() // what the host waits for no more ends, too
	if ss.workers != nil {
		ss.workers.close()
	}
	ss.running.Wait()
	for _, in := range instances {
		_ = in.close() // nobody is left to tell
	}
}

func (ss *session) drain() {
	if !ss.heldUp.Swap(true) {
		_ = ss.pipe.Send(&wire.Frame{Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}})
	}
}

// catchUp has the session's time come up to the host's: a program whose time is virtual runs it so.
func (ss *session) catchUp(clock int64) {
	if ss.inbox == nil || clock == 0 {
		return
	}
	if d := time.Until(time.Unix(0, clock)); d > 0 {
		<-time.After(d)
	}
}

// handle takes one frame. What blocks has a goroutine of its own.
func (ss *session) handle(f wire.Incoming) {
	ss.catchUp(f.GetClock())
	switch k := f.GetKind().(type) {
	case *wire.Frame_Do:
		ss.begin(f)
	case *wire.Frame_Result, *wire.Frame_Awake, *wire.Frame_Body, nil: // of no known kind: the exchange ends by it
		ss.mu.Lock()
		if x := ss.live[f.GetExchange()]; x != nil {
			x.deliver(f.Frame)
		}
		ss.mu.Unlock()
	case *wire.Frame_Cancel:
		ss.cancel(f.GetExchange())
	case *wire.Frame_Ended:
		ss.callEnded(f.GetExchange(), k.Ended)
	case *wire.Frame_Open:
		ss.spawn(func() { ss.open(f.GetExchange(), k.Open) })
	case *wire.Frame_Close:
		ss.shut(f.GetExchange(), k.Close.GetInstance())
	}
}

// spawn runs f beside the dispatcher; the session does not end before it.
func (ss *session) spawn(f func()) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if !ss.ended {
		ss.running.Go(f)
	}
}

// begin starts an exchange.
func (ss *session) begin(f wire.Incoming) {
	x := newExchange(ss, f)
	number := f.GetDo().GetInstance()
	ss.mu.Lock()
	defer ss.mu.Unlock()
	x.inst = ss.instances[number]
	switch {
	case ss.ended:
	case ss.live[x.id] != nil:
		ss.logs.say(slog.LevelError, "the host began an exchange twice")
	case x.inst == nil || x.inst.closing:
		x.refuse("instance %d is not open", number)
	case len(ss.live) >= maxExchanges:
		x.refuse("more than %d exchanges are under way", maxExchanges)
	default:
		ss.live[x.id] = x
		x.inst.busy.Add(1)
		ss.start(x)
	}
}

// start runs an exchange. ss.mu is held.
func (ss *session) start(x *exchange) {
	if ss.workers == nil {
		ss.running.Go(x.run)
		return
	}
	ss.workers.run(x)
}

func (ss *session) cancel(id uint64) {
	ss.mu.Lock()
	x := ss.live[id]
	delete(ss.live, id)
	if x != nil {
		x.stop()
	}
	ss.mu.Unlock()
	ss.server.bodies.forget(id)
}

// finished takes an exchange out, and reports whether the host still waits for its end.
func (ss *session) finished(x *exchange) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.live[x.id] != x {
		return false
	}
	delete(ss.live, x.id)
	return true
}

// under reports whether an exchange is under way as far as the host knows.
func (ss *session) under(x *exchange) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.live[x.id] == x
}
