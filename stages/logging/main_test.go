package logging

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, contentType string, r io.Reader) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(r), ContentLength: -1,
	}
}

// output collects what is logged as JSON lines.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// take returns what was written since the last time.
func (o *output) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.buf.String()
	o.buf.Reset()
	return s
}

// logger writes JSON lines to o, without the time.
func (o *output) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(o, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// open opens a pipeline "p" of the stages listed, outermost first, with further keys and tables.
func open(t testing.TB, list, keys string, rt http.RoundTripper, opts ...pipeline.Option) (*pipeline.Pipeline, *pipeline.Runner) {
	t.Helper()
	src := fmt.Sprintf("version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = [%s]\n%s\n", list, keys)
	opts = append([]pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithStages(Factory()), pipeline.WithTransport("default", rt),
		stageOf("twice", twice), stageOf("guard", guard),
	}, opts...)
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), opts...)
	if err != nil {
		t.Fatalf("open:\n%v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

// stageOf makes a stage type without a config from a function.
func stageOf(typ string, do pipeline.StageFunc) pipeline.Option {
	return pipeline.WithStages(pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil }))
}

// twice sends again, once, what failed so that it may be sent again.
func twice(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	rewinder, call := pipeline.Replay(req), pipeline.CallFrom(req.Context())
	for {
		again, err := rewinder.Next()
		if err != nil {
			return nil, err
		}
		n := call.StartAttempt()
		resp, err := next.RoundTrip(again)
		if o := pipeline.OutcomeOf(req, resp, err); o.Class != pipeline.ClassUnknown || n == 2 {
			if n == 2 && o.Kind != "" {
				call.Stopped("max_attempts")
			}
			return resp, err
		}
		pipeline.Drop(resp)
	}
}

// guard is what an auth stage is to a call without a credential.
func guard(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, "/private") {
		return nil, pipeline.Errorf(pipeline.KindUnauthorized, "no token for Bearer hunter2hunter2")
	}
	return next.RoundTrip(req)
}

// do sends a request and reads the answer to its end.
func do(t testing.TB, p *pipeline.Pipeline, method, ref, contentType string, body io.Reader) (string, error) {
	t.Helper()
	req, err := p.NewRequest(t.Context(), method, ref, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return string(got), err
}
