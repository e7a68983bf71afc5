package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// partingTime is how long a program under development waits for its hosts to leave.
const partingTime = 2 * time.Second

// develop serves on the socket of that path, for hosts that attach to a program which somebody else has started, as a debugger does. There is no
// handshake, and standard input is the program's own. It returns once it was interrupted, and leaves no socket.
func (p *program) develop(path string) error {
	listener, err := listen(path)
	if err != nil {
		return fmt.Errorf("%s=%s: %w", wire.DevEnv, path, err)
	}
	installTracing()
	server := p.server()
	g := grpc.NewServer(served.ServerOptions()...)
	wire.RegisterPluginServer(g, server)
	states := health.NewServer()
	states.SetServingStatus(plugin.GRPCServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(g, states)

	asked := make(chan os.Signal, 2)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-asked
		select {
		case <-server.Drain():
		case <-asked:
		case <-time.After(partingTime):
		}
		g.Stop() // closes the listener, which removes its socket
	}()
	fmt.Fprintf(p.stderr, "%s: waiting for leat at %s\n", p.name, path)
	return g.Serve(listener)
}

// listen makes the socket. One that a process has left behind is removed; one where somebody listens is not.
func listen(path string) (net.Listener, error) {
	info, err := os.Lstat(path) //nolint:gosec // the path is from who started the program
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSocket == 0:
		return nil, errors.New("there is a file that is no socket")
	default:
		if conn, err := new(net.Dialer).DialContext(context.Background(), "unix", path); err == nil {
			_ = conn.Close()
			return nil, errors.New("another process serves there: end it first")
		}
		if err := os.Remove(path); err != nil { //nolint:gosec // likewise
			return nil, err
		}
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { //nolint:gosec // likewise
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}
