package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
	"github.com/leatdev/leat/plugins/internal/wire"
)

const (
	benchHeader = "X-Sig"
	benchValue  = "c2lnbmF0dXJlIG9mIHNvbWUgYnl0ZXM="
)

// beBenchPlugin is the main of the processes that the benchmarks measure: plugins.Serve, or a go-plugin program as its users write one.
func beBenchPlugin(mode string) {
	switch mode {
	case "unary":
		goplugin.Serve(unaryConfig())
		return
	case "idle":
		if err := beIdleHost(os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	one := func(typ string, n pipeline.Needs) pipeline.Factory {
		return pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return benchStage, nil }).WithNeeds(n)
	}
	edit := []string{benchHeader}
	plugins.Serve(
		one("sign", pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: edit}}),
		one("digest", pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: edit, Body: pipeline.BodyDigest}}),
		one("full", pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: edit, Body: pipeline.BodyFull, BodyLimit: 2 << 20}}),
		one("calls", pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: edit}, Calls: true}),
	)
}

// benchStage sets a header.
func benchStage(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	req.Header.Set(benchHeader, benchValue)
	return next.RoundTrip(req)
}

// unary is what a user of go-plugin writes for the same job: one call of its own with generated messages, of the same data and for the same stage.
type unary struct {
	goplugin.NetRPCUnsupportedPlugin
}

type unaryServer interface {
	Do(ctx context.Context, d *wire.Do) (*wire.Next, error)
	Bare(d *wire.Do) *wire.Next
}

// Bare sets the header and does nothing else: no request is made, and no stage runs.
func (*unary) Bare(*wire.Do) *wire.Next {
	return &wire.Next{Last: true, Edits: &wire.Edits{Headers: []*wire.HeaderEdit{{Name: benchHeader, Values: [][]byte{[]byte(benchValue)}}}}}
}

// Do makes the request, has the stage change it, and tells what has changed.
func (*unary) Do(ctx context.Context, d *wire.Do) (*wire.Next, error) {
	given := http.Header{}
	for _, h := range d.GetRequest().GetHeaders() {
		given.Add(h.GetName(), string(h.GetValue()))
	}
	u, err := url.Parse(d.GetRequest().GetUrl())
	if err != nil {
		return nil, err
	}
	req := (&http.Request{Method: d.GetRequest().GetMethod(), URL: u, Host: u.Host, Header: given.Clone()}).WithContext(ctx)
	if _, err := benchStage(req, roundTripper(atOnce)); err != nil {
		return nil, err
	}
	out := &wire.Next{Last: true, Edits: &wire.Edits{}}
	for name, values := range req.Header {
		if slices.Equal(values, given[name]) {
			continue
		}
		edit := &wire.HeaderEdit{Name: name}
		for _, v := range values {
			edit.Values = append(edit.Values, []byte(v))
		}
		out.Edits.Headers = append(out.Edits.Headers, edit)
	}
	return out, nil
}

// GRPCServer implements goplugin.GRPCPlugin.
func (p *unary) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	handler := func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := &wire.Do{}
		if err := decode(in); err != nil {
			return nil, err
		}
		return srv.(unaryServer).Do(ctx, in)
	}
	bare := func(srv any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := &wire.Do{}
		if err := decode(in); err != nil {
			return nil, err
		}
		return srv.(unaryServer).Bare(in), nil
	}
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Unary", HandlerType: (*unaryServer)(nil), Methods: []grpc.MethodDesc{{MethodName: "Do", Handler: handler}, {MethodName: "Bare", Handler: bare}},
	}, p)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (*unary) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func unaryConfig() *goplugin.ServeConfig {
	return &goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BENCH", MagicCookieValue: "unary"},
		Plugins:         goplugin.PluginSet{"unary": &unary{}}, GRPCServer: goplugin.DefaultGRPCServer,
		Logger: hclog.NewNullLogger(),
	}
}

// startUnary starts the go-plugin program.
func startUnary(b *testing.B) (conn *grpc.ClientConn, pid int) {
	b.Helper()
	serve := unaryConfig()
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: serve.HandshakeConfig, Plugins: serve.Plugins, Cmd: exec.Command(self(b), "as-plugin", "bench", "unary"),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	b.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		b.Fatal(err)
	}
	raw, err := protocol.Dispense("unary")
	if err != nil {
		b.Fatal(err)
	}
	return raw.(*grpc.ClientConn), client.ReattachConfig().Pid
}

func self(tb testing.TB) string {
	tb.Helper()
	path, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// bench is a plugin in a process, and stages of it with calls to use them in.
type bench struct {
	host    *Host
	runner  *pipeline.Runner
	stages  map[string]pipeline.Stage // by pipeline
	held    chan *http.Request
	release chan struct{}
}

// Factory implements pipeline.PluginHost: it keeps the stages that the host makes.
func (n *bench) Factory(p pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	f, err := n.host.Factory(p, typ)
	if err != nil {
		return f, err
	}
	return pipeline.Define(f.Type(), StageConfig{typ: typ}, func(c StageConfig, s pipeline.Settings) (pipeline.Stage, error) {
		stage, err := f.Build(&c, s)
		n.stages[s.Pipeline] = stage
		return stage, err
	}), nil
}

const benchFile = `version = 1
[plugins.bench]
command = [%s, "as-plugin", "bench", "serve"]
env = ["GOMAXPROCS"]
`

// startBench opens one pipeline for each type; nothing runs yet.
func startBench(tb testing.TB, tracing trace.TracerProvider, types ...string) *bench {
	tb.Helper()
	n := &bench{
		host: New(WithLogger(slog.New(slog.DiscardHandler))), stages: map[string]pipeline.Stage{}, held: make(chan *http.Request), release: make(chan struct{}),
	}
	hold := pipeline.Define("hold", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			n.held <- req
			<-n.release
			return next.RoundTrip(req)
		}, nil
	})
	file := fmt.Sprintf(benchFile, strconv.Quote(self(tb)))
	for _, typ := range types {
		file += fmt.Sprintf("[stages.%s]\nuse = \"bench/%s\"\n[pipelines.%s]\nbase_url = \"https://upstream.test\"\ntimeout = \"10m\"\nstages = [\"hold\", %q]\n", typ, typ, typ, typ)
	}
	if tracing == nil {
		tracing = noop.NewTracerProvider()
	}
	var err error
	n.runner, err = pipeline.OpenBytes(tb.Context(), "bench.toml", []byte(file), pipeline.WithEnviron(nil), pipeline.WithPlugins(n), pipeline.WithStages(hold),
		pipeline.WithTransport("*", roundTripper(atOnce)), pipeline.WithTracerProvider(tracing), pipeline.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		close(n.release)
		_ = n.runner.Close()
		_ = n.host.Close()
	})
	return n
}

// pid returns that of the plugin's process.
func (n *bench) pid() int {
	n.host.mu.Lock()
	defer n.host.mu.Unlock()
	for _, p := range n.host.procs {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.life != nil {
			return p.life.pid()
		}
	}
	return 0
}

var benchResponse = &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}

func atOnce(*http.Request) (*http.Response, error) { return benchResponse, nil }

// caller is one who has a call under way and uses the stage of its pipeline, again and again, with a next that answers at once.
type caller struct {
	req   *http.Request
	stage pipeline.Stage
	next  http.RoundTripper
}

// callers makes some, and has the stage answer once.
func (n *bench) callers(tb testing.TB, typ string, count int) []*caller {
	tb.Helper()
	p, err := n.runner.Pipeline(typ)
	if err != nil {
		tb.Fatal(err)
	}
	list := make([]*caller, count)
	for i := range list {
		go func() {
			req, _ := http.NewRequest(http.MethodGet, "https://upstream.test/posts/1", nil)
			resp, err := p.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
		}()
		held := <-n.held
		list[i] = &caller{req: benchRequest(held.Context()), stage: n.stages[typ], next: roundTripper(atOnce)}
		if err := list[i].do(); err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

// benchRequest has ten headers.
func benchRequest(ctx context.Context) *http.Request {
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://upstream.test/posts/1", nil)
	for name, value := range map[string]string{
		"Accept": "application/json", "Accept-Language": "en-GB,en;q=0.9", "User-Agent": "bench/1.0 (linux; amd64)", "Content-Type": "application/json",
		"X-Request-Id": "0f8fad5b-d9cb-469f-a165-70867728950e", "X-Tenant": "acme", "X-Region": "eu-central-1", "If-None-Match": `"33a64df551425fcc55e4d42a148795d9f25f89d4"`,
		"Cache-Control": "no-cache", "X-Client-Version": "2026.11.1",
	} {
		req.Header.Set(name, value)
	}
	return req
}

// do is one exchange.
func (c *caller) do() error {
	delete(c.req.Header, benchHeader)
	_, err := c.stage.Do(c.req, c.next)
	if err == nil && c.req.Header[benchHeader][0] != benchValue {
		err = fmt.Errorf("the header was not set: %v", c.req.Header)
	}
	return err
}

// unaryCaller does the same by a call of the go-plugin program.
type unaryCaller struct {
	req    *http.Request
	conn   *grpc.ClientConn
	method string
}

func (c *unaryCaller) do() error {
	delete(c.req.Header, benchHeader)
	deadline, _ := c.req.Context().Deadline()
	d := &wire.Do{
		Instance: 1, Timeout: int64(5 * time.Second), Deadline: int64(time.Until(deadline)),
		Request: &wire.Request{Method: c.req.Method, Url: c.req.URL.String(), Headers: wire.HeadersTo(nil, c.req.Header, nil), Replayable: true},
		Call:    wire.CallTo(&pipeline.CallState{Pipeline: "sign", Bound: 10 * time.Minute, CallProgress: pipeline.CallProgress{Elapsed: time.Second}}, nil),
	}
	n := &wire.Next{}
	if err := c.conn.Invoke(c.req.Context(), c.method, d, n); err != nil {
		return err
	}
	for _, h := range n.GetEdits().GetHeaders() {
		c.req.Header.Set(h.GetName(), string(h.GetValues()[0]))
	}
	if c.req.Header[benchHeader][0] != benchValue {
		return fmt.Errorf("the header was not set: %v", c.req.Header)
	}
	return nil
}

// unaryCallers call "Do", or "Bare".
func unaryCallers(b *testing.B, conn *grpc.ClientConn, method string, count int) []*unaryCaller {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	b.Cleanup(cancel)
	list := make([]*unaryCaller, count)
	for i := range list {
		list[i] = &unaryCaller{req: benchRequest(ctx), conn: conn, method: "/bench.Unary/" + method}
		if err := list[i].do(); err != nil {
			b.Fatal(err)
		}
	}
	return list
}
