//go:build linux || darwin

package host

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// badPlugin speaks the protocol without the SDK: each exchange does what its request's x-do names, which as a rule nobody may do. Its type
// "narrow" asks for little, "wide" for everything.
type badPlugin struct {
	wire.UnimplementedPluginServer
	goplugin.NetRPCUnsupportedPlugin
}

func (p *badPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	wire.RegisterPluginServer(s, p)
	return nil
}

func (*badPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("it is no host")
}

// beFault is the main of what the fault tests run, if args name one of it.
func beFault(args []string) bool {
	switch args[0] {
	case "as-good":
		beGood(args[1:])
	case "as-bad":
		beBad()
	case "as-fault-host":
		beFaultHost(args[1:])
	default:
		return false
	}
	return true
}

// beBad is the main of that plugin.
func beBad() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{wire.ProtocolVersion: {wire.DispenseName: &badPlugin{}}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.ForceServerCodecV2(wire.Codec{}))...)
		},
	})
}

func badNeeds(typ string) *wire.Needs {
	n := pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"x-do", "x-id"}, Edit: []string{"x-ok"}},
		Response: &pipeline.ResponseNeeds{Edit: []string{"x-ok"}},
	}
	if typ == "wide" {
		n.Request.Query, n.Request.Body, n.Request.Edit = true, pipeline.BodyFull, []string{"*", ":method", ":url", ":body"}
		n.Response = &pipeline.ResponseNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, Edit: []string{"*", ":status", ":body"}}
		n.Answer, n.Retry, n.Credentials = true, true, []string{"*"}
	}
	return wire.NeedsTo(n)
}

func (*badPlugin) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeResponse, error) {
	return &wire.DescribeResponse{Name: "bad", Version: "1", Sdk: "none", Types: []*wire.Type{
		{Name: "narrow", Needs: badNeeds("narrow")}, {Name: "wide", Needs: badNeeds("wide")},
	}}, nil
}

// bad is one exchange.
type bad struct {
	stream  grpc.BidiStreamingServer[wire.Batch, wire.Batch]
	mu      *sync.Mutex // of sending
	number  uint64
	results chan struct{}
}

// Session opens every stage, and has each exchange do what it is asked to.
func (*badPlugin) Session(stream grpc.BidiStreamingServer[wire.Batch, wire.Batch]) error {
	types, live, mu := map[uint32]string{}, map[uint64]*bad{}, &sync.Mutex{}
	for {
		batch, err := stream.Recv()
		if err != nil {
			return err
		}
		for _, f := range batch.GetFrames() {
			x := &bad{stream: stream, mu: mu, number: f.GetExchange(), results: make(chan struct{}, 8)}
			switch k := f.GetKind().(type) {
			case *wire.Frame_Open:
				types[k.Open.GetInstance()] = k.Open.GetType()
				x.send(&wire.Frame{Kind: &wire.Frame_Opened{Opened: &wire.Opened{Needs: badNeeds(k.Open.GetType())}}})
			case *wire.Frame_Close:
				x.send(&wire.Frame{Kind: &wire.Frame_Closed{Closed: &wire.Closed{}}})
			case *wire.Frame_Do:
				live[x.number] = x
				do := ""
				for _, h := range k.Do.GetRequest().GetHeaders() {
					if h.GetName() == "x-do" {
						do = string(h.GetValue())
					}
				}
				go x.do(do)
			case *wire.Frame_Result:
				if of := live[x.number]; of != nil {
					of.results <- struct{}{}
				}
			case *wire.Frame_Cancel:
				delete(live, x.number)
			}
		}
	}
}

func (x *bad) send(frames ...*wire.Frame) {
	for _, f := range frames {
		if f.GetExchange() == 0 {
			f.Exchange = x.number
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	_ = x.stream.Send(&wire.Batch{Frames: frames})
}

// raw sends bytes as a message, whatever they are.
func (x *bad) raw(data []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_ = x.stream.SendMsg(rawBytes(data))
}

// rawBytes is a message of those bytes.
type rawBytes []byte

func (b rawBytes) SizeVT() int                                   { return len(b) }
func (b rawBytes) MarshalToSizedBufferVT(to []byte) (int, error) { return copy(to, b), nil }
func (b rawBytes) UnmarshalVT([]byte) error                      { return errors.New("it is only sent") }

// framed puts a frame's bytes into a batch.
func framed(frame []byte) []byte {
	out := []byte{0x0a}
	for n := len(frame); ; n >>= 7 {
		if n < 0x80 {
			return append(append(out, byte(n)), frame...)
		}
		out = append(out, byte(n)|0x80)
	}
}

// pass is what a good exchange does.
func (x *bad) pass() {
	x.send(next(header("x-ok", "yes")))
	<-x.results
	x.send(back(&wire.Return{Edits: header("x-ok", strconv.Itoa(os.Getpid()))}))
}

// do does what the exchange is asked to; "after:" has next called before.
func (x *bad) do(what string) {
	if rest, ok := strings.CutPrefix(what, "after:"); ok {
		x.send(next(header("x-ok", "yes")))
		<-x.results
		if f := badReturns(rest); f != nil {
			x.send(f)
			return
		}
		what = rest
	}
	if f := badFrames(what); f != nil {
		x.send(f)
		return
	}
	switch what {
	case "strangers": // frames for exchanges that never were, or have ended long ago
		for _, n := range []uint64{math.MaxUint64, 1 << 60, x.number + 1<<17, x.number + 1, x.number - 1<<17, 5} {
			x.send(&wire.Frame{Exchange: n, Kind: back(&wire.Return{}).GetKind()})
		}
		x.pass()
	case "twice":
		x.pass()
		x.send(back(&wire.Return{Edits: header("x-ok", "again")}), next(nil), back(&wire.Return{}))
	case "double": // two words where one was its turn
		x.send(next(nil), next(nil))
	case "many":
		all := make([]*wire.Frame, 100)
		for i := range all {
			all[i] = next(nil)
		}
		x.send(all...)
	case "frame-garbage": // whose and what can be read, but no more
		x.raw(framed(append(numbered(x.number), 0x8a, 0x01, 0x02, 0xff, 0xff)))
	case "kind-unknown":
		x.raw(framed(append(numbered(x.number), 0xca, 0x01, 0x00))) // field 25
	case "kind-none":
		x.raw(framed(numbered(x.number)))
	case "batch-garbage":
		x.raw([]byte{0xff, 0xff, 0xff, 0xff, 0x01, 0x02})
	case "batch-short":
		x.raw([]byte{0x0a, 0x7f, 0x08})
	case "log-garbage":
		x.raw(framed([]byte{0xba, 0x01, 0x02, 0xff, 0xff})) // field 23
		x.pass()
	case "frame-long":
		x.raw(framed(append(numbered(x.number), make([]byte, wire.MaxFrame)...)))
	case "message-long":
		x.raw(make([]byte, wire.MaxMessage+1<<20))
	case "drains":
		x.send(&wire.Frame{Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}})
		x.pass()
	case "apart-never": // a body that is announced, and not to be had
		x.send(next(&wire.Edits{Body: &wire.Body{Apart: true, Length: 100}}))
	case "hang":
	default:
		x.pass()
	}
}

func numbered(n uint64) []byte {
	out := []byte{0x08}
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}
