package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// DevEnv is the environment variable that has a plugin serve on the socket that it names, for whoever attaches to it, in place of a host that
// starts it. It says nothing to a host: see [WithAttached].
const DevEnv = wire.DevEnv

// ErrNotListening is why a host could not attach to a plugin whose process is not there, or does not serve yet.
var ErrNotListening = errors.New("no process listens")

// WithAttached has the host use, for the plugins of these names, processes that somebody else has started, as under a debugger: each listens
// at the Unix socket that stands here, which this user must own. Their commands are not started, and digest and lock do not count for them;
// the file's grants do. A person may look at such a process for as long as it takes: start_timeout and the timeouts of its stages do
// not hold, and it is neither pinged nor killed. The deadlines of calls do.
func WithAttached(sockets map[string]string) Option {
	return func(h *Host) {
		for name, socket := range sockets {
			h.attachTo[name] = socket
			h.known.free[name] = true
		}
	}
}

// AttachPoint returns the path of the socket where a plugin is expected for [WithAttached]: the same one each time for the same file and
// plugin. Its folder is made, of mode 0700; one that another user could enter is an error.
func AttachPoint(p pipeline.PluginPlan) (string, error) {
	base, err := socketBase()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, attachFolder())
	if err := privateFolder(dir); err != nil {
		return "", fmt.Errorf("%s is for the sockets of plugins under development, and can't be used: %w", dir, err)
	}
	file, err := filepath.Abs(filepath.Join(p.Dir, filepath.Base(p.File)))
	if err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	sum := sha256.Sum256([]byte(file + "\x00" + p.Name))
	short := hex.EncodeToString(sum[:4]) + ".sock"
	if path := filepath.Join(dir, p.Name+"-"+short); strings.Trim(p.Name, plainLetters) == "" && len(path) <= longestSocket {
		return path, nil
	}
	if path := filepath.Join(dir, short); len(path) <= longestSocket {
		return path, nil
	}
	return "", fmt.Errorf("%s is too long for the path of a socket", dir)
}

// plainLetters mean nothing to a shell.
const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// attachedPatience is how long a person may look at a process.
const attachedPatience = 30 * 24 * time.Hour

// patient returns what a stage is made with: a process that a person looks at has time.
func (h *Host) patient(p pipeline.PluginPlan, s pipeline.Settings) (settings pipeline.Settings, start time.Duration) {
	if _, ok := h.attachTo[p.Name]; !ok {
		return s, p.Config.StartTimeout
	}
	if s.Remote != nil {
		remote := *s.Remote
		remote.Timeout = attachedPatience
		s.Remote = &remote
	}
	return s, attachedPatience
}

// far is the connection of a life that the host has not started.
type far struct {
	socket string
	net.Conn
	once sync.Once
	end  func() // called once it is closed, from whichever side
}

// Close implements net.Conn.
func (f *far) Close() error {
	err := f.Conn.Close()
	f.once.Do(f.end)
	return err
}

// attach is start for a process that runs already.
func (h *Host) attach(ctx context.Context, plan pipeline.PluginPlan, socket string, logs *logs) (*life, error) {
	if err := ownSocket(socket); err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrNotListening, socket, err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrNotListening, socket, bare(err))
	}
	l := &life{run: newLaunch(plan, pinned{}, "", logs.fresh()), born: time.Now(), retired: make(chan struct{})}
	l.far = &far{socket: socket, Conn: conn, end: func() { close(l.run.done) }}
	first := make(chan net.Conn, 1)
	first <- l.far
	cc, err := grpc.NewClient("passthrough:attached",
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			select {
			case c := <-first:
				return c, nil
			default:
				return nil, errors.New("the connection has ended")
			}
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: attachedPatience}), // it may be stopped as we come
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{}), grpc.MaxCallRecvMsgSize(wire.MaxMessage)),
		grpc.WithIdleTimeout(0),
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(4<<20),
	)
	if err != nil {
		return nil, errors.Join(err, l.far.Close())
	}
	l.made.Store(cc)
	l.conn = cc
	answer, err := wire.NewPluginClient(cc).Describe(ctx, &wire.DescribeRequest{HostVersion: version(), Capabilities: wire.HostCapabilities()})
	switch {
	case err != nil && ctx.Err() != nil:
		err = errStopped
	case err != nil:
		err = fmt.Errorf("the process at %s did not say what it serves: %s", socket, line(status.Convert(err).Message()))
	default:
		err = l.believe(answer)
	}
	if err != nil {
		l.stop(h.times)
		return nil, l.masked(err)
	}
	return l, nil
}

// detach leaves a process that runs on.
func (l *life) detach() {
	_ = l.made.Load().Close()
	_ = l.far.Close() // also where gRPC never came to it
	l.run.close()
	l.run.logs.flush()
}

// bare is an error of net's without the address, which the caller knows better.
func bare(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
