package retry

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// inner makes a stage of type "inner", for a place inside retry.
func inner(do pipeline.StageFunc) pipeline.Factory {
	return pipeline.Define("inner", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil })
}

// outer makes a stage of type "outer", for a place around retry.
func outer(do pipeline.StageFunc) pipeline.Factory {
	return pipeline.Define("outer", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil })
}

func pass1(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

// open opens a pipeline of outer, retry and inner, with a [stages.retry] table.
func open(t testing.TB, table string, rt http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	return openWith(t, table, "", rt, inner(pass1), outer(pass1), opts...)
}

func openWith(t testing.TB, table, settings string, rt http.RoundTripper, in, out pipeline.Factory, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	return openStages(t, table, settings, rt, append(opts, pipeline.WithStages(Factory(), in, out))...)
}

// openHalf has a retry whose every random number is a half.
func openHalf(t testing.TB, table string, rt http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	half := pipeline.Define("retry", Defaults(), func(c Config, s pipeline.Settings) (*Stage, error) {
		stage, err := New(c, s)
		if err == nil {
			stage.random = func() float64 { return 0.5 }
		}
		return stage, err
	})
	return openStages(t, table, "", rt, append(opts, pipeline.WithStages(half, inner(pass1), outer(pass1)))...)
}

func openStages(t testing.TB, table, settings string, rt http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	src := "version = 1\n[stages.retry]\n" + table + "\n[pipelines.t]\nbase_url = \"https://api.test\"\nstages = [\"outer\", \"retry\", \"inner\"]\n" + settings
	opts = append(opts, pipeline.WithEnviron(nil))
	if rt != nil {
		opts = append(opts, pipeline.WithTransport("default", rt))
	}
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte(src), opts...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Pipeline("t")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upstream answers with the statuses and errors of a script, the last one for ever, and keeps book. A function in the script closes
// the request's body itself, when it likes.
type upstream struct {
	t      testing.TB
	script []any // int status, error, or roundTrip
	mu     sync.Mutex
	sends  int
	bodies []*trackedBody
}

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	u.mu.Lock()
	step := u.script[min(u.sends, len(u.script)-1)]
	u.sends++
	u.mu.Unlock()
	switch step := step.(type) {
	case int:
		closed(req)
		return u.answer(req, step, nil), nil
	case error:
		closed(req)
		return nil, step
	case func(*http.Request) (*http.Response, error):
		return step(req)
	}
	panic("unknown step")
}

func closed(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// answer makes an answer whose body's closing is checked at the end of the test.
func (u *upstream) answer(req *http.Request, status int, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	body := &trackedBody{Reader: strings.NewReader("body of an answer")}
	u.mu.Lock()
	u.bodies = append(u.bodies, body)
	u.mu.Unlock()
	return &http.Response{StatusCode: status, Header: header, Body: body, Request: req, ContentLength: -1, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// after answers with Retry-After.
func (u *upstream) after(status int, value string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		closed(req)
		return u.answer(req, status, http.Header{"Retry-After": {value}}), nil
	}
}

// allClosed checks that every answer's body was closed.
func (u *upstream) allClosed() {
	u.t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, b := range u.bodies {
		if b.count() == 0 {
			u.t.Errorf("the body of answer %d was not closed", i+1)
		}
	}
}

// trackedBody counts how often it was closed.
type trackedBody struct {
	io.Reader
	mu     sync.Mutex
	closed int
}

func (b *trackedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed++
	return nil
}

func (b *trackedBody) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func script(t testing.TB, steps ...any) *upstream { return &upstream{t: t, script: steps} }

func request(ctx context.Context, t testing.TB, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "https://api.test/things?x=1", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// run sends one request, reads and closes the answer, and returns the call.
func run(t testing.TB, p *pipeline.Pipeline, req *http.Request) (status int, call *pipeline.Call, err error) {
	t.Helper()
	resp, err := p.RoundTrip(req)
	if err != nil {
		e, ok := err.(*pipeline.Error)
		if !ok {
			t.Fatalf("error is %T, want *pipeline.Error: %v", err, err)
		}
		return 0, e.Call(), err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, pipeline.CallOf(resp), nil
}
