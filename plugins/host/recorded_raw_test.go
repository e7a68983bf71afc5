//go:build linux || darwin

package host

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// rawMessage is a message of any kind, as its bytes: a later protocol must not have a say in what an earlier SDK has sent.
type rawMessage []byte

func (m *rawMessage) SizeVT() int                                   { return len(*m) }
func (m *rawMessage) MarshalToSizedBufferVT(to []byte) (int, error) { return copy(to, *m), nil }
func (m *rawMessage) UnmarshalVT(data []byte) error {
	*m = append(rawMessage(nil), data...)
	return nil
}

// rawService serves the protocol's methods as streams of raw messages.
type rawService struct {
	goplugin.NetRPCUnsupportedPlugin

	serve func(method string, stream grpc.ServerStream) error
}

// rawMethods are those of the protocol: on the wire a call of one message is a stream of one.
func rawMethods() []string { return []string{"Describe", "Check", "Session", "Upload", "Download"} }

func rawMethod(method string) string { return "/leat.plugin.v1.Plugin/" + method }

// GRPCServer implements goplugin.GRPCPlugin.
func (r *rawService) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	desc := grpc.ServiceDesc{ServiceName: "leat.plugin.v1.Plugin", HandlerType: (*any)(nil)}
	for _, method := range rawMethods() {
		desc.Streams = append(desc.Streams, grpc.StreamDesc{
			StreamName: method, ClientStreams: true, ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error { return r.serve(method, stream) },
		})
	}
	s.RegisterService(&desc, r)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (*rawService) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("it is no host")
}

// serveRaw is the main of a plugin of that service.
func serveRaw(serve func(method string, stream grpc.ServerStream) error) {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{wire.ProtocolVersion: {wire.DispenseName: &rawService{serve: serve}}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.ForceServerCodecV2(wire.Codec{}), grpc.MaxRecvMsgSize(wire.MaxMessage))...)
		},
	})
}
