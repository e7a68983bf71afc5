package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// process is a running plugin, and the one connection to it.
type process struct {
	trial  *host.Trial
	out    *output
	line   string          // of the handshake
	left   <-chan struct{} // closed once nobody wants the check any more
	cc     *grpc.ClientConn
	client wire.PluginClient
}

// broken is an error that breaks a rule.
type broken struct {
	rule string
	text string
	idle bool // a process neither said anything nor ended
}

func (b *broken) Error() string { return b.text }

func breach(rule, format string, args ...any) error {
	return &broken{rule: rule, text: fmt.Sprintf(format, args...)}
}

// handshake is the environment of a start.
func handshake(versions string) []string {
	return []string{wire.CookieKey + "=" + wire.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=" + versions}
}

// launch starts the process and waits for its first line, so long.
func (c *checker) launch(ctx context.Context, env []string, within time.Duration) (*process, error) {
	p := &process{out: newOutput(), left: ctx.Done()}
	var err error
	if p.trial, err = c.host.Try(c.plan, env, p.out); err != nil {
		return nil, err
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case p.line = <-p.out.first:
		return p, nil
	case <-p.trial.Done():
		select {
		case p.line = <-p.out.first:
			return p, nil
		default:
		}
		c.advise("wire.handshake", "mend what it ends of: `leat plugin logs "+c.plan.Name+"` shows all that it says; it must not end before its standard input does")
		err = breach("wire.handshake", "the process %s before it printed the handshake%s", p.trial.Ended(), p.trial.LastWords())
		if half := p.out.text(); half != "" {
			err = breach("wire.handshake", "it printed %q, without a line end, and %s%s", half, p.trial.Ended(), p.trial.LastWords())
		}
	case <-timer.C:
		err = breach("wire.handshake", "no line came within %s%s", within, p.trial.LastWords())
		if half := p.out.text(); half != "" {
			err = breach("wire.handshake", "it printed %q, and no line end within %s", half, within)
		}
		if b, ok := errors.AsType[*broken](err); ok {
			b.idle = true
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.close()
	return nil, err
}

// start starts the process and connects to it.
func (c *checker) start(ctx context.Context) (*process, error) {
	p, err := c.launch(ctx, handshake(strconv.Itoa(wire.ProtocolVersion)), c.plan.Config.StartTimeout)
	if err != nil {
		return nil, err
	}
	path, err := p.judge(p.line)
	if err == nil {
		err = p.connect(ctx, path)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	p.trial.Forget()
	return p, nil
}

// judge reads the handshake.
func (p *process) judge(line string) (path string, err error) {
	f := strings.Split(strings.TrimSpace(line), "|")
	if _, err := strconv.Atoi(f[0]); len(f) < 4 || err != nil {
		return "", breach("wire.stdout", "its first line on standard output was %q, which is not the handshake", line)
	}
	switch {
	case f[0] != "1":
		return "", breach("wire.handshake", "its line begins with %s, and go-plugin's core protocol is 1: %q", f[0], line)
	case f[1] != strconv.Itoa(wire.ProtocolVersion):
		return "", breach("wire.version", "it chose version %q, and the host's list was %d: %q", f[1], wire.ProtocolVersion, line)
	case f[2] != "unix":
		return "", breach("wire.handshake", "it listens on %q, not on a Unix socket: %q", f[2], line)
	case filepath.Dir(filepath.Clean(f[3])) != filepath.Clean(p.trial.Folder()):
		return "", breach("wire.handshake", "its socket %s is not in the folder that %s names", f[3], wire.SocketDirEnv)
	case len(f) < 5 || f[4] != "grpc":
		return "", breach("wire.handshake", "its line does not name the protocol grpc: %q", line)
	}
	return f[3], nil
}

// connect makes the one connection.
func (p *process) connect(ctx context.Context, path string) error {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "unix", path)
	if err != nil {
		return breach("wire.handshake", "nobody listened on its socket when it had printed the line: %v", err)
	}
	return p.speak(conn)
}

// speak makes a gRPC connection of conn.
func (p *process) speak(conn net.Conn) error {
	var once sync.Once
	cc, err := grpc.NewClient("passthrough:plugin",
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			err := errors.New("the connection is lost, and there is no second one")
			var out net.Conn
			once.Do(func() { out, err = conn, nil })
			return out, err
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithIdleTimeout(0),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{}), grpc.MaxCallRecvMsgSize(64<<20)),
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(4<<20),
	)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	p.cc, p.client = cc, wire.NewPluginClient(cc)
	return nil
}

// over reports whether the process has ended.
func (p *process) over() bool { return p.trial.Ended() != "" }

// ends waits for the process to end.
func (p *process) ends(within time.Duration) bool {
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.trial.Done():
		return true
	case <-t.C:
	case <-p.left:
	}
	return p.over()
}

// close ends the process.
func (p *process) close() {
	if p.cc != nil {
		_ = p.cc.Close()
	}
	p.trial.Close()
}

// output is what a process writes to its standard output.
type output struct {
	first chan string // its first line

	mu  sync.Mutex
	buf bytes.Buffer
	got bool // the first line
}

func newOutput() *output { return &output{first: make(chan string, 1)} }

const mostOutput = 16 << 10

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(b)
	if room := mostOutput - o.buf.Len(); len(b) > room {
		b = b[:room]
	}
	o.buf.Write(b)
	if at := bytes.IndexByte(o.buf.Bytes(), '\n'); !o.got && at >= 0 {
		o.got = true
		o.first <- strings.TrimRight(string(o.buf.Next(at+1)), "\r\n")
	}
	return n, nil
}

// line returns the first line, "" if there is none.
func (o *output) line() string {
	select {
	case l := <-o.first:
		return l
	default:
		return ""
	}
}

// text returns what came after the first line, or without one.
func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.buf.String())
}
