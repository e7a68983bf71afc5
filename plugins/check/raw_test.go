//go:build linux || darwin

package check

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// raw is a plugin by hand, from docs/plugins.md alone. It keeps to every rule, but for the one that bad names.
type raw struct {
	wire.UnimplementedPluginServer

	bad string

	mu       sync.Mutex
	sessions map[*rawSession]struct{}
	up       map[uint64]chan []byte // bodies that come apart
	down     map[uint64][]byte      // that go
	draining bool
	shared   map[uint32]*rawStage // instances of all sessions: wrong
	idle     chan struct{}        // closed: draining, and no session is left
}

// beRaw is the main of the plugin.
func beRaw(bad string) {
	p := &raw{bad: bad, sessions: map[*rawSession]struct{}{}, up: map[uint64]chan []byte{}, down: map[uint64][]byte{}, idle: make(chan struct{})}
	socket, dev := os.Getenv("LEAT_PLUGIN_DEV"), true
	if os.Getenv(wire.CookieKey) == wire.CookieValue || bad == "handshake by hand" && socket == "" {
		socket, dev = filepath.Join(os.Getenv(wire.SocketDirEnv), "raw.sock"), false
	}
	if socket == "" {
		fmt.Fprintln(os.Stderr, "raw is a plugin for leat")
		os.Exit(0)
	}
	if bad == "handshake elsewhere" && !dev {
		socket = filepath.Join(os.TempDir(), fmt.Sprintf("leat-check-raw-%d.sock", os.Getpid()))
		defer os.Remove(socket)
	}
	if bad == "mute" {
		select {}
	}
	if !dev {
		p.follow()
	}
	line := "1|" + p.version() + "|unix|" + socket + "|grpc|"
	switch {
	case dev:
		_ = os.Remove(socket)
	case bad == "stdout before":
		fmt.Println("raw 1.0 is starting")
	case bad == "handshake early":
		fmt.Println(line)
		time.Sleep(time.Second) // it is what is wrong with it
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if bad == "dev" {
		listener.(*net.UnixListener).SetUnlinkOnClose(false)
	}
	size := wire.MaxMessage
	if bad == "limits" {
		size = 1 << 20
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(wire.Codec{}), grpc.MaxRecvMsgSize(size))
	wire.RegisterPluginServer(server, p)
	if bad != "health" {
		h := health.NewServer()
		h.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_SERVING)
		grpc_health_v1.RegisterHealthServer(server, h)
	}
	ended := make(chan struct{})
	if bad != "shutdown" {
		server.RegisterService(controller(func() { close(ended) }), p)
	}
	p.heed(dev, listener)
	go func() {
		<-ended
		time.Sleep(20 * time.Millisecond) // the answer goes out first
		os.Exit(0)
	}()
	if !dev && bad != "handshake early" {
		fmt.Println(line)
	}
	_ = server.Serve(listener)
	select {}
}

// version chooses of the host's list.
func (p *raw) version() string {
	list := os.Getenv("PLUGIN_PROTOCOL_VERSIONS")
	if p.bad == "version" {
		return list
	}
	return "1"
}

// follow ends the process with its standard input.
func (p *raw) follow() {
	if p.bad == "lifeline deaf" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

// heed heeds signals.
func (p *raw) heed(dev bool, listener net.Listener) {
	if p.bad != "lifeline SIGINT" && !dev {
		signal.Ignore(syscall.SIGINT)
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	if dev {
		signal.Notify(term, syscall.SIGINT)
	}
	go func() {
		<-term
		if p.bad == "lifeline SIGTERM" && !dev {
			p.drain()
			return
		}
		if !dev {
			p.drain()
			<-p.idle
		}
		_ = listener.Close()
		os.Exit(0)
	}()
}

// instances is the table of a session.
func (p *raw) instances() map[uint32]*rawStage {
	if p.bad != "open shared" {
		return map[uint32]*rawStage{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared == nil {
		p.shared = map[uint32]*rawStage{}
	}
	return p.shared
}

// drain tells the hosts that nothing new is wanted.
func (p *raw) drain() {
	if p.bad == "draining at once" {
		os.Exit(0)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
	for s := range p.sessions {
		if p.bad != "draining" {
			s.send(&wire.Frame{Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}})
		}
	}
	if len(p.sessions) == 0 {
		close(p.idle)
	}
}

// controller is go-plugin's service that ends the process.
func controller(end func()) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{ServiceName: "plugin.GRPCController", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Shutdown",
		Handler: func(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			defer end()
			return &emptypb.Empty{}, dec(&emptypb.Empty{})
		},
	}}}
}

// body returns the place in which a body that comes apart is handed over.
func (p *raw) body(n uint64) chan []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.up[n] == nil {
		p.up[n] = make(chan []byte, 1)
	}
	return p.up[n]
}

// Upload implements wire.PluginServer.
func (p *raw) Upload(stream grpc.ClientStreamingServer[wire.Chunk, wire.UploadResponse]) error {
	var number uint64
	var data []byte
	for first := true; ; first = false {
		chunk, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if first {
			number = chunk.GetExchange()
		}
		data = append(data, chunk.GetData()...)
	}
	p.mu.Lock()
	known := p.up[number] != nil
	p.mu.Unlock()
	if !known && p.bad == "apart" {
		return fmt.Errorf("nobody waits for a body of exchange %d", number)
	}
	p.body(number) <- data
	return stream.SendAndClose(&wire.UploadResponse{})
}

// Download implements wire.PluginServer.
func (p *raw) Download(r *wire.DownloadRequest, stream grpc.ServerStreamingServer[wire.Chunk]) error {
	p.mu.Lock()
	data := p.down[r.GetExchange()]
	delete(p.down, r.GetExchange())
	p.mu.Unlock()
	size := 30 << 10
	if p.bad == "inline chunks" {
		size = 60 << 10
	}
	if p.bad == "apart short" {
		data = data[:len(data)-1]
	}
	for len(data) > 0 {
		n := min(len(data), size)
		if err := stream.Send(&wire.Chunk{Exchange: r.GetExchange(), Data: data[:n]}); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
