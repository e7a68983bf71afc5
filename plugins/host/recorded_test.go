//go:build linux || darwin

package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatdev/leat/pipeline"
)

// recordedDir has a tape of each released SDK, NAME-VERSION.tape, and what must come of all of them.
const recordedDir = "testdata/recorded"

// TestRecorded has today's host talk to each SDK as it was released, by the frames that it has sent then: the outcomes are what they were.
// LEAT_RECORD=go-0.1.0 makes a tape, of the plugin that the tests have in that language now, and outcomes.txt where there is none; Go's wants
// -trimpath, too, for a stack is in it.
func TestRecorded(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string {
		p, err := filepath.Abs(filepath.Join(recordedDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if name := os.Getenv("LEAT_RECORD"); name != "" {
		tape := filepath.Join(t.TempDir(), "tape")
		language, _, _ := strings.Cut(name, "-")
		got := converse(t, append([]string{self, "as-recorder", tape}, recordedCommand(t, self, language)...))
		text, err := os.ReadFile(tape)
		if err != nil {
			t.Fatal(err)
		}
		comment := fmt.Sprintf("# What SDK %s sent in the conversation of recorded_test.go; recorded_tape_test.go says how to read it.\n", name)
		if err := os.WriteFile(path(name+".tape"), append([]byte(comment), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path("outcomes.txt")); err != nil {
			if err := os.WriteFile(path("outcomes.txt"), []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := os.ReadFile(path("outcomes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	tapes, err := filepath.Glob(filepath.Join(recordedDir, "*.tape"))
	if err != nil || len(tapes) == 0 {
		t.Fatalf("no tapes: %v", err)
	}
	for _, tape := range tapes {
		name := filepath.Base(tape)
		t.Run(strings.TrimSuffix(name, ".tape"), func(t *testing.T) {
			if diff := cmp.Diff(string(want), converse(t, []string{self, "as-player", path(name)})); diff != "" {
				t.Errorf("outcomes (- then, + now):\n%s", diff)
			}
		})
	}
}

// TestRecorded_now has the host talk to the SDK itself, which must do what it did.
func TestRecorded_now(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(recordedDir, "outcomes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"go", "python", "node"} {
		t.Run(language, func(t *testing.T) {
			if diff := cmp.Diff(string(want), converse(t, recordedCommand(t, self, language))); diff != "" {
				t.Errorf("outcomes (- then, + now):\n%s", diff)
			}
		})
	}
}

// recordedCommand runs the plugin that is recorded, in that language.
func recordedCommand(t *testing.T, self, language string) []string {
	t.Helper()
	if language == "go" {
		return []string{self, "as-recorded"}
	}
	return Foreign(t, language, "host/testdata/foreign/recorded"+map[string]string{"python": ".py", "node": ".js"}[language])
}

const recordedFile = `version = 1
[plugins.p]
command = %s
start_timeout = "30s"
env = ["PATH", "GORACE=atexit_sleep_ms=0"]
[credentials.key]
type = "api-key"
origins = ["https://upstream.test"]
header = "X-Api-Key"
key = { env = "KEY" }
`

// conversation is what a host says to the plugin, and what comes of it.
type conversation struct {
	t      *testing.T
	runner *pipeline.Runner

	mu       sync.Mutex
	outcomes strings.Builder
	busy     bool
}

func (c *conversation) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.outcomes, format+"\n", args...)
}

// converse has a new host talk to a plugin, and returns what came of it.
func converse(t *testing.T, command []string) string {
	t.Helper()
	words, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(recordedFile, words)
	for _, typ := range []string{"edit", "last", "end", "twice", "bodies", "digest", "after", "watch"} {
		text += fmt.Sprintf("[pipelines.%s]\nbase_url = \"https://upstream.test\"\ntimeout = \"30s\"\nstages = [%q]\ncredential = \"key\"\n[stages.%s]\nuse = \"p/%s\"\ntimeout = \"20s\"\n", typ, typ, typ, typ)
	}
	c := &conversation{t: t}
	var heard []string
	logger := slog.New(&hears{note: func(r slog.Record) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.Message != "seen" && r.Message != "ended" {
			return
		}
		line := fmt.Sprintf("log %s %s", r.Level, r.Message)
		r.Attrs(func(a slog.Attr) bool {
			if slices.Contains([]string{"n", "text", "status"}, a.Key) {
				line += " " + a.String()
			}
			return true
		})
		heard = append(heard, line)
	}})
	spans := tracetest.NewSpanRecorder()
	h := New(WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	defer h.Close()
	c.runner, err = pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(text), pipeline.WithPlugins(h), pipeline.WithLogger(logger), pipeline.WithEnviron(nil),
		pipeline.WithSecrets(map[string]string{"KEY": "opensesame"}), pipeline.WithTransport("*", roundTripper(c.upstream)),
		pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))),
		pipeline.WithObserver(func(_ *pipeline.Call, e pipeline.Event) {
			if e.Name == "noted" {
				c.note("  event %s: %s, %s", e.Name, e.Reason, e.Text)
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	c.check(h, command)
	c.calls()
	if err := errors.Join(c.runner.Close(), h.Close()); err != nil {
		t.Error(err)
	}
	c.spans(spans.Ended())
	slices.Sort(heard)
	for _, line := range heard {
		c.note("%s", line)
	}
	return c.outcomes.String()
}

// hears is a slog.Handler.
type hears struct {
	slog.Handler

	note func(slog.Record)
}

func (*hears) Enabled(context.Context, slog.Level) bool        { return true }
func (h *hears) Handle(_ context.Context, r slog.Record) error { h.note(r); return nil }
func (h *hears) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h *hears) WithGroup(string) slog.Handler                 { return h }

// calls are the calls of the conversation, one after the other.
func (c *conversation) calls() {
	ctx := pipeline.With(c.t.Context(), pipeline.Subject("ann"), pipeline.Operation("order"), pipeline.Label("team", "red"), pipeline.IdempotencyKey("k1"))
	c.call(ctx, "edit", "/a?q=1", "hello", "X-In", "in", "X-Gone", "yes", "X-Unseen", "stays")
	ctx = c.t.Context()
	c.call(ctx, "last", "/last", "")
	for _, do := range []string{"error", "panic", "small", "large", "pass"} {
		c.call(ctx, "end", "/end", "", "X-Do", do)
	}
	for _, do := range []string{"again", "other"} {
		c.call(ctx, "end", "/lost", "", "X-Do", do)
	}
	c.busy = true
	c.call(ctx, "twice", "/busy", "once more")
	c.call(ctx, "bodies", "/small", "small")
	c.call(ctx, "bodies", "/large", strings.Repeat("large", 20_000))
	c.call(ctx, "digest", "/digest", strings.Repeat("digest", 20_000))
	c.call(ctx, "after", "/after", "")
	c.call(ctx, "watch", "/watch", "")
	c.call(ctx, "watch", "/lost", "")
}

// call makes a call, and notes what comes of it.
func (c *conversation) call(ctx context.Context, name, path, body string, headers ...string) {
	c.note("%s %s %s", name, path, strings.Join(headers, " "))
	p, err := c.runner.Pipeline(name)
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := p.NewRequest(ctx, http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		e, _ := errors.AsType[*pipeline.Error](err)
		if e == nil {
			c.t.Fatalf("%s: %v", name, err)
		}
		if strings.HasPrefix(e.Message, "panic: ") && strings.HasSuffix(e.Message, "as it was asked to") {
			e.Message = "panic: as it was asked to" // some languages name the exception's class
		}
		c.note("  error kind=%s class=%s reason=%s stage=%s attempts=%d sends=%d message=%q", e.Kind, e.Class, e.Reason, e.Stage, e.Attempts, e.Sends, e.Message)
		return
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	c.note("  answer %d%s %s%v", resp.StatusCode, shownHeaders(resp.Header), brief(data), onlyErr(err))
}

func onlyErr(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// upstream notes what it gets.
func (c *conversation) upstream(req *http.Request) (*http.Response, error) {
	var data []byte
	if req.Body != nil {
		data, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	c.note("  sent %s %s%s %s", req.Method, req.URL, shownHeaders(req.Header), brief(data))
	status, text := http.StatusOK, "up"
	switch {
	case req.URL.Path == "/lost":
		return nil, errors.New("it is lost")
	case req.URL.Path == "/busy" && c.busy:
		c.busy, status = false, http.StatusServiceUnavailable
	case req.URL.Path == "/large":
		text = strings.Repeat("up", 50_000)
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"X-Up": {"yes"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}
