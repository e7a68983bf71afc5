//go:build unix

// Package redistest runs real Redis servers for tests: each on a loopback port of its own, in a temporary folder.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server process. Its methods are for one goroutine and fail the test if they can't do what they say.
type Server struct {
	Addr string // "127.0.0.1:port"; nothing listens there between Kill and Start
	Port string
	Dir  string // where it writes, and where it finds files that are given by relative paths

	t      testing.TB
	config string
	args   []string
	life   *life // of the process that runs; nil if none does
}

type life struct {
	cmd      *exec.Cmd
	watchdog *exec.Cmd
	done     chan struct{}
}

// Start runs a server that keeps nothing on disk unless args, in the form of the command line, say otherwise. Where redis-server is
// not installed the test is skipped, under LEAT_CI=1 it fails. The process ends with the test, also if that is killed.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := New(t, args...)
	s.Start()
	return s
}

// New is Start without starting.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("LEAT_CI") != "" {
			t.Fatal("redis-server is not installed: apt-get install redis-server")
		}
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	port := FreePort(t)
	s := &Server{Addr: "127.0.0.1:" + port, Port: port, Dir: t.TempDir(), t: t, args: args}
	t.Cleanup(s.Kill)
	return s
}

// FreePort returns a TCP port that nothing listened on a moment ago.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Start runs the server, over what is in Dir, and returns once it answers.
func (s *Server) Start() {
	s.t.Helper()
	var args []string
	if s.config != "" {
		args = append(args, s.config)
	}
	args = append(args,
		"--port", s.Port, "--bind", "127.0.0.1", "--dir", s.Dir, "--save", "", "--appendonly", "no", "--logfile", filepath.Join(s.Dir, "log"),
	)
	args = append(args, s.args...)
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), "redis-server", args...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	l := &life{cmd: cmd, done: make(chan struct{})}
	go func() { defer close(l.done); _ = cmd.Wait() }()
	l.watchdog = watch(s.t, cmd.Process.Pid)
	s.life = l
	s.ready(l)
}

// watch starts a process that kills pid when this one dies.
func watch(t testing.TB, pid int) *exec.Cmd {
	dog := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", `cat >/dev/null; kill -9 "$0"`, strconv.Itoa(pid))
	if _, err := dog.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := dog.Start(); err != nil {
		t.Fatal(err)
	}
	return dog
}

func (s *Server) ready(l *life) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := s.ping()
		if err == nil {
			return
		}
		select {
		case <-l.done:
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			s.t.Fatalf("redis-server ended: %v\n%s", l.cmd.ProcessState, log)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server does not answer on %s: %v", s.Addr, err)
		}
	}
}

// ping takes any answer for one, but that data is still being read; a port that speaks TLS answers by hanging up.
func (s *Server) ping() error {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.WithoutCancel(s.t.Context()), "tcp", s.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprint(c, "PING\r\n"); err != nil {
		return err
	}
	// Only a port without TLS answers a line.
	line, _ := bufio.NewReader(c).ReadString('\n')
	if strings.HasPrefix(line, "-LOADING") {
		return fmt.Errorf("it says %s", line)
	}
	return nil
}

// Config has the next Start read a config file, whose settings the command line overrides.
func (s *Server) Config(file string, args ...string) { s.config = file; s.Args(args...) }

// Args adds to the command line of the next Start.
func (s *Server) Args(args ...string) { s.args = append(s.args, args...) }

// Kill ends the process by SIGKILL, if it runs. Dir stays.
func (s *Server) Kill() {
	l := s.life
	if l == nil {
		return
	}
	s.life = nil
	_ = l.watchdog.Process.Kill() // first: it must not kill whoever gets the number next
	_ = l.watchdog.Wait()
	_ = l.cmd.Process.Kill()
	<-l.done
}

// Pause stops the process by SIGSTOP: connections stand and nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.life.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// CLI runs redis-cli against the server and returns what it prints.
func (s *Server) CLI(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", s.Port}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
