//go:build linux || darwin

package check

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// rawSession is one host's.
type rawSession struct {
	p      *raw
	stream grpc.BidiStreamingServer[wire.Batch, wire.Batch]

	sending sync.Mutex
	mu      sync.Mutex
	stages  map[uint32]*rawStage
	live    map[uint64]*rawExchange
	serial  sync.Mutex
}

// rawStage is an instance.
type rawStage struct {
	typ  string
	last bool // it is granted no response
	once bool // it is granted no retry
	busy sync.WaitGroup
}

// rawExchange is one of them.
type rawExchange struct {
	s    *rawSession
	st   *rawStage
	n    uint64
	do   *wire.Do
	in   chan *wire.Frame
	gone chan struct{}
}

// Session implements wire.PluginServer.
func (p *raw) Session(stream grpc.BidiStreamingServer[wire.Batch, wire.Batch]) error {
	s := &rawSession{p: p, stream: stream, stages: p.instances(), live: map[uint64]*rawExchange{}}
	p.mu.Lock()
	p.sessions[s] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.sessions, s)
		if p.draining && len(p.sessions) == 0 {
			close(p.idle)
		}
	}()
	for {
		batch, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if p.bad == "close stream" {
				<-stream.Context().Done()
			}
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range batch.GetFrames() {
			if err := s.take(f); err != nil {
				return err
			}
		}
	}
}

func (s *rawSession) send(frames ...*wire.Frame) {
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.stream.Send(&wire.Batch{Frames: frames})
}

// key is by what exchanges are kept.
func (s *rawSession) key(n uint64) uint64 {
	if s.p.bad == "numbers" {
		return uint64(float64(n)) // as JavaScript does
	}
	return n
}

func (s *rawSession) take(f *wire.Frame) error {
	n := s.key(f.GetExchange())
	switch k := f.GetKind().(type) {
	case *wire.Frame_Open:
		s.open(n, k.Open)
	case *wire.Frame_Close:
		s.mu.Lock()
		of := s.stages[k.Close.GetInstance()]
		delete(s.stages, k.Close.GetInstance())
		s.mu.Unlock()
		go func() {
			if of != nil && s.p.bad != "close" {
				of.busy.Wait()
			}
			if s.p.bad != "close unmade" || of != nil {
				s.send(&wire.Frame{Exchange: n, Kind: &wire.Frame_Closed{Closed: &wire.Closed{}}})
			}
		}()
	case *wire.Frame_Do:
		s.begin(n, k.Do)
	case *wire.Frame_Cancel:
		s.mu.Lock()
		x := s.live[n]
		delete(s.live, n)
		s.mu.Unlock()
		if x != nil {
			close(x.gone)
		}
	case *wire.Frame_Result, *wire.Frame_Awake, *wire.Frame_Body:
		s.mu.Lock()
		x := s.live[n]
		s.mu.Unlock()
		if x != nil {
			x.in <- f
		}
	case *wire.Frame_Ended:
		if s.p.bad == "ended" {
			s.send(&wire.Frame{Exchange: n, Kind: &wire.Frame_Return{Return: &wire.Return{}}})
		}
	case nil:
		if s.p.bad == "unknown" {
			return errors.New("a frame of no known kind")
		}
	}
	return nil
}

func (s *rawSession) open(n uint64, o *wire.Open) {
	out := &wire.Opened{Mistakes: mistakes(o.GetType(), o.GetConfig())}
	if out.Mistakes == nil || s.p.bad == "open" {
		out.Mistakes, out.Needs = nil, wire.NeedsTo(rawNeeds(o.GetType()))
		s.mu.Lock()
		g := o.GetGranted()
		less := g != nil && s.p.bad != "grants less"
		s.stages[o.GetInstance()] = &rawStage{typ: o.GetType(), last: less && g.GetResponse() == nil, once: less && !g.GetRetry()}
		s.mu.Unlock()
	}
	s.send(&wire.Frame{Exchange: n, Kind: &wire.Frame_Opened{Opened: out}})
}

func (s *rawSession) begin(n uint64, do *wire.Do) {
	s.mu.Lock()
	st := s.stages[do.GetInstance()]
	s.mu.Unlock()
	if st == nil {
		s.send(&wire.Frame{Exchange: n, Kind: &wire.Frame_Return{Return: &wire.Return{Error: &wire.Error{Kind: "internal", Message: "no such instance"}}}})
		return
	}
	x := &rawExchange{s: s, st: st, n: n, do: do, in: make(chan *wire.Frame, 8), gone: make(chan struct{})}
	s.mu.Lock()
	s.live[n] = x
	s.mu.Unlock()
	if s.p.bad == "do in turn" && st.typ == "last" { // it is what is wrong with it, as is the other sleep
		time.Sleep(250 * time.Millisecond)
	}
	st.busy.Go(func() {
		if s.p.bad == "do" {
			s.serial.Lock()
			defer s.serial.Unlock()
		}
		defer func() {
			if e := recover(); e != nil {
				if s.p.bad == "panic" {
					os.Exit(2)
				}
				x.end(&wire.Return{Error: &wire.Error{Kind: "internal", Panic: true, Message: fmt.Sprint(e)}})
			}
		}()
		x.run(st.typ)
	})
}

// say sends a frame, unless the exchange is over.
func (x *rawExchange) say(f *wire.Frame) {
	f.Exchange = x.n
	x.s.mu.Lock()
	defer x.s.mu.Unlock() // nothing goes out once Cancel was read
	if x.s.live[x.n] == x || strings.HasPrefix(x.s.p.bad, "cancel") {
		x.s.send(f)
	}
}

// ask sends one that is answered; nil: the exchange is over.
func (x *rawExchange) ask(f *wire.Frame) *wire.Frame {
	x.say(f)
	if x.s.p.bad == "left early" && x.do.GetDeadline() < int64(time.Second) {
		select {
		case a := <-x.in:
			return a
		case <-time.After(time.Duration(x.do.GetDeadline())):
			x.end(&wire.Return{Error: &wire.Error{Kind: "timeout"}})
			return nil
		}
	}
	select {
	case a := <-x.in:
		return a
	case <-x.gone:
		return nil
	}
}

func (x *rawExchange) end(r *wire.Return) {
	x.say(&wire.Frame{Kind: &wire.Frame_Return{Return: r}})
	if x.s.p.bad == "return" {
		x.say(&wire.Frame{Kind: &wire.Frame_Return{Return: r}})
	}
	x.forget()
}

func (x *rawExchange) forget() {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.s.live[x.n] == x {
		delete(x.s.live, x.n)
	}
}
