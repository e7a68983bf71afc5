//go:build linux || darwin

package host

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// rawPlugin is a plugin without the SDK: what a program in another language could be.
type rawPlugin struct {
	wire.UnimplementedPluginServer
	goplugin.NetRPCUnsupportedPlugin

	describe *wire.DescribeResponse
	drains   bool
	breaks   bool
	slow     time.Duration
	ponders  time.Duration // what it takes to judge a config
	greed    *wire.Needs   // that every config has
	refuses  error         // to say what it serves
	scolds   error         // whoever asks it about a config
}

func (p *rawPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	wire.RegisterPluginServer(s, p)
	return nil
}

func (*rawPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

func (p *rawPlugin) Describe(ctx context.Context, _ *wire.DescribeRequest) (*wire.DescribeResponse, error) {
	if p.refuses != nil {
		return nil, p.refuses
	}
	return p.describe, after(ctx, p.slow)
}

// Check finds nothing wrong.
func (p *rawPlugin) Check(ctx context.Context, _ *wire.CheckRequest) (*wire.CheckResponse, error) {
	if p.scolds != nil {
		return nil, p.scolds
	}
	return &wire.CheckResponse{Needs: p.greed}, after(ctx, p.ponders)
}

// after waits, as long as somebody wants the answer.
func after(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Session opens any stage and lets every request pass.
func (p *rawPlugin) Session(stream grpc.BidiStreamingServer[wire.Batch, wire.Batch]) error {
	if p.breaks {
		return status.Error(codes.Internal, "the stream broke")
	}
	if p.drains {
		if err := stream.Send(&wire.Batch{Frames: []*wire.Frame{{Kind: &wire.Frame_Draining{Draining: &wire.Draining{}}}}}); err != nil {
			return err
		}
	}
	for {
		batch, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range batch.GetFrames() {
			answer := &wire.Frame{Exchange: f.GetExchange()}
			switch f.GetKind().(type) {
			case *wire.Frame_Open:
				answer.Kind = &wire.Frame_Opened{Opened: &wire.Opened{Needs: wire.NeedsTo(pipeline.Needs{})}}
			case *wire.Frame_Do:
				answer.Kind = &wire.Frame_Next{Next: &wire.Next{Last: true}}
			case *wire.Frame_Close:
				answer.Kind = &wire.Frame_Closed{Closed: &wire.Closed{}}
			default:
				continue
			}
			if err := stream.Send(&wire.Batch{Frames: []*wire.Frame{answer}}); err != nil {
				return err
			}
		}
	}
}

// bePlugin is the main of the plugin: mode says how it misbehaves.
func bePlugin(mode string, args []string) {
	p := &rawPlugin{describe: &wire.DescribeResponse{
		Name: "raw", Version: "1", Sdk: "none", Types: []*wire.Type{{Name: "pass", Needs: wire.NeedsTo(pipeline.Needs{})}},
	}}
	version := wire.ProtocolVersion
	handshake := goplugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue}
	switch mode {
	case "noise":
		fmt.Println("Hello from init")
	case "exit":
		fmt.Fprintln(os.Stderr, "no licence file")
		fmt.Fprintln(os.Stderr, "token=abcdefghijklmnop")
		os.Exit(3)
	case "exit-unless":
		if _, err := os.Stat(args[0]); err != nil {
			os.Exit(4)
		}
	case "cookie":
		handshake.MagicCookieValue = "another"
	case "version":
		version = 7
	case "older":
		version = 0
	case "requires":
		p.describe.Requires = []string{"time-travel"}
	case "wants":
		p.describe.Types[0].Needs = wire.NeedsTo(pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"x-extra"}}})
	case "greedy":
		p.greed = wire.NeedsTo(pipeline.Needs{Retry: true})
	case "tells":
		key := os.Getenv("RAW_KEY")
		p.describe.Name, p.describe.Version, p.describe.Sdk, p.describe.Types[0].Doc = "raw with "+key, "1+"+key, "none but "+key, "passes with "+key
		p.scolds = status.Error(codes.Internal, "no config is good enough for "+key)
	case "refuses":
		p.refuses = status.Error(codes.Internal, "nobody with the key "+os.Getenv("RAW_KEY")+" is served")
	case "untyped":
		p.describe.Types = nil
	case "silent":
		select {}
	case "slow":
		p.slow = time.Hour
	case "ponders":
		p.ponders, _ = time.ParseDuration(args[0])
		fmt.Fprintln(os.Stderr, "asking the licence server")
	case "drains":
		p.drains = true
	case "breaks":
		p.breaks = true
	case "env":
		_ = os.WriteFile(args[0], []byte(strings.Join(os.Environ(), "\n")), 0o600)
	case "stderr":
		os.Stderr.WriteString(strings.ReplaceAll(args[0], "LONG", strings.Repeat("x", 10<<20)))
	case "later":
		slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
		log.Print("straight") // this logger holds the descriptor; go-plugin takes the name os.Stderr
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	}
	go func() {
		if mode == "deaf" {
			return
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if mode == "deaf" {
		defer func() { select {} }()
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{version: {wire.DispenseName: p}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.ForceServerCodecV2(wire.Codec{}))...)
		},
	})
}

// planOf is the plan of a plugin in that mode.
func planOf(t *testing.T, mode string, args ...string) pipeline.PluginPlan {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.PluginPlan{
		Name: "raw", File: "pipelines.toml", Dir: t.TempDir(),
		Config: pipeline.PluginConfig{Command: append([]string{self, "as-plugin", mode}, args...), StartTimeout: 20 * time.Second, MaxInFlight: 8},
	}
}

// quick are times for tests that wait for them.
func quick() times {
	v := defaultTimes()
	v.backoff, v.most, v.grace, v.kill, v.ping, v.drain, v.settle = 5*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond, 500*time.Millisecond, time.Second, 100*time.Millisecond
	return v
}

// newHost makes a host that is closed with the test.
func newHost(t *testing.T, opts ...Option) *Host {
	t.Helper()
	h := New(append([]Option{WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	h.times = quick()
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// joined returns a runner's handle of a plugin; it is left with the test.
func joined(t *testing.T, h *Host, p pipeline.PluginPlan) *handle {
	t.Helper()
	of := h.handleOf(p, pipeline.Settings{})
	of.join()
	t.Cleanup(func() {
		if err := of.leave(); err != nil {
			t.Error(err)
		}
	})
	return of
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// acquired returns a session, or fails the test.
func acquired(t *testing.T, of *handle) *session {
	t.Helper()
	s, err := of.acquire(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *handle) pid() int { return h.current.Load().life.pid() }
