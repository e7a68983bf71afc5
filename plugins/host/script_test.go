package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// script is the plugin's side of the protocol, frame by frame: each exchange is one call of do. It serves in this process.
type script struct {
	wire.UnimplementedPluginServer

	t     testing.TB
	needs *wire.Needs // of its one type
	do    func(*said) // one exchange

	opened func(*wire.Open) *wire.Opened // nil: with needs
	ended  func(*wire.Ended)
	closed func(*wire.Close) *wire.Closed

	mu      sync.Mutex
	live    map[uint64]*said
	uploads map[uint64]chan []byte
	bodies  map[uint64][]byte
	streams []*scriptStream
	opens   []*wire.Open
	running sync.WaitGroup
}

// scriptStream is one session of it.
type scriptStream struct {
	pipe *wire.Pipe
	cut  chan struct{} // closed: the stream breaks
}

// said is an exchange as the plugin has it.
type said struct {
	p         *script
	stream    *scriptStream
	number    uint64
	do        *wire.Do
	in        chan *wire.Frame
	cancelled chan struct{}
	once      sync.Once
}

// whole has handle called with frames that nobody else reads.
func whole(handle func(*wire.Frame)) func(wire.Raw) error {
	return func(raw wire.Raw) error {
		f := &wire.Frame{}
		if err := f.UnmarshalVT(raw.Data); err != nil {
			return err
		}
		handle(f)
		return nil
	}
}

// Session implements wire.PluginServer.
func (p *script) Session(stream grpc.BidiStreamingServer[wire.Batch, wire.Batch]) error {
	s := &scriptStream{pipe: wire.NewPipe(stream), cut: make(chan struct{})}
	p.mu.Lock()
	p.streams = append(p.streams, s)
	p.mu.Unlock()
	done, wrote, read := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() { _ = s.pipe.Write(done); close(wrote) }()
	go func() { read <- s.pipe.ReadRaw(whole(func(f *wire.Frame) { p.handle(s, f) })) }()
	var err error
	select {
	case err = <-read:
	case <-s.cut:
		err = errors.New("cut")
	}
	p.mu.Lock()
	for n, x := range p.live {
		if x.stream == s {
			delete(p.live, n)
			x.stop()
		}
	}
	p.mu.Unlock()
	p.running.Wait()
	close(done)
	<-wrote
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (p *script) handle(s *scriptStream, f *wire.Frame) {
	switch k := f.GetKind().(type) {
	case *wire.Frame_Open:
		p.mu.Lock()
		p.opens = append(p.opens, k.Open)
		p.mu.Unlock()
		answer := &wire.Opened{Needs: p.needs}
		if p.opened != nil {
			answer = p.opened(k.Open)
		}
		if answer != nil {
			p.send(s, f.GetExchange(), &wire.Frame{Kind: &wire.Frame_Opened{Opened: answer}})
		}
	case *wire.Frame_Close:
		answer := &wire.Closed{}
		if p.closed != nil {
			answer = p.closed(k.Close)
		}
		p.send(s, f.GetExchange(), &wire.Frame{Kind: &wire.Frame_Closed{Closed: answer}})
	case *wire.Frame_Ended:
		if p.ended != nil {
			p.ended(k.Ended)
		}
	case *wire.Frame_Do:
		x := &said{p: p, stream: s, number: f.GetExchange(), do: k.Do, in: make(chan *wire.Frame, 8), cancelled: make(chan struct{})}
		p.mu.Lock()
		p.live[x.number] = x
		p.mu.Unlock()
		p.running.Go(func() { p.do(x) })
	case *wire.Frame_Cancel:
		p.mu.Lock()
		x := p.live[f.GetExchange()]
		delete(p.live, f.GetExchange())
		p.mu.Unlock()
		if x != nil {
			x.stop()
		}
	default:
		p.mu.Lock()
		x := p.live[f.GetExchange()]
		p.mu.Unlock()
		if x != nil {
			x.in <- f
		}
	}
}

func (p *script) send(s *scriptStream, number uint64, f *wire.Frame) {
	f.Exchange = number
	_ = s.pipe.Send(f)
}

// Upload implements wire.PluginServer.
func (p *script) Upload(stream grpc.ClientStreamingServer[wire.Chunk, wire.UploadResponse]) error {
	var data []byte
	var number uint64
	for {
		c, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(c.GetData()) > wire.MaxChunk {
			p.t.Errorf("a chunk of %d bytes", len(c.GetData()))
		}
		number, data = number|c.GetExchange(), append(data, c.GetData()...)
	}
	p.uploaded(number) <- data
	return stream.SendAndClose(&wire.UploadResponse{})
}

func (p *script) uploaded(number uint64) chan []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uploads[number] == nil {
		p.uploads[number] = make(chan []byte, 1)
	}
	return p.uploads[number]
}

// Download implements wire.PluginServer.
func (p *script) Download(r *wire.DownloadRequest, stream grpc.ServerStreamingServer[wire.Chunk]) error {
	p.mu.Lock()
	data := p.bodies[r.GetExchange()]
	p.mu.Unlock()
	for len(data) > 0 {
		n := min(len(data), wire.MaxChunk)
		if err := stream.Send(&wire.Chunk{Data: data[:n]}); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// offer has Download give a body.
func (p *script) offer(number uint64, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bodies[number] = data
}

// cut breaks the sessions, as a crash does.
func (p *script) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.streams {
		close(s.cut)
	}
	p.streams = nil
}

func (x *said) stop() { x.once.Do(func() { close(x.cancelled) }) }

func (x *said) send(f *wire.Frame) { x.p.send(x.stream, x.number, f) }

// ask sends a frame and returns the answer, nil where the exchange was cancelled.
func (x *said) ask(f *wire.Frame) *wire.Frame {
	x.send(f)
	select {
	case answer := <-x.in:
		return answer
	case <-x.cancelled:
		return nil
	}
}

func (x *said) next(n *wire.Next) *wire.Result {
	return x.ask(&wire.Frame{Kind: &wire.Frame_Next{Next: n}}).GetResult()
}

func (x *said) last(e *wire.Edits) {
	x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Edits: e, Last: true}}})
}

func (x *said) ret(r *wire.Return) { x.send(&wire.Frame{Kind: &wire.Frame_Return{Return: r}}) }

func (x *said) read() *wire.Body {
	return x.ask(&wire.Frame{Kind: &wire.Frame_Read{Read: &wire.Read{}}}).GetBody()
}

func (x *said) log(l *wire.Log) { x.send(&wire.Frame{Kind: &wire.Frame_Log{Log: l}}) }

// header returns what the plugin sees of a request's header.
func (x *said) header(name string) string { return valueOfHeader(x.do.GetRequest().GetHeaders(), name) }

func valueOfHeader(list []*wire.Header, name string) string {
	var values []string
	for _, h := range list {
		if h.GetName() == name {
			values = append(values, string(h.GetValue()))
		}
	}
	return strings.Join(values, ",")
}

func set(name, value string) *wire.Edits {
	return &wire.Edits{Headers: []*wire.HeaderEdit{{Name: name, Values: [][]byte{[]byte(value)}}}}
}

// scene is a pipeline with one stage that a script serves.
type scene struct {
	t        testing.TB
	script   *script
	plugin   *scenePlugin
	stage    *stage
	pipeline *pipeline.Pipeline
	runner   *pipeline.Runner
	logs     *lockedText
	granted  *pipeline.Needs
}

// lockedText is a writer whose text can be read meanwhile.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// scenePlugin makes a session where there is none.
type scenePlugin struct {
	conn    *grpc.ClientConn
	opts    sessionOptions
	mu      sync.Mutex
	session *session
	all     []*session
	fails   error
	left    int
	once    bool // it makes no second session
}

func (p *scenePlugin) acquire(context.Context) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails != nil {
		return nil, p.fails
	}
	if p.session != nil && p.session.usable() {
		return p.session, nil
	}
	if p.session != nil && p.once {
		return nil, &pipeline.Error{Kind: pipeline.KindPlugin, Reason: classCrash, Message: "plugin signer crashed"}
	}
	s, err := newSession(p.conn, p.opts)
	if err != nil {
		return nil, err
	}
	p.session = s
	p.all = append(p.all, s)
	return s, nil
}

func (p *scenePlugin) leave() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left++
	return nil
}

func (p *scenePlugin) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.all {
		s.close()
	}
}

// Factory implements pipeline.PluginHost.
func (sc *scene) Factory(_ pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	return pipeline.Define("signer/"+typ, StageConfig{typ: typ}, func(c StageConfig, s pipeline.Settings) (pipeline.Stage, error) {
		o := stageOptions{plugin: sc.plugin, name: "signer", typ: typ, config: c.JSON(), settings: s, granted: sc.granted, start: 10 * time.Second}
		st, err := newStage(o)
		if err != nil {
			return nil, err
		}
		sc.stage = st.(*stage)
		return st, nil
	}), nil
}

// sceneOptions are what a scene is made of beside the script.
type sceneOptions struct {
	granted     *pipeline.Needs
	table       string // further keys of the stage's table
	file        string // further tables
	stages      string // of the pipeline
	maxInFlight int
	options     []pipeline.Option
}

const sceneFile = `version = 1
[plugins.signer]
command = ["signer"]
[pipelines.api]
base_url = "https://upstream.test"
stages = [%s]
%s
[stages.sign]
use = "signer/hmac"
%s
`

// roundTripper lets a function be the upstream.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answering is an upstream that says what it got of a request.
func answering(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	text := fmt.Sprintf("%s %s sig=%s body=%s", req.Method, req.URL, req.Header.Get("X-Sig"), body)
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"X-Up": {"yes"}, "Set-Cookie": {"secret=1"}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)), Request: req,
	}, nil
}

// newScene opens a pipeline whose only stage do serves.
func newScene(t testing.TB, needs pipeline.Needs, upstream roundTripper, do func(*said), change ...func(*sceneOptions)) *scene {
	t.Helper()
	o := sceneOptions{maxInFlight: 64, stages: `"sign"`}
	for _, f := range change {
		f(&o)
	}
	sc := &scene{t: t, logs: &lockedText{}, granted: o.granted}
	sc.script = &script{
		t: t, needs: wire.NeedsTo(needs), do: do, live: map[uint64]*said{}, uploads: map[uint64]chan []byte{}, bodies: map[uint64][]byte{},
	}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.ForceServerCodecV2(wire.Codec{}), grpc.MaxRecvMsgSize(wire.MaxMessage))
	wire.RegisterPluginServer(server, sc.script)
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	conn, err := grpc.NewClient("passthrough:///script", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{}), grpc.MaxCallRecvMsgSize(wire.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(sc.logs, nil))
	sc.plugin = &scenePlugin{conn: conn, opts: sessionOptions{
		plugin: "signer", maxInFlight: o.maxInFlight, spawn: func(f func()) { go f() }, logger: logger, redactor: redact.New(redact.Rules{}),
	}}
	t.Cleanup(func() {
		sc.plugin.close()
		_ = conn.Close()
		server.Stop()
		<-served
	})
	opts := append([]pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithLogger(logger), pipeline.WithPlugins(sc), pipeline.WithTransport("*", upstream),
	}, o.options...)
	sc.runner, err = pipeline.OpenBytes(t.Context(), "p.toml", fmt.Appendf(nil, sceneFile, o.stages, o.file, o.table), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sc.runner.Close() })
	if sc.pipeline, err = sc.runner.Pipeline("api"); err != nil {
		t.Fatal(err)
	}
	return sc
}

// request makes one with a deadline of its own: a test that hangs is to fail.
func (sc *scene) request(method, url string, body io.Reader) *http.Request {
	sc.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	sc.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		sc.t.Fatal(err)
	}
	return req
}

// get sends a request and returns the answer's body.
func (sc *scene) get(req *http.Request) (resp *http.Response, body string, err error) {
	sc.t.Helper()
	resp, err = sc.pipeline.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func (sc *scene) simple() *http.Request {
	return sc.request(http.MethodGet, "https://upstream.test/a?q=1", nil)
}

// failure is the *pipeline.Error that err must be.
func (sc *scene) failure(err error) *pipeline.Error {
	sc.t.Helper()
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		sc.t.Fatalf("got %v, want a *pipeline.Error", err)
	}
	return e
}

func withTable(text string) func(*sceneOptions) { return func(o *sceneOptions) { o.table = text } }
func withInFlight(n int) func(*sceneOptions)    { return func(o *sceneOptions) { o.maxInFlight = n } }
func withOptions(opts ...pipeline.Option) func(*sceneOptions) {
	return func(o *sceneOptions) { o.options = append(o.options, opts...) }
}
