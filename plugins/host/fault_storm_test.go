//go:build linux || darwin

package host_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// TestFaultStorm kills the plugin again and again while exchanges go on, at least three times. It runs alone: it counts what is left behind.
// With LEAT_STORM set it sends 10,000 requests, and kills once a second.
func TestFaultStorm(t *testing.T) {
	calls, every := 4000, 200*time.Millisecond
	if os.Getenv("LEAT_STORM") != "" { // takes half a minute
		calls, every = 10000, time.Second
	}
	for _, policy := range []string{"fail", "skip"} {
		t.Run(policy, func(t *testing.T) { faultStorm(t, testProgram(t, "as-good"), policy, calls, every) })
	}
}

// TestFaultStorm_foreign does that to interpreters, which are killed once a second: they take longer to start.
func TestFaultStorm_foreign(t *testing.T) {
	for policy, language := range map[string]string{"fail": "python", "skip": "node"} {
		t.Run(language, func(t *testing.T) { faultStorm(t, faulty(t, language), policy, 500, time.Second) })
	}
}

func faultStorm(t *testing.T, program []string, policy string, calls int, every time.Duration) {
	t.Helper()
	const inFlight = 64
	dir, err := os.MkdirTemp("/tmp", "leat-fault-") //nolint:usetesting // a short path: a socket's has a limit
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("TMPDIR", dir)
	t.Setenv("XDG_RUNTIME_DIR", "")
	goroutines, descriptors := goleak.IgnoreCurrent(), openFiles(t)

	var pid atomic.Int64
	w := newWorld(t, setting{
		program: program, stage: fmt.Sprintf("on_failure = %q", policy), handler: upOK,
		times: host.Shortened{Backoff: 2 * time.Millisecond, Most: 20 * time.Millisecond, Crashes: 1 << 20},
	})
	stop, stopped := make(chan struct{}), make(chan struct{})
	var kills, numbers, made atomic.Int64
	go func() { killEvery(every, &pid, &kills, stop); close(stopped) }()
	more := func() bool { n := numbers.Add(1); return n <= int64(calls) || kills.Load() < 3 && n <= 50*int64(calls) }
	counts := map[string]int{}
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range inFlight {
		workers.Go(func() {
			for more() {
				made.Add(1)
				ctx, cancel := context.WithTimeout(t.Context(), 2*answerWithin)
				req, p := w.request(ctx, "api", nil)
				begun := time.Now()
				a := finish(req, p)
				cancel()
				if took := time.Since(begun); took > answerWithin {
					t.Errorf("an answer took %s: %v", took, a)
				}
				if n := a.pid(); n > 0 {
					pid.Store(int64(n))
				}
				outcome := w.judge(a, policy)
				mu.Lock()
				counts[outcome]++
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	close(stop)
	<-stopped
	t.Logf("%d kills: %v", kills.Load(), counts)
	if kills.Load() < 3 {
		t.Errorf("the plugin was killed %d times", kills.Load())
	}
	if policy == "skip" && int64(counts["answered"]) != made.Load() {
		t.Errorf("got %v, want %d answers", counts, made.Load())
	}
	w.close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(goroutines); err != nil {
		t.Error(err)
	}
	until(t, "the end of its descriptors", func() bool { return openFiles(t) <= descriptors })
	if left := children(t); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// judge says what an answer is, after it has compared it with what the upstream got.
func (w *world) judge(a answer, policy string) string {
	switch sends := w.sent(a); {
	case a.status() == http.StatusOK && a.body == "up" && sends == 1:
		return "answered"
	case policy == "skip" || a.err == nil || a.err.Kind != pipeline.KindPlugin || a.err.Reason == "":
		w.t.Errorf("got %v, sent %d times", a, sends)
		return "wrong"
	case a.err.Class == pipeline.ClassNotSent && sends == 0:
		return a.err.Reason + " before next"
	case a.err.Class == pipeline.ClassTerminal && sends == 1 && a.err.Status == http.StatusOK:
		return a.err.Reason + " after next"
	default:
		w.t.Errorf("got %v, sent %d times", a, sends)
		return "wrong"
	}
}

// killEvery kills the process that pid names, each one once, and counts them.
func killEvery(d time.Duration, pid, kills *atomic.Int64, stop <-chan struct{}) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	last := int64(0)
	for {
		select {
		case <-tick.C:
			if now := pid.Load(); now > 0 && now != last && syscall.Kill(int(now), syscall.SIGKILL) == nil {
				last = now
				kills.Add(1)
			}
		case <-stop:
			return
		}
	}
}

// openFiles counts this process's descriptors, where /proc tells them.
func openFiles(t *testing.T) int {
	t.Helper()
	found, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Log(err)
	}
	return len(found)
}

// children lists this process's children, where /proc tells them.
func children(t *testing.T) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for word := range strings.FieldsSeq(string(text)) {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, n)
		}
	}
	return pids
}
