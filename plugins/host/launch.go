package host

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// launch runs one OS process of a plugin for go-plugin, whose runner.Runner it implements. It reads the process's outputs itself:
// go-plugin sees the line of the handshake and nothing else, for its log parser can be made to panic.
type launch struct {
	plan      pipeline.PluginPlan
	pins      pinned
	folder    string // for the socket
	logs      *logs
	handshake []string  // what go-plugin puts into the environment
	tap       io.Writer // gets what it writes to its standard output, too; nil: nobody

	prog     *program
	files    []*judged // that arguments name
	lifeline *os.File  // the process's standard input: it ends when the host does
	stdout   *io.PipeReader
	line     *io.PipeWriter // to stdout
	last     tail

	done chan struct{} // closed once the process has ended and its outputs were read
	mu   sync.Mutex
	own  error            // why the start failed, where that is known here
	end  *os.ProcessState // once done
	hung bool

	forget func() // called by close
	number int    // the process's
	doomed bool   // it is to end, also if it does not run yet
}

func newLaunch(plan pipeline.PluginPlan, pins pinned, folder string, logs *logs) *launch {
	l := &launch{plan: plan, pins: pins, folder: folder, logs: logs, done: make(chan struct{})}
	l.stdout, l.line = io.Pipe()
	return l
}

// Start implements runner.Runner.
func (l *launch) Start(context.Context) error {
	if err := l.start(); err != nil {
		l.fail(err)
		_ = l.line.Close()
		close(l.done)
		return err
	}
	return nil
}

func (l *launch) start() error {
	path, err := resolve(l.plan)
	if err != nil {
		return lasting{err}
	}
	if l.files, err = judgeArguments(l.plan, l.pins); err != nil {
		return err
	}
	if l.prog, err = openProgram(path, l.pins); err != nil {
		return err
	}
	in, lifeline, err := os.Pipe()
	if err != nil {
		return err
	}
	out, outW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close(), lifeline.Close())
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close(), lifeline.Close(), out.Close(), outW.Close())
	}
	cmd := &exec.Cmd{
		Path: path, Args: append([]string{path}, l.plan.Config.Command[1:]...), Env: l.environ(), Dir: l.plan.Dir,
		Stdin: in, Stdout: outW, Stderr: errsW, SysProcAttr: attributes(),
	}
	l.prog.run(cmd)
	l.lifeline = lifeline
	started, readers := make(chan error, 1), make(chan struct{}, 2)
	go l.live(cmd, started, readers, out, errs)
	err = <-started
	_, _, _ = in.Close(), outW.Close(), errsW.Close()
	if err != nil {
		_, _, _ = lifeline.Close(), out.Close(), errs.Close()
		l.prog.close()
		return startProblem(path, err)
	}
	go func() { l.readStdout(l.tapped(out)); readers <- struct{}{} }()
	go func() { l.readStderr(errs); readers <- struct{}{} }()
	return nil
}

// tapped returns the process's standard output.
func (l *launch) tapped(out io.Reader) io.Reader {
	if l.tap == nil {
		return out
	}
	return io.TeeReader(out, l.tap)
}

// live starts the process and stays with it until it has ended. It keeps to one thread: Linux ends the process with the thread that
// started it.
func (l *launch) live(cmd *exec.Cmd, started chan<- error, readers <-chan struct{}, outputs ...*os.File) {
	unlock := ownThread()
	err := cmd.Start()
	if err != nil {
		unlock()
		started <- err
		return
	}
	l.mu.Lock()
	l.number = cmd.Process.Pid
	doomed := l.doomed
	l.mu.Unlock()
	l.logs.pid.Store(int64(cmd.Process.Pid))
	if doomed {
		signalGroup(cmd.Process.Pid, true)
	}
	started <- nil
	reap(cmd)
	unlock()
	for _, f := range outputs { // what it wrote is read, but nobody who inherited its outputs is waited for
		_ = f.SetReadDeadline(time.Now().Add(time.Second))
	}
	<-readers
	<-readers
	for _, f := range outputs {
		_ = f.Close()
	}
	l.mu.Lock()
	l.end = cmd.ProcessState
	l.mu.Unlock()
	close(l.done)
}

// environ is the environment of the process: what the file allows, and what the handshake needs.
func (l *launch) environ() []string {
	var env []string
	for _, entry := range l.plan.Config.Env {
		if strings.Contains(entry, "=") {
			env = append(env, entry)
		} else if value, ok := os.LookupEnv(entry); ok {
			env = append(env, entry+"="+value)
		}
	}
	for _, entry := range l.handshake {
		if !strings.HasPrefix(entry, wire.SocketDirEnv+"=") {
			env = append(env, entry)
		}
	}
	return append(env, wire.SocketDirEnv+"="+l.folder)
}

func (l *launch) readStderr(f io.Reader) {
	_, _ = io.Copy(io.MultiWriter(&l.last, l.logs.stream("stderr")), f)
}

func (l *launch) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil {
		l.own = err
	}
}

// problem is why the start failed, where that is known here.
func (l *launch) problem() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own
}

// wait waits for the process to end, at most d.
func (l *launch) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-l.done:
		return true
	case <-t.C:
	}
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// pid returns the number of the process, 0 before it runs.
func (l *launch) pid() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number
}

// hangUp closes the process's standard input, which asks it to end.
func (l *launch) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lifeline != nil && !l.hung {
		l.hung = true
		_ = l.lifeline.Close()
	}
}

// terminate asks the process and its children to end.
func (l *launch) terminate() { l.signal(false) }

// destroy ends the process and its children by force.
func (l *launch) destroy() { l.signal(true) }

func (l *launch) signal(force bool) {
	l.mu.Lock()
	l.doomed = true
	pid := l.number
	l.mu.Unlock()
	select {
	case <-l.done:
	default:
		if pid > 0 {
			signalGroup(pid, force)
		}
	}
}

// close gives back what the process leaves.
func (l *launch) close() {
	l.hangUp()
	if l.prog != nil {
		l.prog.close()
	}
	_ = l.stdout.Close()
	if l.forget != nil {
		l.forget()
	}
}

// unchanged looks, once the process has answered, whether the files of its command are still what was judged.
func (l *launch) unchanged() error {
	if l.prog == nil {
		return nil
	}
	for _, f := range l.files {
		if err := f.unchanged(); err != nil {
			return err
		}
	}
	return l.prog.unchanged()
}
