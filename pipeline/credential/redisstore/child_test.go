//go:build unix

package redisstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
)

// child is another process: it takes the turn, says so, and on each line of input does what a session does before a token request.
func child() int {
	c := settled(os.Getenv(childVar))
	s, err := open(c, credential.StoreSettings{Name: "tokens", Codec: credential.NewCodec(nil), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer s.Close()
	l, _, err := s.Lease(context.Background(), key, 0)
	if err != nil || l == nil {
		fmt.Println("no turn:", err)
		return 1
	}
	fmt.Println("turn")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		held := l.Held()
		err := s.Save(context.Background(), key, 0, record(1, "child"))
		fmt.Println("held:", held, "conflict:", errors.Is(err, credential.ErrConflict))
	}
	l.Release()
	return 0
}

func TestProcess_stopped_beyond_its_lease(t *testing.T) {
	r := server(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVar+"="+r.Addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	out := bufio.NewReader(pipe)
	line := func() string {
		s, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("%q, %v", s, err)
		}
		return strings.TrimSpace(s)
	}
	if got := line(); got != "turn" {
		t.Fatal(got)
	}

	s := opened(t, settled(r.Addr))
	holder, err := s.Holder(soon(t), key)
	if want := fmt.Sprintf("process %d", cmd.Process.Pid); err != nil || !strings.HasSuffix(holder, want) {
		t.Errorf("Holder = %q, %v; want %s", holder, err, want)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	l := mustLease(t, s, 0)
	mustSave(t, s, 0, record(1, "parent"))
	if _, err := io.WriteString(in, "go\n"); err != nil { // it is there when the process wakes
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got, want := line(), "held: false conflict: true"; got != want {
		t.Errorf("the process that was stopped says %q, want %q", got, want)
	}
	if !l.Held() {
		t.Error("the turn was lost")
	}
	l.Release()
	in.Close()
}
