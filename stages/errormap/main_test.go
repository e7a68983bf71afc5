package errormap

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// body counts how often it is closed.
type body struct {
	io.Reader
	closed atomic.Int32
}

func (b *body) Close() error { b.closed.Add(1); return nil }

func answer(status int, contentType string, r io.Reader) (*http.Response, *body) {
	b := &body{Reader: r}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: b, ContentLength: -1,
	}, b
}

// open opens a pipeline of the stages listed, outermost first, with further keys and tables.
func open(t testing.TB, list, keys string, rt http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	src := fmt.Sprintf("version = 1\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = [%s]\n%s\n", list, keys)
	opts = append([]pipeline.Option{
		pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler)), pipeline.WithStages(Factory()),
		pipeline.WithTransport("default", rt),
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
	return p
}

func send(t testing.TB, p *pipeline.Pipeline, method, ref string) (*http.Response, error) {
	t.Helper()
	req, err := p.NewRequest(t.Context(), method, ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.RoundTrip(req)
}

// stageOf makes a stage type without a config from a function.
func stageOf(typ string, do pipeline.StageFunc) pipeline.Option {
	return pipeline.WithStages(pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) { return do, nil }))
}

func rules(lines ...string) string {
	return "[stages.error-map]\nrules = [\n  " + strings.Join(lines, ",\n  ") + ",\n]"
}

func match(t testing.TB, text string) cond.OnOutcome {
	t.Helper()
	c, err := cond.ParseBool[cond.OutcomeEnv](text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// handler answers by an http.Handler.
type handler struct{ http.Handler }

func (h handler) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result(), nil
}
