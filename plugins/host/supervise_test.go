//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// kill ends a process and waits until the host has seen it.
func kill(t *testing.T, of *handle, sig syscall.Signal) {
	t.Helper()
	l := of.current.Load().life
	if err := syscall.Kill(l.pid(), sig); err != nil {
		t.Fatal(err)
	}
	awaitClosed(t, l.gone(), "the end of the process")
}

func awaitClosed(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not come", what)
	}
}

// gone waits for the end of a process that is nobody's child here; a container may have nobody who reaps it.
func gone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for syscall.Kill(pid, 0) == nil {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
		<-time.After(time.Millisecond)
	}
}

func reasonOf(err error) string {
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return e.Reason
	}
	return ""
}

func TestCrash(t *testing.T) {
	t.Run("ends_the_session_and_starts_another_process", func(t *testing.T) {
		of := joined(t, newHost(t), planOf(t, "ok"))
		s := acquired(t, of)
		pid := of.pid()
		kill(t, of, syscall.SIGKILL)
		awaitClosed(t, s.gone(), "the end of the session")
		if again := acquired(t, of); again == s || of.pid() == pid {
			t.Error("the dead session was given again")
		}
	})
	t.Run("is_seen_though_a_child_keeps_the_pipes", func(t *testing.T) {
		p := planOf(t, "ok")
		script := filepath.Join(p.Dir, "with-child")
		text := "#!/bin/sh\nsleep 300 &\necho $! > child\nexec " + strings.Join(p.Config.Command, " ") + "\n"
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		p.Config.Command = []string{"./with-child"}
		of := joined(t, newHost(t), p)
		acquired(t, of)
		kill(t, of, syscall.SIGKILL)
		number, err := os.ReadFile(filepath.Join(p.Dir, "child"))
		if err != nil {
			t.Fatal(err)
		}
		child, err := strconv.Atoi(strings.TrimSpace(string(number)))
		if err != nil {
			t.Fatal(err)
		}
		gone(t, child)
	})
	t.Run("five_times_is_a_quarantine_that_a_probe_ends", func(t *testing.T) {
		h := newHost(t)
		h.times.backoff, h.times.most = time.Millisecond, 2*time.Second
		flag := filepath.Join(t.TempDir(), "repaired")
		of := joined(t, h, planOf(t, "exit-unless", flag))
		var err error
		for deadline := time.Now().Add(20 * time.Second); reasonOf(err) != "crash"; {
			if _, err = of.acquire(within(t)); err == nil || time.Now().After(deadline) {
				t.Fatalf("got %v, want an error in time", err)
			}
		}
		for _, want := range []string{"failed 5 times within 5m0s and is left alone until ", "it exited with code 4"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error\n\t%v\nlacks\n\t%s", err, want)
			}
		}
		if err := os.WriteFile(flag, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); err != nil; _, err = of.acquire(within(t)) {
			if time.Now().After(deadline) {
				t.Fatalf("no recovery: %v", err)
			}
			<-time.After(10 * time.Millisecond)
		}
	})
	t.Run("while_the_next_start_is_far_off_fails_at_once", func(t *testing.T) {
		h := newHost(t)
		h.times.backoff, h.times.most, h.times.wait = time.Hour, time.Hour, time.Minute
		of := joined(t, h, planOf(t, "ok"))
		acquired(t, of)
		kill(t, of, syscall.SIGKILL)
		_, err := of.acquire(within(t))
		if reasonOf(err) != "crash" || !strings.Contains(err.Error(), "it was ended by signal 9 (killed); it is tried again in") {
			t.Errorf("got %v, want a failure of class crash that says when", err)
		}
	})
}

func TestStuck(t *testing.T) {
	t.Run("process_that_answers_no_ping_is_replaced", func(t *testing.T) {
		of := joined(t, newHost(t), planOf(t, "ok"))
		s := acquired(t, of)
		pid := of.pid()
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); syscall.Kill(pid, 0) == nil; <-time.After(10 * time.Millisecond) {
			if of.suspect(s); time.Now().After(deadline) { // again and again, for a signal takes its time to stop every thread
				t.Fatal("it lives")
			}
		}
		awaitClosed(t, s.gone(), "the end of the session")
		acquired(t, of)
	})
	t.Run("process_that_answers_is_kept", func(t *testing.T) {
		of := joined(t, newHost(t), planOf(t, "ok"))
		s := acquired(t, of)
		l := of.current.Load().life
		l.ping(20 * time.Second)
		if l.over() || acquired(t, of) != s {
			t.Error("it was killed")
		}
	})
	t.Run("stream_that_breaks_condemns_the_process", func(t *testing.T) {
		h := newHost(t)
		of := joined(t, h, planOf(t, "breaks"))
		_, err := of.acquire(within(t))
		for deadline := time.Now().Add(20 * time.Second); reasonOf(err) != "crash"; _, err = of.acquire(within(t)) {
			if time.Now().After(deadline) {
				t.Fatalf("got %v, want a quarantine", err)
			}
			<-time.After(time.Millisecond)
		}
	})
}

func TestStop(t *testing.T) {
	for _, c := range []struct {
		name, mode string
		sig        syscall.Signal
	}{{"of_a_frozen_process", "ok", syscall.SIGSTOP}, {"of_one_that_ignores_everything", "deaf", 0}, {"of_a_good_one", "ok", 0}} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			of := h.handleOf(planOf(t, c.mode), pipeline.Settings{})
			of.join()
			acquired(t, of)
			pid, folder := of.pid(), of.current.Load().life.folder.path
			if c.sig != 0 {
				if err := syscall.Kill(pid, c.sig); err != nil {
					t.Fatal(err)
				}
			}
			begun := time.Now()
			if err := of.leave(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d is still there: %v", pid, err)
			}
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", folder, err)
			}
		})
	}
	t.Run("during_a_start", func(t *testing.T) {
		h := newHost(t)
		of := h.handleOf(planOf(t, "silent"), pipeline.Settings{})
		of.join()
		result := make(chan error, 1)
		go func() { _, err := of.acquire(within(t)); result <- err }()
		for running := 0; running == 0; { // until there is something to stop
			h.mu.Lock()
			running = len(h.procs)
			h.mu.Unlock()
		}
		if err := of.leave(); err != nil {
			t.Fatal(err)
		}
		if err := <-result; reasonOf(err) != "draining" {
			t.Errorf("got %v, want a failure of class draining", err)
		}
	})
	t.Run("of_the_host_ends_what_runners_left", func(t *testing.T) {
		h := New()
		of := h.handleOf(planOf(t, "ok"), pipeline.Settings{})
		of.join()
		acquired(t, of)
		pid := of.pid()
		if err := errors.Join(h.Close(), h.Close()); err != nil {
			t.Fatal(err)
		}
		gone(t, pid)
		if _, err := of.acquire(within(t)); reasonOf(err) != "draining" {
			t.Errorf("got %v, want a failure of class draining", err)
		}
		if err := of.leave(); err != nil {
			t.Error(err)
		}
	})
}

func TestDraining(t *testing.T) {
	h := newHost(t)
	h.times.young = 0
	of := joined(t, h, planOf(t, "drains"))
	s, pid := acquired(t, of), 0
	if a := of.current.Load(); a != nil {
		pid = a.life.pid()
	}
	awaitClosed(t, s.gone(), "the end of the session that the plugin wanted to end")
	if pid != 0 {
		gone(t, pid)
	}
	acquired(t, of)
}
