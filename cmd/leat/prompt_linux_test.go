package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/leatdev/leat/conformance/demo"
)

// screen is a terminal with `leat login api` in it.
type screen struct {
	t            *testing.T
	master, line *os.File
	cmd          *exec.Cmd

	mu   sync.Mutex
	text bytes.Buffer
}

func loginOnScreen(t *testing.T) *screen {
	t.Helper()
	server := httptest.NewServer(demo.New(demo.Options{}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	file := fmt.Sprintf("version = 1\n[stores.tokens]\ntype = \"file\"\ndir = \"tokens\"\n[credentials.api]\ntype = \"login\"\norigins = [%q]\nstore = \"tokens\"\nlogin = { path = \"/login\" }\n", server.URL)
	if err := os.WriteFile(filepath.Join(dir, "pipelines.toml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t}
	s.open()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s.cmd = exec.CommandContext(ctx, "leat", "login", "api")
	s.cmd.Dir, s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = dir, s.line, s.line, s.line
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // until the test closes the terminal
		b := make([]byte, 4096)
		for {
			n, err := s.master.Read(b)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.text.Write(b[:n])
			s.mu.Unlock()
		}
	}()
	return s
}

// open makes a pseudo-terminal.
func (s *screen) open() {
	s.t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		s.t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	var unlock, number int32
	s.control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	s.control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.master, s.line = master, line
	s.t.Cleanup(func() { _, _ = master.Close(), line.Close() })
}

func (s *screen) control(f *os.File, request uintptr, arg unsafe.Pointer) {
	s.t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		s.t.Fatal(errno)
	}
}

// echoes reports whether what is typed shows.
func (s *screen) echoes() bool {
	s.t.Helper()
	var state syscall.Termios
	s.control(s.line, syscall.TCGETS, unsafe.Pointer(&state))
	return state.Lflag&syscall.ECHO != 0
}

func (s *screen) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) await(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("still no %s; the screen shows:\n%s", what, s.shown())
		}
	}
}

// atPassword answers the first question.
func (s *screen) atPassword() {
	s.t.Helper()
	s.await("question", func() bool { return strings.HasSuffix(s.shown(), "user: ") })
	s.enter("ada\n")
	s.await("second question", func() bool { return strings.HasSuffix(s.shown(), "password: ") && !s.echoes() })
}

func (s *screen) enter(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) exits(want int) {
	s.t.Helper()
	_ = s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != want {
		s.t.Errorf("exit code %d, want %d; the screen shows:\n%s", got, want, s.shown())
	}
	if !s.echoes() {
		s.t.Error("the terminal does not echo any more")
	}
}

func TestPrompt_hides_the_password(t *testing.T) {
	s := loginOnScreen(t)
	s.atPassword()
	s.enter(demo.DefaultPassword + "\n")
	s.exits(0)
	s.await("success", func() bool { return strings.Contains(s.shown(), "logged in: ") })
	if text := s.shown(); strings.Contains(text, demo.DefaultPassword) || !strings.Contains(text, "user: ada") {
		t.Errorf("the screen shows:\n%s", text)
	}
}

func TestPrompt_leaves_the_terminal_as_it_was(t *testing.T) {
	t.Run("ctrl_c_at_the_password", func(t *testing.T) {
		s := loginOnScreen(t)
		s.atPassword()
		s.enter("\x03")
		s.exits(exitInterrupted)
	})
	for _, tc := range []struct {
		name, key string
		want      int
	}{{"ctrl_c_at_the_user", "\x03", exitInterrupted}, {"ctrl_d_at_the_user", "\x04", exitUsage}} {
		t.Run(tc.name, func(t *testing.T) {
			s := loginOnScreen(t)
			s.await("question", func() bool { return strings.HasSuffix(s.shown(), "user: ") })
			s.enter(tc.key)
			s.exits(tc.want)
		})
	}
}
