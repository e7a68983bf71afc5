// Package plugintest runs stages in a test as a plugin's host does: over the protocol, both ends of it in the test's own process. It is a
// package of its own so that no plugin links a host.
package plugintest

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Factory returns a factory of f's type whose stages are f's at the other end of a real connection: they see and may do what their needs
// say, and nothing else. Its type is f's, so that the tests of a stage are the same for both: give either to pipeline.WithStages. Its config
// is the table that a file has, which f's judges as it always does. What it starts ends with the test; close the runners before.
func Factory(t testing.TB, f pipeline.Factory) pipeline.Factory {
	t.Helper()
	cc := connect(t, f)
	out, err := host.Direct(t.Context(), cc, "test", f.Type())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// connect serves f's stages and returns a connection to them.
func connect(t testing.TB, f pipeline.Factory) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(served.ServerOptions()...)
	wire.RegisterPluginServer(server, served.New(served.Options{Name: "test", Version: "test", Stages: []pipeline.Factory{f}}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // it ends as the test does
	}()
	cc, err := grpc.NewClient("passthrough:test",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{}), grpc.MaxCallRecvMsgSize(wire.MaxMessage)),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cc.Close()
		server.Stop()
		<-ended
	})
	return cc
}
