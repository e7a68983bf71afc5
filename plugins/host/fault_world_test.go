//go:build linux || darwin

package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/stages/retry"
)

// answerWithin is how long any caller of these tests waits, at most: what is told is that an answer comes, and which.
const answerWithin = 15 * time.Second

// world is a runner with a plugin as a real process, and a real upstream.
type world struct {
	t        *testing.T
	host     *host.Host
	runner   *pipeline.Runner
	upstream *httptest.Server
	logs     *records
	closing  sync.Once
	mayFail  bool // to close
	subject  string

	mu    sync.Mutex
	sends map[string]int // by x-id
	ids   int
}

// setting is what a world is made of.
type setting struct {
	command  []string // "as-good" or "as-bad", and further arguments
	program  []string // in place of it: a command of its own
	typ      string   // of the stage; default "good"
	stage    string   // further keys of its table
	plugin   string   // further keys of the plugin's
	env      string   // what it gets of the environment
	pipeline string   // further keys of the pipeline's
	file     string   // further tables
	subject  string   // of the calls
	handler  http.HandlerFunc
	times    host.Shortened
	hostOpts []host.Option
	opts     []pipeline.Option
}

const worldFile = `version = 1
[plugins.p]
command = [%s]
start_timeout = "30s"
env = [%s]
%s
[pipelines.api]
base_url = %q
stages = ["s"]
%s
[stages.s]
use = "p/%s"
%s
%s
`

// file writes the file of a setting.
func (s *setting) text(t *testing.T, url string) string {
	t.Helper()
	if s.program == nil {
		s.program = testProgram(t, s.command...)
	}
	command := make([]string, 0, 3)
	for _, word := range s.program {
		quoted, err := json.Marshal(word)
		if err != nil {
			t.Fatal(err)
		}
		command = append(command, string(quoted))
	}
	if s.typ == "" {
		s.typ = "good"
	}
	if s.env == "" { // the race detector holds every process up at its end
		s.env = `"GORACE=atexit_sleep_ms=0"`
	}
	return fmt.Sprintf(worldFile, strings.Join(command, ", "), s.env, s.plugin, url, s.pipeline, s.typ, s.stage, strings.ReplaceAll(s.file, "UPSTREAM", url))
}

func newWorld(t *testing.T, s setting) *world {
	t.Helper()
	w := &world{t: t, sends: map[string]int{}, logs: &records{}, subject: s.subject}
	w.upstream = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w.mu.Lock()
		w.sends[req.Header.Get("X-Id")]++
		w.mu.Unlock()
		rw.Header().Set("X-Up", "yes")
		if s.handler != nil {
			s.handler(rw, req)
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = fmt.Fprintf(rw, "up ok=%s", req.Header.Get("X-Ok"))
	}))
	logger := slog.New(w.logs)
	w.host = host.New(append([]host.Option{host.WithLogger(logger), host.WithTimes(s.times)}, s.hostOpts...)...)
	var err error
	w.runner, err = pipeline.OpenBytes(t.Context(), "pipelines.toml", []byte(s.text(t, w.upstream.URL)),
		append(s.opts, pipeline.WithPlugins(w.host), pipeline.WithLogger(logger), pipeline.WithStages(retry.Factory()))...)
	if err != nil {
		w.upstream.Close()
		_ = w.host.Close()
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// close ends everything, in its order; it may be called before the test's end.
func (w *world) close() {
	w.closing.Do(func() {
		if err := errors.Join(w.runner.Close(), w.host.Close()); err != nil && !w.mayFail {
			w.t.Error(err)
		}
		w.upstream.Close()
	})
}

// answer is what a caller got.
type answer struct {
	id   string
	resp *http.Response // its body was read
	body string
	err  *pipeline.Error
}

// status is that of the response, 0 of an error.
func (a answer) status() int {
	if a.resp == nil {
		return 0
	}
	return a.resp.StatusCode
}

// pid is the plugin process that had the exchange.
func (a answer) pid() int {
	n, _ := strconv.Atoi(a.header("X-Pid") + a.header("X-Ok"))
	return n
}

func (a answer) header(name string) string {
	if a.resp == nil {
		return ""
	}
	return a.resp.Header.Get(name)
}

func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("error %v (class %s, status %d, body %q)", a.err, a.err.Class, a.err.Status, a.err.Body)
	}
	return fmt.Sprintf("status %d, body %q", a.status(), a.body[:min(len(a.body), 200)])
}

// request makes one to a pipeline, with headers in pairs.
func (w *world) request(ctx context.Context, name string, body io.Reader, headers ...string) (*http.Request, *pipeline.Pipeline) {
	p, err := w.runner.Pipeline(name)
	if err != nil {
		w.t.Error(err)
		return nil, nil
	}
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	if w.subject != "" {
		ctx = pipeline.With(ctx, pipeline.Subject(w.subject))
	}
	req, err := p.NewRequest(ctx, method, "/", body)
	if err != nil {
		w.t.Error(err)
		return nil, nil
	}
	w.mu.Lock()
	w.ids++
	req.Header.Set("X-Id", strconv.Itoa(w.ids))
	w.mu.Unlock()
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req, p
}

// send sends a request whose x-do is that, and returns what came of it. No answer in time fails the test.
func (w *world) send(do string, headers ...string) answer {
	return w.sendTo("api", nil, append([]string{"X-Do", do}, headers...)...)
}

func (w *world) sendTo(name string, body io.Reader, headers ...string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), 2*answerWithin)
	defer cancel()
	req, p := w.request(ctx, name, body, headers...)
	if req == nil {
		return answer{}
	}
	begun := time.Now()
	a := finish(req, p)
	if took := time.Since(begun); took > answerWithin {
		w.t.Errorf("the answer to %v took %s: %v", headers, took, a)
	}
	return a
}

func finish(req *http.Request, p *pipeline.Pipeline) answer {
	a := answer{id: req.Header.Get("X-Id")}
	resp, err := p.RoundTrip(req)
	if err == nil {
		var text []byte
		text, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		a.resp, a.body = resp, string(text)
	}
	if err != nil {
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok {
			e = &pipeline.Error{Kind: "untyped", Message: err.Error()}
		}
		a.resp, a.err = nil, e
	}
	return a
}

// sent is how often the upstream got the request of a.
func (w *world) sent(a answer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sends[a.id]
}

// wantOK checks that a is an answer of the upstream, sent once.
func (w *world) wantOK(a answer) {
	w.t.Helper()
	if a.status() != http.StatusOK || w.sent(a) != 1 {
		w.t.Errorf("got %v, sent %d times, want 200 and once", a, w.sent(a))
	}
}

// wantBefore checks that a is a failure of that class, of which the upstream got nothing. One that would come again is not to be tried again.
func (w *world) wantBefore(a answer, class string) {
	w.t.Helper()
	again := pipeline.ClassNotSent
	if class == "invalid_reply" {
		again = pipeline.ClassTerminal
	}
	w.wantFailure(a, class, again, 0)
}

// wantAfter checks that a is a failure of that class after the upstream had answered, with its response attached.
func (w *world) wantAfter(a answer, class string) {
	w.t.Helper()
	w.wantFailure(a, class, pipeline.ClassTerminal, 1)
	if e := a.err; e != nil && (e.Status != http.StatusOK || e.Header.Get("X-Up") != "yes" || !strings.HasPrefix(string(e.Body), "up")) {
		w.t.Errorf("the response is not attached to %v", a)
	}
}

func (w *world) wantFailure(a answer, reason string, class pipeline.Class, sends int) {
	w.t.Helper()
	e := a.err
	if e == nil || e.Kind != pipeline.KindPlugin || e.Reason != reason || e.Class != class || e.Stage != "s" || e.Pipeline != "api" || w.sent(a) != sends {
		w.t.Errorf("got %v, sent %d times; want kind plugin, reason %s, class %s, sent %d times", a, w.sent(a), reason, class, sends)
	}
}
