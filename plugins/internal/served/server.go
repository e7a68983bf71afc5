// Package served runs the stages of a plugin for its host: it is the far end of package plugins/host, and what plugins.Serve serves.
package served

import (
	"context"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Options are a program's part of a Server.
type Options struct {
	Name    string             // of the program
	Version string             // of the program
	Around  func(run func())   // runs the life of each session; nil: calls run
	Random  func() float64     // draws jitter for stages; nil: math/rand/v2
	Stages  []pipeline.Factory // each type once
}

// Server implements the protocol's service. It is safe for concurrent use.
type Server struct {
	wire.UnimplementedPluginServer

	opts   Options
	bodies *bodies

	mu       sync.Mutex
	sessions map[*session]struct{}
	draining bool
	idle     chan struct{} // closed: draining, and no session is left
}

// New makes a server. It starts nothing.
func New(o Options) *Server {
	return &Server{opts: o, bodies: newBodies(), sessions: map[*session]struct{}{}, idle: make(chan struct{})}
}

// Describe tells what is served.
func (s *Server) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeResponse, error) {
	out := &wire.DescribeResponse{Name: s.opts.Name, Version: s.opts.Version, Sdk: "go " + SDKVersion()}
	for _, f := range s.opts.Stages {
		schema, err := Schema(f)
		if err != nil {
			return nil, status.Errorf(codes.Internal, "type %s: %v", f.Type(), err)
		}
		out.Types = append(out.Types, &wire.Type{Name: f.Type(), Doc: Doc(f), Schema: schema, Needs: wire.NeedsTo(f.MostNeeds())})
	}
	return out, nil
}

// Doc returns what the config of a type says about it, by a method Doc() string; "" if it has none.
func Doc(f pipeline.Factory) string {
	if d, ok := f.Config().(interface{ Doc() string }); ok {
		return d.Doc()
	}
	return ""
}

// SDKVersion returns the version of this module that the program was built with.
func SDKVersion() string {
	const module = "github.com/leatdev/leat"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	if info.Main.Path == module && info.Main.Version != "" {
		return info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "(devel)"
}

// Check judges a config.
func (s *Server) Check(_ context.Context, r *wire.CheckRequest) (*wire.CheckResponse, error) {
	f, ok := s.factory(r.GetType())
	if !ok {
		return nil, status.Errorf(codes.NotFound, "there is no type %q", r.GetType())
	}
	cfg, mistakes := decode(f, r.GetConfig())
	if len(mistakes) > 0 {
		return &wire.CheckResponse{Mistakes: mistakes}, nil
	}
	return &wire.CheckResponse{Needs: wire.NeedsTo(f.NeedsOf(cfg))}, nil
}

func (s *Server) factory(typ string) (pipeline.Factory, bool) {
	for _, f := range s.opts.Stages {
		if f.Type() == typ {
			return f, true
		}
	}
	return pipeline.Factory{}, false
}

// Session runs the exchanges of one host until it ends the stream.
func (s *Server) Session(stream grpc.BidiStreamingServer[wire.Batch, wire.Batch]) error {
	ss := newSession(s, stream)
	s.enter(ss)
	defer s.leave(ss)
	return ss.serve()
}

// Upload takes a body, and returns once the exchange has it that it is for.
func (s *Server) Upload(stream grpc.ClientStreamingServer[wire.Chunk, wire.UploadResponse]) error {
	if err := s.bodies.take(stream); err != nil {
		return err
	}
	return stream.SendAndClose(&wire.UploadResponse{})
}

// Download gives a body that a frame has announced.
func (s *Server) Download(r *wire.DownloadRequest, stream grpc.ServerStreamingServer[wire.Chunk]) error {
	return s.bodies.give(r.GetExchange(), stream)
}

// Drain tells the hosts to begin nothing new; the channel is closed once all of them have left.
func (s *Server) Drain() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		for ss := range s.sessions {
			ss.drain()
		}
		s.settle()
	}
	return s.idle
}

func (s *Server) enter(ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[ss] = struct{}{}
	if s.draining {
		ss.drain()
	}
}

func (s *Server) leave(ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, ss)
	s.settle()
}

// settle is called with s.mu held.
func (s *Server) settle() {
	if !s.draining || len(s.sessions) > 0 {
		return
	}
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}

// ServerOptions are what a gRPC server needs that a Server is registered with.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(wire.Codec{}), grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.InitialWindowSize(1 << 20), grpc.InitialConnWindowSize(4 << 20),
	}
}
