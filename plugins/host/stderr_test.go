//go:build linux || darwin

package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// book collects log records, as JSON.
type book struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *book) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (b *book) records(t *testing.T) []map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []map[string]any
	for dec := json.NewDecoder(bytes.NewReader(b.b.Bytes())); dec.More(); {
		var m map[string]any
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestLogLine(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{
			"hclog", `{"@level":"warn","@message":"slow","@module":"plugin.hmac","@timestamp":"2026-01-02T03:04:05.678901Z","trace_id":"4bf92f","stage":"sign"}`,
			`{"level":"WARN","msg":"slow","module":"plugin.hmac","stage":"sign","time":"2026-01-02T03:04:05.678901Z","trace_id":"4bf92f"}`,
		},
		{
			"slog", `{"time":"2026-01-02T03:04:05Z","level":"WARN+2","msg":"m","n":3,"x":1.5,"on":true,"g":{"a":[1]}}`,
			`{"g":"{\"a\":[1]}","level":"WARN+2","msg":"m","n":3,"on":true,"time":"2026-01-02T03:04:05Z","x":1.5}`,
		},
		{
			"zap", `{"level":"error","ts":1767323045.5,"caller":"a.go:1","msg":"no","pid":7}`,
			`{"caller":"a.go:1","level":"ERROR","msg":"no","plugin_pid":7,"time":"2026-01-02T03:04:05.5Z"}`,
		},
		{"secrets", `{"msg":"token=abcdefghijklmnop","password":"hunter2","n":1}`, `{"level":"INFO","msg":"token=***","n":1,"password":"***"}`},
		{"level_of_another_kind", `{"@level":5}`, `{"level":"INFO","msg":"{\"@level\":5}"}`},
		{"message_of_another_kind", `{"@level":"error","@message":[1]}`, `{"level":"INFO","msg":"{\"@level\":\"error\",\"@message\":[1]}"}`},
		{"numbers_that_are_none", `{"msg":"m","level":{},"ts":1e400,"n":1e400}`, `{"level":"INFO","msg":"m","n":"1e400"}`},
		{"two_objects", `{"msg":"m"} {}`, `{"level":"INFO","msg":"{\"msg\":\"m\"} {}"}`},
		{"half_an_object", `{"msg":"m"`, `{"level":"INFO","msg":"{\"msg\":\"m\""}`},
		{"text", `plain words, no error here`, `{"level":"INFO","msg":"plain words, no error here"}`},
		{"bracket", `2026/01/02 03:04:05 [WARN] careful`, `{"level":"WARN","msg":"2026/01/02 03:04:05 [WARN] careful"}`},
		{"word", `ERROR: broken`, `{"level":"ERROR","msg":"ERROR: broken"}`},
		{"logfmt", `time=2026-01-02T03:04:05Z level=DEBUG msg=x`, `{"level":"DEBUG","msg":"time=2026-01-02T03:04:05Z level=DEBUG msg=x"}`},
		{"panic", `panic: oh no`, `{"level":"ERROR","msg":"panic: oh no"}`},
		{"fatal", `fatal error: all goroutines are asleep`, `{"level":"ERROR","msg":"fatal error: all goroutines are asleep"}`},
		{"terminal", "\x1b[31mred\x07", `{"level":"INFO","msg":"[31mred"}`},
		{"no_utf8", "a\xffb", `{"level":"INFO","msg":"a?b"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out book
			l := newLogs("raw", out.logger(), nil)
			fmt.Fprintln(l.stream("stderr"), c.line)
			records := out.records(t)
			if len(records) != 1 {
				t.Fatalf("got %v", records)
			}
			got := records[0]
			if got["plugin"] != "raw" || got["pid"] == nil {
				t.Errorf("got %v, want it to name the process", got)
			}
			delete(got, "plugin")
			delete(got, "pid")
			var want map[string]any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if want["time"] == nil {
				delete(got, "time")
			} else if at, ok := got["time"].(string); ok {
				got["time"] = strings.Replace(at, "+00:00", "Z", 1)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStderr(t *testing.T) {
	t.Run("keeps_no_more_of_a_line_than_is_bounded", func(t *testing.T) {
		var out book
		l := newLogs("raw", out.logger(), nil)
		w := l.stream("stderr")
		for range 1000 {
			fmt.Fprint(w, strings.Repeat("x", 10<<10))
		}
		if cap(w.buf) > 2*longestLine {
			t.Errorf("it keeps %d bytes", cap(w.buf))
		}
		l.flush()
		got := out.records(t)
		if len(got) != 1 || got[0]["cut"] != float64(1000*10<<10-longestLine) {
			t.Errorf("got %d records, cut %v", len(got), got[0]["cut"])
		}
	})
	t.Run("counts_what_comes_too_fast", func(t *testing.T) {
		var out book
		l := newLogs("raw", out.logger(), nil)
		w := l.stream("stderr")
		const wrote = 20 * lineBurst
		for range wrote {
			fmt.Fprintln(w, "more")
		}
		l.flush()
		kept, dropped := 0, 0
		for _, r := range out.records(t) {
			if n, ok := r["dropped"].(float64); ok {
				dropped += int(n)
			} else {
				kept++
			}
		}
		if kept < lineBurst || dropped == 0 || kept+dropped != wrote {
			t.Errorf("kept %d, dropped %d", kept, dropped)
		}
	})
	t.Run("of_a_process_can_hold_anything", func(t *testing.T) {
		var out book
		h := newHost(t, WithLogger(out.logger()))
		of := h.handleOf(planOf(t, "stderr", "{\"@level\":5}\n{\"@level\":\"error\",\"@message\":\"told\",\"trace_id\":\"t\"}\nLONG\nno end"), pipeline.Settings{})
		of.join()
		acquired(t, of)
		pid := of.pid()
		if err := of.leave(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range out.records(t) {
			if msg, _ := r["msg"].(string); r["level"] != "DEBUG" && r["msg"] != "plugin started" {
				got = append(got, fmt.Sprintf("%v %.20s %v", r["level"], msg, r["pid"]))
			}
		}
		want := []string{
			fmt.Sprintf(`INFO {"@level":5} %d`, pid), fmt.Sprintf("ERROR told %d", pid),
			fmt.Sprintf("INFO %s %d", strings.Repeat("x", 20), pid), fmt.Sprintf("INFO no end{\"@level\":\"deb %d", pid),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStderr_of_a_process_that_runners_share(t *testing.T) {
	first, second := redact.New(redact.Rules{}), redact.New(redact.Rules{})
	second.Learn(redact.NewSecret("correct-horse"))
	var out lockedText
	h := newHost(t, WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	plan := planOf(t, "serve")
	a, err := h.process(plan, "key", nil, first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.process(plan, "key", nil, second)
	if err != nil || a != b {
		t.Fatal(err)
	}
	if got := a.logs.redact("it is correct-horse"); strings.Contains(got, "correct-horse") {
		t.Errorf("got %q", got)
	}
	h.release(b, second)
	if len(a.logs.users) != 0 {
		t.Error("the secrets of a runner that has left are kept")
	}
	h.release(a, first)
}
