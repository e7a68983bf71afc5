//go:build linux || darwin

package host_test

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// TestFaultOutput has a plugin write what harms a host that is not careful. It runs alone: it measures what the host allocates.
func TestFaultOutput(t *testing.T) {
	w := newWorld(t, setting{command: []string{"as-good"}})
	first := w.send("")
	w.wantOK(first)
	write := func(t *testing.T, to, text, times, lines string) {
		t.Helper()
		a := w.send("write", "X-To", to, "X-Text", text, "X-Times", times, "X-Lines", lines)
		if a.body != "written" {
			t.Errorf("got %v", a)
		}
	}
	for _, to := range []string{"1", "2", "stdout", "stderr"} {
		t.Run("noise_on_"+to, func(t *testing.T) {
			text := "noise on " + to
			write(t, to, text, "1", "")
			until(t, "the record", func() bool { return w.logs.count(text) == 1 })
		})
	}
	for _, to := range []string{"2", "stderr"} {
		t.Run("a_line_that_breaks_parsers_on_"+to, func(t *testing.T) {
			for _, text := range []string{`{"@level":5}`, `{"@level":{}}`, `{"@message":[]}`, `{`, `{"level":"info","msg":7}`, "null", "[]", "\x00\xff"} {
				write(t, to, text, "1", "")
			}
			write(t, to, "the last on "+to, "1", "")
			until(t, "the record behind them", func() bool { return w.logs.count("the last on "+to) == 1 })
		})
	}
	for _, to := range []string{"2", "stderr"} {
		t.Run("a_line_of_40_MB_on_"+to, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(10)) // the heap is then what is kept, and little else
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			write(t, to, "long on "+to+strings.Repeat("x", 1<<10), "40960", "")
			until(t, "the record", func() bool { return w.logs.count("long on "+to) == 1 })
			runtime.ReadMemStats(&after)
			if n := w.logs.sum("long on "+to, "cut"); n < 40<<20 {
				t.Errorf("cut is %d, want what was not kept of 40 MiB", n)
			}
			grown := int64(after.HeapInuse) - int64(before.HeapInuse)
			if grown > 20<<20 { // a few MiB are under way
				t.Errorf("the host's heap grew by %d bytes", grown)
			}
			t.Logf("the heap grew by %d bytes, %d were allocated", grown, after.TotalAlloc-before.TotalAlloc)
		})
	}
	t.Run("more_lines_than_anybody_reads", func(t *testing.T) {
		const lines = 20000
		write(t, "2", "flood", "20000", "yes")
		until(t, "that lines were dropped", func() bool {
			write(t, "2", "after the flood", "1", "")
			return w.logs.count("plugin wrote too many lines") > 0
		})
		if a := w.send(""); a.pid() != first.pid() {
			t.Errorf("got %v of process %d, want %d", a, a.pid(), first.pid())
		}
		w.close() // which tells how many were dropped last
		if n := w.logs.count("line "); n < 100 || n > 5000 {
			t.Errorf("got %d records of %d lines, want about 1000", n, lines)
		}
		if n := w.logs.sum("plugin wrote too many lines", "dropped"); n < 10000 {
			t.Errorf("dropped is %d of %d lines", n, lines)
		}
	})
}

// TestFaultStart has a plugin end at its start: callers hear of it in time, and why.
func TestFaultStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{command: []string{"as-good", "exit"}})
	for range 3 {
		a := w.send("")
		w.wantBefore(a, "start")
		if a.err != nil && !strings.Contains(a.err.Message, "it exited with code 3 before it answered") {
			t.Errorf("the error does not tell why: %v", a.err)
		}
	}
	p, err := w.runner.Pipeline("api")
	if err != nil {
		t.Fatal(err)
	}
	if got := pipeline.KindOf(p.Start(t.Context())); got != pipeline.KindPlugin {
		t.Errorf("Start gave kind %q", got)
	}
}

// TestFaultEnvironment has a plugin tell its environment.
func TestFaultEnvironment(t *testing.T) {
	t.Setenv("LEAT_TEST_SECRET", "hidden")
	t.Setenv("LEAT_TEST_SHOWN", "shown")
	for _, c := range []struct {
		name, tls string
		more      []string
	}{{"plain", "", nil}, {"tls", "tls = true", []string{"PLUGIN_CLIENT_CERT"}}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, setting{command: []string{"as-good"}, plugin: c.tls, env: `"LEAT_TEST_SHOWN", "LEAT_TEST_SET=a=b", "LEAT_TEST_UNSET"`})
			a := w.send("env")
			var names []string
			for entry := range strings.SplitSeq(a.body, "\n") {
				if !strings.Contains(entry, "=") {
					continue // a certificate has several lines
				}
				if name, _, _ := strings.Cut(entry, "="); strings.ToUpper(name) == name && strings.Contains(name, "_") {
					names = append(names, name)
				}
			}
			want := append([]string{
				"LEAT_PLUGIN", "LEAT_TEST_SET", "LEAT_TEST_SHOWN", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR",
			}, c.more...)
			slices.Sort(names)
			slices.Sort(want)
			if !slices.Equal(names, want) || strings.Contains(a.body, "hidden") || !strings.Contains(a.body, "LEAT_TEST_SHOWN=shown") {
				t.Errorf("got  %v\nwant %v\nof %v", names, want, a)
			}
		})
	}
}

// TestFaultTLS kills a plugin whose connection has certificates: the next process has others.
func TestFaultTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{command: []string{"as-good"}, plugin: "tls = true", times: host.Shortened{Backoff: 5 * time.Millisecond}})
	w.wantOK(w.send(""))
	w.wantBefore(w.send("die"), "crash")
	w.wantOK(w.send(""))
	w.wantAfter(w.send("die-after"), "crash")
	w.wantOK(w.send(""))
}
