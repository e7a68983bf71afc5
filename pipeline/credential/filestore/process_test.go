package filestore

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

var demo = credential.Key{Credential: "demo"}

// process is this program again, run as child says.
type process struct {
	*exec.Cmd
	lines <-chan string // of its standard output; closed at its end
	quit  io.Closer     // its standard input: a child ends with it
}

func start(t *testing.T, mode string, env ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "FILESTORE_CHILD="+mode)...)
	cmd.Stderr = os.Stderr
	out, errOut := cmd.StdoutPipe()
	in, errIn := cmd.StdinPipe()
	if err := errors.Join(errOut, errIn, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	})
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		reading.Wait()
		_ = cmd.Wait()
	})
	return &process{cmd, lines, in}
}

// says waits for a line that begins with prefix and returns the rest.
func (p *process) says(t *testing.T, prefix string, within time.Duration) string {
	t.Helper()
	deadline := time.After(within)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("the process ended and has not said %q", prefix)
			}
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		case <-deadline:
			t.Fatalf("the process has not said %q within %v", prefix, within)
		}
	}
}

// seed stores a token that is over, as yesterday's login left it.
func seed(t *testing.T, dir string) {
	t.Helper()
	r := credential.Record{
		Generation: 1, Obtained: time.Now().Add(-24 * time.Hour),
		Token: credential.Token{Access: redact.NewSecret(access(0)), Refresh: redact.NewSecret(refresh(0)), Lifetime: time.Hour},
	}
	if err := open(t, dir, nil).Save(t.Context(), demo, 0, r); err != nil {
		t.Fatal(err)
	}
}

func TestProcesses_renew_once_per_expiry(t *testing.T) {
	const life, run, processes, sessions = time.Second, 6 * time.Second, 4, 3
	dir, server := t.TempDir()+"/tokens", (&tokenServer{life: life, latency: 30 * time.Millisecond}).start(t)
	seed(t, dir)
	var all []*process
	for range processes {
		all = append(all, start(t, "load", "DIR="+dir, "SERVER="+server.URL, fmt.Sprint("SESSIONS=", sessions), "FOR="+run.String()))
	}
	for _, p := range all {
		var got struct {
			Calls  int
			Failed map[string]int
		}
		if err := json.Unmarshal([]byte(p.says(t, "result ", run+20*time.Second)), &got); err != nil {
			t.Fatal(err)
		}
		if got.Calls < 100 || len(got.Failed) != 0 {
			t.Errorf("of %d calls failed: %v", got.Calls, got.Failed)
		}
	}
	now := server.state()
	if now.revoked || now.refused != 0 || len(now.requests) != now.n {
		t.Errorf("got %d refused calls, family revoked %v, token requests:\n%s", now.refused, now.revoked, strings.Join(now.requests, "\n"))
	}
	if least := int(run/life) - 1; now.n < least {
		t.Errorf("got %d renewals in %v, want at least %d", now.n, run, least)
	}
	for i := 1; i < len(now.rotated); i++ {
		if gap := now.rotated[i].Sub(now.rotated[i-1]); gap < life/2 {
			t.Errorf("renewals %d and %d are %v apart: two for one expiry", i, i+1, gap)
		}
	}
}
