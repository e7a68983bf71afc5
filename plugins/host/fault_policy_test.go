//go:build linux || darwin

package host_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// failing is a way to fail, before next was called or after.
type failing struct {
	class, when string
	setting     setting
	provoke     func(w *world) answer
}

// failings are all classes. A start can't fail after next, where there is no exchange without a process; the types that see the response
// alone have the other classes there, too.
func failings() []failing {
	const short = `timeout = "1s"` + "\n"
	do := func(what string) func(*world) answer { return func(w *world) answer { return w.send(what) } }
	stopHost := func(w *world) answer {
		w.warm()
		_ = w.host.Close()
		return w.send("")
	}
	return []failing{
		{"start", "before", setting{command: []string{"as-good", "exit"}}, do("")},
		{"crash", "before", setting{command: []string{"as-good"}}, do("die")},
		{"crash", "after", setting{command: []string{"as-good"}}, do("die-after")},
		{"crash", "after response alone", setting{command: []string{"as-good"}, typ: "after", stage: `do = "die"` + "\n"}, do("")},
		{"deadline", "before", setting{command: []string{"as-good"}, stage: short}, do("hang")},
		{"deadline", "after", setting{command: []string{"as-good"}, stage: short}, do("hang-after")},
		{"overload", "before", setting{command: []string{"as-good"}, stage: short}, (*world).overload},
		{"overload", "after response alone", setting{command: []string{"as-good"}, typ: "after", stage: short}, (*world).overload},
		{"invalid_reply", "before", setting{command: []string{"as-bad"}, typ: "narrow"}, do("header")},
		{"invalid_reply", "after", setting{command: []string{"as-bad"}, typ: "narrow"}, do("after:response-header")},
		{"draining", "before", setting{command: []string{"as-good"}}, stopHost},
		{"draining", "after response alone", setting{command: []string{"as-good"}, typ: "after"}, func(w *world) answer {
			w.warm()
			return w.send("", "X-Close", "host")
		}},
	}
}

// warm has the stage made.
func (w *world) warm() {
	w.t.Helper()
	w.wantOK(w.send(""))
}

// overload has the plugin work on one exchange, which takes the only place, and another wait for it.
func (w *world) overload() answer {
	w.warm()
	w.wantOK(w.sendTo("hold", nil))
	file := filepath.Join(w.t.TempDir(), "held")
	held := make(chan answer, 1)
	go func() { held <- w.sendTo("hold", nil, "X-Do", "hold", "X-File", file) }()
	until(w.t, "the plugin to hold it", func() bool { _, err := os.Stat(file); return err == nil })
	a := w.send("")
	if err := os.Remove(file); err != nil {
		w.t.Error(err)
	}
	w.wantOK(<-held)
	return a
}

// TestFaultPolicy has every class of failure meet everything that a file may say of it.
func TestFaultPolicy(t *testing.T) {
	t.Parallel()
	for _, policy := range []struct{ name, table string }{{"fail", ""}, {"skip", `on_failure = "skip"`}, {"respond", "on_failure = { respond = 599 }"}} {
		for _, f := range failings() {
			t.Run(f.class+" "+f.when+" "+policy.name, func(t *testing.T) {
				t.Parallel()
				s := f.setting
				s.stage += policy.table
				s.times = host.Shortened{Backoff: 5 * time.Millisecond}
				if f.class == "overload" {
					s.plugin = "max_in_flight = 1"
					s.file = "[pipelines.hold]\nbase_url = \"UPSTREAM\"\nstages = [\"holder\"]\n[stages.holder]\nuse = \"p/good\"\ntimeout = \"30s\"\n"
				}
				var w *world
				s.handler = func(rw http.ResponseWriter, req *http.Request) {
					if req.Header.Get("X-Close") != "" {
						_ = w.host.Close()
					}
					_, _ = io.WriteString(rw, "up")
				}
				w = newWorld(t, s)
				a := f.provoke(w)
				after := f.when != "before"
				switch {
				case policy.name == "respond":
					if sends := map[bool]int{true: 1}[after]; a.status() != 599 || a.body != "" || w.sent(a) != sends {
						t.Errorf("got %v, sent %d times, want 599 and %d", a, w.sent(a), sends)
					}
				case policy.name == "skip":
					w.wantOK(a)
					if a.body != "up" || a.header("X-Up") != "yes" {
						t.Errorf("got %v, want what next gave", a)
					}
				case after:
					w.wantAfter(a, f.class)
				default:
					w.wantBefore(a, f.class)
				}
			})
		}
	}
}

// TestFaultOutside has a retry around the stage: what was not sent is sent again, what was is not.
func TestFaultOutside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		do    string
		sends int
		ok    bool
	}{{"die", 0, false}, {"die-after", 1, false}, {"die-once", 1, true}} {
		t.Run(c.do, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{
				command: []string{"as-good"}, times: host.Shortened{Backoff: 5 * time.Millisecond, Most: 20 * time.Millisecond},
				file: "[pipelines.outer]\nbase_url = \"UPSTREAM\"\nstages = [\"retry\", \"s\"]\n[stages.retry]\nuse = \"retry\"\nmax_attempts = 3\nattempt_header = \"X-Attempt\"\n",
			})
			w.warm()
			a := w.sendTo("outer", nil, "X-Do", c.do)
			if (a.err == nil) != c.ok || w.sent(a) != c.sends {
				t.Errorf("got %v, sent %d times, want %d", a, w.sent(a), c.sends)
			}
		})
	}
}

// TestFaultAgain kills a stage that sends again. A response that it has let go of is nobody's any more, also where the file would skip the
// stage: what the upstream has done is told, and nothing is sent once more.
func TestFaultAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, do, table string
		status, sends   int    // of the answer; 0 is an error
		body            string // that the error has attached
	}{
		{"between", "die-between", "", 0, 1, ""},
		{"between skip", "die-between", `on_failure = "skip"`, 0, 1, ""},
		{"between respond", "die-between", "on_failure = { respond = 599 }", 599, 1, ""},
		{"inside the second", "kill-inside", "", 0, 2, "up"},
		{"inside the second skip", "kill-inside", `on_failure = "skip"`, 200, 2, ""},
		{"after the second", "die-last", "", 0, 2, "up"},
		{"after the second skip", "die-last", `on_failure = "skip"`, 200, 2, ""},
		{"not at all", "", "", 200, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{command: []string{"as-good"}, typ: "again", stage: c.table, handler: func(rw http.ResponseWriter, req *http.Request) {
				if req.Header.Get("X-Do") == "kill-inside" && req.Header.Get("X-Last") == "true" {
					killNow(req)
				}
				_, _ = io.WriteString(rw, "up")
			}})
			a := w.sendTo("api", strings.NewReader("body"), "X-Do", c.do)
			if w.sent(a) != c.sends || a.status() != c.status {
				t.Fatalf("got %v, sent %d times; want status %d, sent %d times", a, w.sent(a), c.status, c.sends)
			}
			if c.status != 0 {
				return
			}
			w.wantFailure(a, "crash", pipeline.ClassTerminal, c.sends)
			if a.err.Status != 200 || a.err.Header.Get("X-Up") != "yes" || string(a.err.Body) != c.body {
				t.Errorf("the error has status %d, headers %v and body %q, want what the upstream said last", a.err.Status, a.err.Header, a.err.Body)
			}
		})
	}
}
