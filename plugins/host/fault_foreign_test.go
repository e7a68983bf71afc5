//go:build linux || darwin

package host_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/leatdev/leat/plugins/host"
)

// testProgram is the command of the test binary with such arguments.
func testProgram(t *testing.T, args ...string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{self}, args...)
}

// eachProgram runs a test with the good plugin in each language.
func eachProgram(t *testing.T, test func(t *testing.T, program []string)) {
	t.Helper()
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		test(t, testProgram(t, "as-good"))
	})
	foreign(t, test)
}

// foreign runs a test with the good plugin in each language that is not Go.
func foreign(t *testing.T, test func(t *testing.T, program []string)) {
	t.Helper()
	for _, language := range []string{"python", "node"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			test(t, faulty(t, language))
		})
	}
}

// faulty is the command of the good plugin in a language.
func faulty(t *testing.T, language string) []string {
	t.Helper()
	return host.Foreign(t, language, "host/testdata/foreign/faulty"+map[string]string{"python": ".py", "node": ".js"}[language])
}

// TestFaultTerm sends SIGTERM to a plugin with an exchange under way: that ends as it would, then the process does, and another takes over.
func TestFaultTerm(t *testing.T) { eachProgram(t, faultTerm) }

func faultTerm(t *testing.T, p []string) {
	t.Helper()
	begun, goOn := make(chan int, 1), make(chan struct{})
	w := newWorld(t, setting{program: p, handler: func(rw http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Do") == "held" {
			begun <- pidOf(req)
			<-goOn
		}
		_, _ = io.WriteString(rw, "up")
	}})
	held := make(chan answer, 1)
	go func() { held <- w.send("held") }()
	pid := <-begun
	signal(t, pid, syscall.SIGTERM)
	until(t, "an answer of another process", func() bool {
		a := w.send("")
		w.wantOK(a)
		return a.pid() != pid
	})
	select {
	case a := <-held:
		t.Errorf("the exchange under way ended early: %v", a)
	default:
	}
	if !alive(pid) {
		t.Error("the process did not wait for the exchange under way")
	}
	close(goOn)
	a := <-held
	w.wantOK(a)
	if a.pid() != pid {
		t.Errorf("process %d answered, want %d", a.pid(), pid)
	}
	until(t, "the end of the process", func() bool { return !alive(pid) })
}

// TestFaultInterrupt sends SIGINT, as a Ctrl-C in a terminal does to every process of its group: nothing comes of it.
func TestFaultInterrupt(t *testing.T) {
	eachProgram(t, func(t *testing.T, p []string) {
		w := newWorld(t, setting{program: p})
		pid := w.send("").pid()
		signal(t, pid, syscall.SIGINT)
		for range 3 {
			a := w.send("nap")
			w.wantOK(a)
			if a.pid() != pid {
				t.Errorf("process %d answered, want %d", a.pid(), pid)
			}
		}
	})
}

// TestFaultNoise has a plugin write what harms a host that is not careful, past its SDK.
func TestFaultNoise(t *testing.T) {
	foreign(t, func(t *testing.T, p []string) {
		w := newWorld(t, setting{program: p})
		first := w.send("")
		w.wantOK(first)
		write := func(to, text, times string) {
			t.Helper()
			if a := w.send("write", "X-To", to, "X-Text", text, "X-Times", times); a.body != "written" {
				t.Errorf("got %v", a)
			}
		}
		for _, to := range []string{"1", "2"} {
			for _, text := range []string{`{"@level":5}`, `{"@level":{}}`, `{"@message":[]}`, `{`, `{"level":"info","msg":7}`, "null", "[]", "\xff"} {
				write(to, text, "1")
			}
			write(to, "long on "+to+strings.Repeat("x", 1<<10), "4096")
			until(t, "the long line", func() bool { return w.logs.count("long on "+to) == 1 })
			if n := w.logs.sum("long on "+to, "cut"); n < 4<<20 {
				t.Errorf("cut is %d, want what was not kept of 4 MiB", n)
			}
			write(to, "the last on "+to, "1")
			until(t, "the record behind them", func() bool { return w.logs.count("the last on "+to) == 1 })
		}
		last := w.send("")
		w.wantOK(last)
		if last.pid() != first.pid() {
			t.Errorf("process %d answered, want %d", last.pid(), first.pid())
		}
	})
}
