package check

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

const (
	term      = syscall.SIGTERM
	interrupt = syscall.SIGINT
)

// farewell is how long a process may take to end.
const farewell = 5 * time.Second

// ends tries how the process ends with which the rest was tried.
func (c *checker) ends(ctx context.Context) {
	c.try(ctx, c.interrupted)
	c.try(ctx, c.shutdown)
	if c.main != nil {
		c.noisy(c.main)
		c.close()
	}
}

// lives tries how other processes begin and end.
func (c *checker) lives(ctx context.Context) {
	if cmd := c.plan.Config.Command; len(cmd) > 1 && filepath.Base(cmd[0]) == "go" && cmd[1] == "run" {
		c.untried("wire.draining", "go run ends at SIGTERM, and does not pass it on: build the program, and name that in command")
	} else {
		c.apart(ctx, c.terminated)
	}
	c.apart(ctx, c.hungUp)
	for _, f := range []func(context.Context) error{c.version, c.byHand, c.encrypted, c.development} {
		if ctx.Err() == nil {
			c.note(ctx, f(ctx))
		}
	}
}

// apart has f try a process of its own.
func (c *checker) apart(ctx context.Context, f func(context.Context, *process) error) {
	if ctx.Err() != nil {
		return
	}
	p, err := c.start(ctx)
	if err == nil {
		err = f(ctx, p)
		c.noisy(p)
		p.close()
	}
	c.note(ctx, err)
}

// interrupted sends SIGINT, as a Ctrl-C does.
func (c *checker) interrupted(ctx context.Context, p *process) error {
	p.trial.Signal(interrupt)
	if p.ends(grace) {
		return breach("wire.lifeline", "SIGINT came, and the process %s", p.trial.Ended())
	}
	if err := c.health(ctx, p); err != nil && p.over() {
		return breach("wire.lifeline", "SIGINT came, and the process %s", p.trial.Ended())
	}
	return nil
}

// terminated sends SIGTERM while an exchange is under way.
func (c *checker) terminated(ctx context.Context, p *process) error {
	i := slices.IndexFunc(c.stages, func(s Stage) bool { return !c.refused(s) })
	if i < 0 {
		p.trial.Signal(term)
	} else if err := c.with(ctx, p, c.stages[i], c.drains); err != nil && !p.over() {
		return err
	} else if b, ok := errors.AsType[*broken](err); ok && b.rule != "wire.panic" {
		return err
	}
	if !p.ends(farewell) {
		return breach("wire.lifeline", "SIGTERM came and its Session had ended, and it ran still %s later", farewell)
	}
	c.kept("wire.lifeline")
	return nil
}

// hungUp closes standard input.
func (c *checker) hungUp(_ context.Context, p *process) error {
	p.trial.HangUp()
	if !p.ends(farewell) {
		return breach("wire.lifeline", "its standard input ended, and it ran still %s later", farewell)
	}
	c.kept("wire.lifeline")
	return nil
}

// version has a host that speaks no version of the plugin's.
func (c *checker) version(ctx context.Context) error {
	const future = 999
	p, err := c.launch(ctx, handshake(strconv.Itoa(future)), c.plan.Config.StartTimeout)
	if b, ok := errors.AsType[*broken](err); ok {
		return breach("wire.version", "the host's list of versions was %d, and %s", future, b.text)
	}
	if err != nil {
		return err
	}
	defer p.close()
	f := strings.Split(p.line, "|")
	if len(f) < 2 || f[1] == strconv.Itoa(future) || f[1] == "" {
		return breach("wire.version", "the host's list of versions was %d, and it printed %q", future, p.line)
	}
	return nil
}

// byHand starts the program as a person does.
func (c *checker) byHand(ctx context.Context) error {
	p, err := c.launch(ctx, nil, c.plan.Config.StartTimeout)
	if b, ok := errors.AsType[*broken](err); ok {
		if b.idle {
			return breach("wire.handshake", "without LEAT_PLUGIN in its environment it ran still %s later", c.plan.Config.StartTimeout)
		}
		return nil // it has said something, and ended
	}
	if err != nil {
		return err
	}
	defer p.close()
	if f := strings.Split(p.line, "|"); len(f) >= 4 && f[0] == "1" {
		return breach("wire.handshake", "without LEAT_PLUGIN in its environment it printed the handshake: somebody has started it by hand then")
	}
	if !p.ends(farewell) {
		return breach("wire.handshake", "without LEAT_PLUGIN in its environment it ran still %s later", farewell)
	}
	return nil
}

// encrypted starts it as the file wants it to be started.
func (c *checker) encrypted(ctx context.Context) error {
	if !c.plan.Config.TLS {
		return nil
	}
	if _, err := c.host.Describe(ctx, c.plan); err != nil {
		return breach("wire.handshake", "with tls = true it did not start: %v", err)
	}
	return nil
}

// development tries its development mode.
func (c *checker) development(ctx context.Context) error {
	const rule = "wire.dev"
	dir, err := os.MkdirTemp("", "leat-check-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socket := filepath.Join(dir, "dev.sock")
	if err := stale(socket); err != nil {
		return err
	}
	p := &process{out: newOutput(), left: ctx.Done()}
	if p.trial, err = c.host.Try(c.plan, []string{"LEAT_PLUGIN_DEV=" + socket}, p.out); err != nil {
		return err
	}
	defer p.close()
	conn := dial(ctx, p, socket, c.plan.Config.StartTimeout)
	if conn == nil {
		if p.over() {
			c.untried(rule, "the program has no development mode: it ends where LEAT_PLUGIN_DEV is set and LEAT_PLUGIN is not")
			return nil
		}
		return breach(rule, "nobody listened on the socket that LEAT_PLUGIN_DEV names within %s%s", c.plan.Config.StartTimeout, p.trial.LastWords())
	}
	if err := p.speak(conn); err != nil {
		return err
	}
	bounded, cancel := unary(ctx)
	defer cancel()
	if _, err := p.client.Describe(bounded, &wire.DescribeRequest{}); err != nil {
		return c.told(p, rule, "Describe on the socket that LEAT_PLUGIN_DEV names", err)
	}
	p.trial.HangUp()
	if p.ends(grace) {
		return breach(rule, "its standard input ended, and the process %s: a debugger has none", p.trial.Ended())
	}
	second, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "unix", socket)
	if err != nil {
		return breach(rule, "it took one connection, and no second: %v", err)
	}
	_ = second.Close()
	p.trial.Signal(interrupt)
	if !p.ends(farewell) {
		return breach(rule, "SIGINT came, and it ran still %s later", farewell)
	}
	if _, err := os.Lstat(socket); err == nil {
		return breach(rule, "it ended, and left its socket behind")
	}
	if line, text := p.out.line(), p.out.text(); line+text != "" {
		return breach(rule, "it wrote to standard output: %q", line+text)
	}
	c.kept(rule)
	return nil
}

// stale leaves a socket behind that nobody listens on.
func stale(path string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	return l.Close()
}

// dial connects as soon as somebody listens; nil: the process has ended, or nobody did in time.
func dial(ctx context.Context, p *process, socket string, within time.Duration) net.Conn {
	limit := time.NewTimer(within)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", socket); err == nil {
			return conn
		}
		select {
		case <-tick.C:
		case <-p.trial.Done():
			return nil
		case <-limit.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
