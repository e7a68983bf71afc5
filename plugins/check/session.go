package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// session is a Session whose host is a script.
type session struct {
	c      *checker
	p      *process
	stream grpc.BidiStreamingClient[wire.Batch, wire.Batch]
	cancel context.CancelFunc
	gone   chan struct{} // closed once the stream has ended:
	err    error         // so; nil in order

	spoiled atomic.Bool // a frame came out of turn

	sending sync.Mutex
	mu      sync.Mutex
	live    map[uint64]*exchange
	old     map[uint64]string // exchanges that have ended, and the rule that their frames break
	drained chan struct{}     // closed once the plugin has sent Draining
	next    uint64
	opened  uint32
}

// instance is a stage that was opened.
type instance struct {
	number uint32
	stage  Stage
	own    pipeline.Needs // what it asks for
	needs  pipeline.Needs // as far as it is granted
	less   string         // what it was granted of that, in words; "": all
}

// after reports whether the stage gets Do with the Result in it.
func (in *instance) after() bool {
	n := in.needs
	r := n.Request
	full := r.Body == pipeline.BodyDigest || r.Body == pipeline.BodyFull
	return n.Response != nil && len(r.Headers) == 0 && len(r.Edit) == 0 && !r.Query && !full && !n.Answer && !n.Retry && len(n.Credentials) == 0
}

// waits reports whether the stage waits for what comes of next.
func (in *instance) waits() bool {
	return (in.needs.Response != nil || in.needs.Retry) && !in.after()
}

// session opens one.
func (c *checker) session(ctx context.Context, p *process) (*session, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := p.client.Session(ctx)
	if err != nil {
		cancel()
		return nil, c.lost(p, err)
	}
	s := &session{
		c: c, p: p, stream: stream, cancel: cancel, gone: make(chan struct{}), live: map[uint64]*exchange{}, old: map[uint64]string{},
		drained: make(chan struct{}), next: 1,
	}
	go s.read()
	return s, nil
}

// lost says why a session can't go on.
func (c *checker) lost(p *process, err error) error {
	if p.ends(parting) {
		return breach("wire.panic", "the process %s while it worked%s", p.trial.Ended(), p.trial.LastWords())
	}
	return breach("wire.do", "the Session ended with %q", status.Convert(err).Message())
}

func (s *session) read() {
	defer close(s.gone)
	for {
		batch, err := s.stream.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			return
		}
		if size := batch.SizeVT(); size > wire.MaxMessage {
			s.c.broken("wire.limits", "it sent a message of %d bytes", size)
		}
		for _, f := range batch.GetFrames() {
			s.take(f)
		}
	}
}

// take judges a frame and hands it over.
func (s *session) take(f *wire.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judgeFrame(f)
	switch f.GetKind().(type) {
	case *wire.Frame_Log:
		s.judgeLog(f)
		return
	case *wire.Frame_Draining:
		select {
		case <-s.drained:
		default:
			close(s.drained)
		}
		return
	}
	x := s.live[f.GetExchange()]
	if x == nil {
		s.judgeStranger(f)
		return
	}
	if x.first.IsZero() {
		x.first = time.Now()
	}
	x.judge(f)
	select {
	case x.in <- f:
	default:
	}
}

// send sends frames in one message.
func (s *session) send(frames ...*wire.Frame) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if err := s.stream.Send(&wire.Batch{Frames: frames}); err != nil {
		select {
		case <-s.gone:
			return s.ended()
		case <-time.After(grace):
			return s.c.lost(s.p, err)
		}
	}
	return nil
}

// with opens a session and a stage for f, and ends it in order.
func (c *checker) with(ctx context.Context, p *process, st Stage, f func(*session, *instance) error) error {
	s, err := c.session(ctx, p)
	if err != nil {
		return err
	}
	in, err := s.open(st)
	if err == nil {
		err = f(s, in)
	}
	if s.spoiled.Load() {
		err = errSpoiled
	}
	if err != nil {
		s.kill()
		return err
	}
	return s.end()
}

// ended says why the stream has ended although nobody asked for it.
func (s *session) ended() error {
	<-s.gone
	if s.err == nil {
		return s.c.lost(s.p, errors.New("an end that the host had not asked for"))
	}
	return s.c.lost(s.p, s.err)
}

// number returns the next one. They are small: what large ones do is tried apart.
func (s *session) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.next << 8
}

// expect makes the exchange of a number known.
func (s *session) expect(number uint64, in *instance, do *wire.Do, turn turn) *exchange {
	x := &exchange{s: s, number: number, inst: in, do: do, in: make(chan *wire.Frame, 64), turn: turn}
	if do.GetResult() != nil {
		x.result, x.nexts = do.GetResult(), 1
	}
	s.mu.Lock()
	s.live[number] = x
	s.mu.Unlock()
	return x
}

// forget has frames of an exchange be strange from now on.
func (s *session) forget(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[x.number] == x {
		delete(s.live, x.number)
		s.old[x.number] = x.ended
	}
}

// ask sends a frame that is answered once.
func (s *session) ask(rule, what string, f *wire.Frame) (*wire.Frame, error) {
	f.Exchange = s.number()
	x := s.expect(f.Exchange, nil, nil, turnOther)
	x.once = rule
	defer s.forget(x)
	if err := s.send(f); err != nil {
		return nil, err
	}
	return x.await(rule, what)
}

// shut closes an instance.
func (s *session) shut(in *instance) error {
	f, err := s.ask("wire.close", "Close", closing(in.number))
	if err != nil {
		return err
	}
	switch {
	case f.GetClosed() == nil:
		return breach("wire.close", "Close was answered with %s", kindOf(f))
	case f.GetClosed().GetFailure() != "":
		return breach("wire.close", "closing stage %s failed: %s", in.stage.Name, host.Clean(f.GetClosed().GetFailure()))
	}
	return nil
}

func closing(number uint32) *wire.Frame {
	return &wire.Frame{Kind: &wire.Frame_Close{Close: &wire.Close{Instance: number}}}
}

// end closes the host's side, and waits for the plugin's.
func (s *session) end() error {
	defer s.cancel()
	select {
	case <-s.gone:
		return s.ended()
	default:
	}
	s.sending.Lock()
	_ = s.stream.CloseSend()
	s.sending.Unlock()
	select {
	case <-s.gone:
		if s.err != nil {
			return fmt.Errorf("%w", s.c.closed(s.p, s.err))
		}
		s.c.kept("wire.close")
		return nil
	case <-time.After(patience):
		return breach("wire.close", "the Session did not end within %s after the host had closed its side", patience)
	}
}

func (c *checker) closed(p *process, err error) error {
	if p.ends(parting) {
		return breach("wire.panic", "the process %s when its Session ended%s", p.trial.Ended(), p.trial.LastWords())
	}
	return breach("wire.close", "the Session ended with %q after the host had closed its side", status.Convert(err).Message())
}

// kill ends the session at once.
func (s *session) kill() {
	s.cancel()
	<-s.gone
}
