package host

import (
	"context"
	"io"
	"strconv"
	"strings"
)

// What go-plugin needs of a launch: see its runner.Runner.

// Wait implements runner.Runner.
func (l *launch) Wait(context.Context) error {
	<-l.done
	return nil
}

// Kill implements runner.Runner. What go-plugin calls a kill is a request here: the host has its own timers for more.
func (l *launch) Kill(context.Context) error {
	l.terminate()
	return nil
}

// Stdout implements runner.Runner.
func (l *launch) Stdout() io.ReadCloser { return l.stdout }

// Stderr implements runner.Runner: it is empty, for go-plugin must not parse it.
func (l *launch) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (l *launch) Name() string { return l.plan.Name }

// ID implements runner.Runner.
func (l *launch) ID() string {
	if pid := l.pid(); pid > 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Diagnose implements runner.Runner.
func (l *launch) Diagnose(context.Context) string { return "" }

// HostToPlugin implements runner.Runner.
func (l *launch) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
