package host

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"syscall"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// Trial is a plugin's process whose other end somebody else plays: a program that checks plugins. It is started as every process is, in the
// same folder, with the same environment, digest, process group and lifeline; but nobody reads its handshake or speaks to it. Its methods
// are safe for concurrent use.
type Trial struct {
	run    *launch
	folder *socketFolder
	times  times
}

// Try starts a plugin's process. handshake are the variables, as "NAME=value", that it gets beside those that the file lets through and
// [wire.SocketDirEnv]. What it writes to its standard output goes to stdout as well, by one goroutine until the process has ended; stdout
// must not block. Whoever tries a plugin closes the Trial.
func (h *Host) Try(plan pipeline.PluginPlan, handshake []string, stdout io.Writer) (*Trial, error) {
	if !supported {
		return nil, errors.New("plugins run on Linux and macOS only for now")
	}
	pins, err := h.known.pins(plan)
	if err != nil {
		return nil, err
	}
	h.sweeping.Do(sweepAll)
	folder, err := newSocketFolder()
	if err != nil {
		return nil, err
	}
	logger := h.logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	t := &Trial{run: newLaunch(plan, pins, folder.path, newLogs(plan.Name, logger, h.shows)), folder: folder, times: h.times}
	h.launches.add(t.run)
	t.run.handshake, t.run.tap = handshake, stdout
	go func() { _, _ = io.Copy(io.Discard, t.run.stdout) }() // the line that go-plugin would read
	if err := t.run.Start(context.Background()); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Folder is the one that was made for the process's socket.
func (t *Trial) Folder() string { return t.folder.path }

// Done is closed once the process has ended and what it wrote was read.
func (t *Trial) Done() <-chan struct{} { return t.run.done }

// Ended completes "the process …" with how it ended; "" if it runs still.
func (t *Trial) Ended() string {
	select {
	case <-t.run.done:
		return t.run.ended(0)
	default:
		return ""
	}
}

// LastWords quotes the last line that the process wrote to its standard error, as the end of a sentence; "" if there is none.
func (t *Trial) LastWords() string {
	all := t.run.lastWords()
	if i := strings.LastIndex(all, `", "`); i >= 0 {
		return "; its last words: " + all[i+len(`", `):]
	}
	return all
}

// HangUp closes the process's standard input.
func (t *Trial) HangUp() { t.run.hangUp() }

// Signal sends a signal to the process and its children, as a terminal does.
func (t *Trial) Signal(sig syscall.Signal) {
	select {
	case <-t.run.done:
	default:
		signalTo(t.run.pid(), sig)
	}
}

// Forget removes the folder of the socket, as a host does once it is connected.
func (t *Trial) Forget() { t.folder.remove() }

// Close ends the process, by force if it does not end at once where its standard input does, and returns once nothing is left of it.
func (t *Trial) Close() {
	t.run.hangUp()
	if t.run.pid() > 0 && !t.run.wait(t.times.kill/4) {
		t.run.destroy()
		t.run.wait(10 * t.times.kill)
	}
	t.run.close()
	t.run.logs.flush()
	t.folder.remove()
}

// Read judges what a plugin has answered to Describe, as a start does.
func Read(answer *wire.DescribeResponse) (*Interface, error) { return interfaceFrom(answer) }

// Clean keeps what a plugin says to one short line that a terminal can show.
func Clean(text string) string { return line(text) }
