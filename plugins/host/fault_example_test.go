//go:build linux || darwin

package host_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// example is one of plugins/examples in another language, as a user has it.
type example struct {
	setting  func(*testing.T) setting
	troubled func(*testing.T) []string // its program with an SDK that brings the trouble over its stages that a call's subject asks for
	header   string                    // of the request: what the stage has done to it
	value    string
}

// examples are the tenant, in Python, and the partner, in JavaScript.
func examples() map[string]example {
	return map[string]example{
		"tenant": {func(t *testing.T) setting {
			t.Helper()
			sdk, err := filepath.Abs("../python")
			if err != nil {
				t.Fatal(err)
			}
			return setting{
				program: host.Foreign(t, "python", "examples/tenant/tenant.py"), typ: "header", subject: "acme",
				env: fmt.Sprintf(`"PATH", "PYTHONPATH=%s", "PYTHONDONTWRITEBYTECODE=1"`, sdk), stage: `echo = { header = "X-Up" }`,
			}
		}, func(t *testing.T) []string {
			t.Helper()
			trouble := host.Foreign(t, "python", "host/testdata/foreign/trouble.py")
			return append(trouble, host.Foreign(t, "python", "examples/tenant/tenant.py")[1])
		}, "X-Tenant", "acme"},
		"partner": {func(t *testing.T) setting {
			t.Helper()
			return setting{
				program: partner(t, nodeSDK(t)), typ: "token", env: `"PATH"`, pipeline: `credential = "partner"`,
				file: "[credentials.partner]\ntype = \"api-key\"\norigins = [\"UPSTREAM\"]\nheader = \"X-Ticket\"\nkey = { cmd = [\"echo\", \"ticket\"] }",
			}
		}, func(t *testing.T) []string { t.Helper(); return partner(t, troubledSDK(t)) }, "X-Ticket", "ticket"},
	}
}

// nodeSDK is the folder of this tree's SDK for Node.
func nodeSDK(t *testing.T) string {
	t.Helper()
	sdk, err := filepath.Abs("../node")
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

// troubledSDK is the folder of a package that stands for it.
func troubledSDK(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	code, err := os.ReadFile("testdata/foreign/trouble.js")
	if err == nil {
		code = bytes.ReplaceAll(code, []byte("'SDK'"), fmt.Appendf(nil, "%q", filepath.Join(nodeSDK(t), "src/index.js")))
		err = os.WriteFile(filepath.Join(dir, "index.js"), code, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type": "module", "exports": "./index.js"}`), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// partner is the command of that example, in a folder where it has that SDK.
func partner(t *testing.T, sdk string) []string {
	t.Helper()
	command := host.Foreign(t, "node", "examples/partner/partner.js")
	from, dir := filepath.Dir(command[1]), t.TempDir()
	for _, name := range []string{"partner.js", "ticket.js", "token.js", "package.json"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := os.MkdirAll(filepath.Join(dir, "node_modules/@leatdev"), 0o700)
	if err == nil {
		err = os.Symlink(sdk, filepath.Join(dir, "node_modules/@leatdev/plugin"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return []string{command[0], filepath.Join(dir, "partner.js")}
}

// pidNow is the number of the process that the host has started last.
func (w *world) pidNow() int { return int(w.logs.last("plugin started", "pid").Int64()) }

// echo answers as both examples want it.
func (e example) echo(rw http.ResponseWriter, req *http.Request) {
	rw.Header().Set("X-Up", "acme")
	_, _ = io.WriteString(rw, "up "+req.Header.Get(e.header))
}

// wantServed checks that the stage did its work.
func (e example) wantServed(w *world, a answer) {
	w.t.Helper()
	w.wantOK(a)
	if a.body != "up "+e.value {
		w.t.Errorf("the upstream got %q, want %q", a.body, "up "+e.value)
	}
}

// TestFaultExample brings trouble over the examples.
func TestFaultExample(t *testing.T) {
	for name, e := range examples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("killed", func(t *testing.T) { e.killed(t) })
			t.Run("stopped", func(t *testing.T) { e.stopped(t) })
			t.Run("told_to_end", func(t *testing.T) { e.told(t) })
			t.Run("drained", func(t *testing.T) { e.drained(t) })
			t.Run("exception", func(t *testing.T) { e.exception(t) })
			t.Run("garbage", func(t *testing.T) { e.garbage(t) })
			t.Run("host_killed", func(t *testing.T) {
				s := e.setting(t)
				s.handler = e.echo
				faultHostKill(t, s)
			})
		})
	}
}

func (e example) killed(t *testing.T) {
	t.Helper()
	var kill atomic.Int64
	s := e.setting(t)
	s.times = host.Shortened{Backoff: 5 * time.Millisecond, Most: 50 * time.Millisecond}
	s.handler = func(rw http.ResponseWriter, req *http.Request) {
		if pid := kill.Swap(0); pid > 0 {
			_ = syscall.Kill(int(pid), syscall.SIGKILL)
			for alive(int(pid)) {
				<-time.After(time.Millisecond)
			}
		}
		e.echo(rw, req)
	}
	w := newWorld(t, s)
	e.wantServed(w, w.send(""))
	before := w.pidNow()
	signal(t, before, syscall.SIGKILL)
	until(t, "a record of the crash", func() bool { return w.logs.count("plugin failed") == 1 })
	e.wantServed(w, w.send(""))
	if w.pidNow() == before {
		t.Errorf("process %d answered, which was killed", before)
	}
	kill.Store(int64(w.pidNow()))
	a := w.send("")
	w.wantFailure(a, "crash", pipeline.ClassTerminal, 1)
	if a.err != nil && a.err.Status != http.StatusOK {
		t.Errorf("the response is not attached to %v", a)
	}
	e.wantServed(w, w.send(""))
}

func (e example) stopped(t *testing.T) {
	t.Helper()
	s := e.setting(t)
	s.stage += "\ntimeout = \"1s\""
	s.handler = e.echo
	w := newWorld(t, s)
	e.wantServed(w, w.send(""))
	pid := w.pidNow()
	host.Freeze(t, pid)
	w.wantBefore(w.send(""), "deadline")
	var last answer
	until(t, "an answer", func() bool { last = w.send(""); return last.err == nil })
	e.wantServed(w, last)
	until(t, "the end of the stopped process", func() bool { return !alive(pid) })
}

func (e example) told(t *testing.T) {
	t.Helper()
	begun, goOn := make(chan struct{}, 1), make(chan struct{})
	s := e.setting(t)
	s.handler = func(rw http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Do") == "held" {
			begun <- struct{}{}
			<-goOn
		}
		e.echo(rw, req)
	}
	w := newWorld(t, s)
	held := make(chan answer, 1)
	go func() { held <- w.send("held") }()
	<-begun
	pid := w.pidNow()
	signal(t, pid, syscall.SIGTERM)
	until(t, "another process", func() bool { e.wantServed(w, w.send("")); return w.pidNow() != pid })
	close(goOn)
	e.wantServed(w, <-held)
	until(t, "the end of the process", func() bool { return !alive(pid) })
}

func (e example) drained(t *testing.T) {
	t.Helper()
	const calls = 100
	var begun atomic.Int32
	all, goOn := make(chan struct{}), make(chan struct{})
	s := e.setting(t)
	s.handler = func(rw http.ResponseWriter, req *http.Request) {
		if begun.Add(1) == calls {
			close(all)
		}
		<-goOn
		e.echo(rw, req)
	}
	w := newWorld(t, s)
	answers := make(chan answer, calls)
	for range calls {
		go func() { answers <- w.send("") }()
	}
	<-all
	pid, closed := w.pidNow(), make(chan error, 1)
	go func() { closed <- w.runner.Close() }()
	close(goOn)
	for range calls {
		e.wantServed(w, <-answers)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	until(t, "the end of the process", func() bool { return !alive(pid) })
}

// exception has something throw within the example's own function, on the way there and on the way back: it ends that exchange and nothing else.
func (e example) exception(t *testing.T) {
	t.Helper()
	s := e.setting(t)
	s.program, s.handler = e.troubled(t), e.echo
	w := newWorld(t, s)
	e.wantServed(w, w.send(""))
	before := w.pidNow()
	for subject, sends := range map[string]int{"panic": 0, "panic-after": 1} {
		w.subject = subject
		a := w.send("")
		if a.err == nil || a.err.Kind != pipeline.KindInternal || !strings.Contains(a.err.Message, "as it was asked to") || a.err.Stage != "s" || w.sent(a) != sends {
			t.Errorf("%s: got %v, sent %d times, want an error of kind internal, and %d", subject, a, w.sent(a), sends)
		}
	}
	w.subject = s.subject
	e.wantServed(w, w.send(""))
	if now := w.pidNow(); now != before {
		t.Errorf("process %d answered, want %d: an exception ends no process", now, before)
	}
}

// garbage has the example write what harms a host that is not careful while an exchange is under way: that is answered, and the lines are kept.
func (e example) garbage(t *testing.T) {
	t.Helper()
	s := e.setting(t)
	s.program = e.troubled(t)
	s.handler = func(rw http.ResponseWriter, req *http.Request) {
		rw.Header().Set("X-Up", req.Header.Get(e.header)) // the tenant is another one here
		_, _ = io.WriteString(rw, "up")
	}
	w := newWorld(t, s)
	w.wantOK(w.send(""))
	before := w.pidNow()
	for i, to := range []string{"1", "2"} {
		w.subject = "write-" + to
		w.wantOK(w.send(""))
		until(t, "the record behind all lines", func() bool { return w.logs.count("the last on "+to) == 1 })
		if n := w.logs.sum("long on "+to, "cut"); n < 3<<20 {
			t.Errorf("on %s cut is %d, want what was not kept of 4 MiB", to, n)
		}
		if n := w.logs.count(`{"@level":5}`); n != i+1 {
			t.Errorf("after %s the odd line has %d records, want %d", to, n, i+1)
		}
	}
	w.subject = s.subject
	w.wantOK(w.send(""))
	if now := w.pidNow(); now != before {
		t.Errorf("process %d answered, want %d", now, before)
	}
}

// last is an attribute of the latest record with a message that begins so.
func (r *records) last(message, key string) (value slog.Value) {
	r.mu.Lock()
	all := r.all
	r.mu.Unlock()
	for _, rec := range slices.Backward(all) {
		one := &records{all: []slog.Record{rec}}
		if one.count(message) > 0 {
			return one.attr(message, key)
		}
	}
	return value
}
