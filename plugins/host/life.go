package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// life is one OS process of a plugin, and the connection to it.
type life struct {
	run    *launch
	far    *far // of a process that the host has not started; then there are no client and no folder
	client *goplugin.Client
	conn   grpc.ClientConnInterface
	iface  *Interface
	folder *socketFolder
	born   time.Time

	retired    chan struct{}
	retireOnce sync.Once
	stopOnce   sync.Once
	stopping   atomic.Bool // by the host
	pinging    atomic.Bool
	doubt      doubt
	made       atomic.Pointer[grpc.ClientConn]
	why        atomic.Pointer[string] // why the host has killed it
}

// dispenser takes the connection out of go-plugin's hands.
type dispenser struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer implements goplugin.GRPCPlugin; a host serves nothing.
func (dispenser) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements goplugin.GRPCPlugin.
func (dispenser) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// start starts a plugin's process, and returns once it has answered Describe. The error is for people; it says what was wrong and what
// the process said.
func (h *Host) start(ctx context.Context, plan pipeline.PluginPlan, logs *logs) (*life, error) {
	if socket, ok := h.attachTo[plan.Name]; ok {
		return h.attach(ctx, plan, socket, logs)
	}
	if !supported {
		return nil, lasting{errors.New("plugins run on Linux and macOS only for now")}
	}
	ctx, cancel := context.WithTimeout(ctx, plan.Config.StartTimeout)
	defer cancel()
	defer h.tell(plan)()
	pins, err := h.known.pins(plan)
	if err != nil {
		return nil, lasting{err}
	}
	h.sweeping.Do(sweepAll)
	folder, err := newSocketFolder()
	if err != nil {
		return nil, fmt.Errorf("make a folder for its socket: %w", err)
	}
	logs = logs.fresh()
	l := &life{run: newLaunch(plan, pins, folder.path, logs), folder: folder, born: time.Now(), retired: make(chan struct{})}
	h.launches.add(l.run)
	l.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{wire.ProtocolVersion: {wire.DispenseName: dispenser{}}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			l.run.handshake = cmd.Env
			return l.run, nil
		},
		AutoMTLS:         plan.Config.TLS,
		StartTimeout:     plan.Config.StartTimeout + time.Minute, // ours comes first
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		SkipHostEnv:      true,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: folder.path},
		SyncStdout:       logs.stream("stdout"),
		SyncStderr:       logs.stream("stderr"),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{}), grpc.MaxCallRecvMsgSize(wire.MaxMessage)),
			grpc.WithStreamInterceptor(l.keep),
			grpc.WithIdleTimeout(0), // the socket is removed: there is no second connection
			grpc.WithInitialWindowSize(1 << 20), grpc.WithInitialConnWindowSize(4 << 20),
		},
	})
	if err := l.greet(ctx, h, plan); err != nil {
		l.stop(h.times)
		return nil, l.masked(err)
	}
	return l, nil
}

// masked is why a start failed, without the secrets that the process may have said.
func (l *life) masked(err error) error {
	if text := err.Error(); l.run.logs.known(text) != text {
		return &ending{l.run.logs.known(text), err}
	}
	return err
}

// greet brings the process up to its first answer.
func (l *life) greet(ctx context.Context, h *Host, plan pipeline.PluginPlan) error {
	result := make(chan error, 1)
	h.spawn(func() { result <- l.connect() })
	var err error
	select {
	case err = <-result:
	case <-ctx.Done():
		l.run.destroy()
		<-result //nolint:errcheck // whatever it is, the deadline was before it
		return l.startError(context.Cause(ctx), plan)
	}
	if err != nil {
		return l.startError(err, plan)
	}
	if err := l.run.unchanged(); err != nil {
		return err
	}
	answer, err := wire.NewPluginClient(l.conn).Describe(ctx, &wire.DescribeRequest{HostVersion: version(), Capabilities: wire.HostCapabilities()})
	if err != nil {
		if overdue(ctx, err) || ctx.Err() != nil {
			return l.startError(context.Cause(ctx), plan)
		}
		return l.startError(fmt.Errorf("it did not say what it serves: %s", line(status.Convert(err).Message())), plan)
	}
	if err := l.believe(answer); err != nil {
		return err
	}
	l.folder.remove() // the connection stands, and there is no other: nothing is left for somebody to find, however the host ends
	return nil
}

// overdue reports whether a call failed because its time is over: the plugin's side has the same deadline, and may see it first.
func overdue(ctx context.Context, err error) bool {
	code := status.Code(err)
	if by, ok := ctx.Deadline(); ok && (code == codes.Canceled || code == codes.DeadlineExceeded) && time.Until(by) < 100*time.Millisecond {
		<-ctx.Done()
	}
	return errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// believe judges what a process says about itself.
func (l *life) believe(answer *wire.DescribeResponse) (err error) {
	for _, need := range answer.GetRequires() {
		if !slices.Contains(wire.HostCapabilities(), need) {
			return lasting{fmt.Errorf("it (%s, protocol version %d) requires %q, which this leat (%s, protocol version %d) can't do: upgrade leat",
				or(line(answer.GetSdk()), "unknown SDK"), wire.ProtocolVersion, line(need), version(), wire.ProtocolVersion)}
		}
	}
	if l.iface, err = interfaceFrom(answer); err != nil {
		return lasting{fmt.Errorf("what it says about itself can't be used: %w", err)}
	}
	l.iface.masked(l.run.logs.known)
	return nil
}

var errNoBroker = errors.New("there is no broker")

// keep notes the connection as go-plugin opens its first stream: where that fails, go-plugin forgets to close it. It lets no broker begin,
// which nobody uses: go-plugin starts a goroutine for each message of it, as many as a plugin likes.
func (l *life) keep(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, to grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	l.made.Store(cc)
	if strings.HasPrefix(method, "/plugin.GRPCBroker/") {
		return nil, errNoBroker
	}
	return to(ctx, desc, cc, method, opts...)
}

func (l *life) connect() error {
	client, err := l.client.Client()
	if err != nil {
		return err
	}
	raw, err := client.Dispense(wire.DispenseName)
	if err != nil {
		return err
	}
	conn, ok := raw.(grpc.ClientConnInterface)
	if !ok {
		return fmt.Errorf("go-plugin gave a %T", raw)
	}
	l.conn = conn
	return nil
}

// startError makes one sentence of what is known of a start that failed: what the process did says more than what go-plugin saw.
func (l *life) startError(err error, plan pipeline.PluginPlan) error {
	command := l.run.logs.redact(strings.Join(plan.Config.Command, " "))
	if own := l.run.problem(); own != nil {
		return fmt.Errorf("%s: %w", command, own)
	}
	if errors.Is(err, context.Canceled) {
		return errStopped
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it did not answer within %s; start_timeout allows more", plan.Config.StartTimeout)
	} else if state := l.run.ended(time.Second); state != "" {
		err = fmt.Errorf("it %s before it answered", state)
	}
	return fmt.Errorf("%s: %w%s", command, err, l.run.lastWords())
}

func (l *life) gone() <-chan struct{} { return l.run.done }

func (l *life) over() bool {
	select {
	case <-l.run.done:
		return true
	default:
		return false
	}
}

func (l *life) pid() int { return l.run.pid() }

// condemn kills a process that does not do its part; it counts as a crash.
func (l *life) condemn(why string) {
	if l.over() {
		return
	}
	l.why.CompareAndSwap(nil, &why)
	if l.far != nil {
		_ = l.far.Close()
		return
	}
	l.run.destroy()
}

// stop ends the process: by a word, then by a signal, then by force, and never waits for one that is frozen. It returns once nothing is left
// of it.
func (l *life) stop(t times) {
	l.stopOnce.Do(func() {
		l.stopping.Store(!l.over())
		if l.far != nil {
			l.detach()
			return
		}
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			l.client.Kill() // tells it to end, and may wait for a frozen process for ever
		}()
		for _, step := range []struct {
			after time.Duration
			do    func()
		}{{t.grace / 8, l.run.hangUp}, {t.grace, l.run.terminate}, {t.kill, l.run.destroy}} {
			if l.run.wait(step.after) {
				break
			}
			step.do()
		}
		if l.run.wait(10 * t.kill) {
			<-killed
		}
		if cc := l.made.Load(); cc != nil {
			_ = cc.Close()
		}
		l.run.close()
		l.run.logs.flush()
		l.folder.remove()
	})
}

// tell says what a start is waiting for, where that takes long. The function that it returns ends that.
func (h *Host) tell(plan pipeline.PluginPlan) (over func()) {
	if h.notify == nil {
		return func() {}
	}
	if c := plan.Config.Command; len(c) > 1 && filepath.Base(c[0]) == "go" && c[1] == "run" {
		h.notify(Notice{plan.Name, "building " + plan.Name + "…"})
		return func() {}
	}
	t := time.AfterFunc(h.times.slow, func() { h.notify(Notice{plan.Name, "starting " + plan.Name + "…"}) })
	return func() { t.Stop() }
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/leatdev/leat" && m.Version != "" && m.Version != "(devel)" {
				return m.Version
			}
		}
	}
	return "devel"
}
