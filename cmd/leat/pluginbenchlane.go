package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// lane is one process of a plugin, and callers who use its stage: each has a call under way, and runs the stage in it again and again. What is
// measured so is the stage, not the pipeline around it.
type lane struct {
	of      *benched
	host    *host.Host
	runner  *pipeline.Runner
	stage   pipeline.Stage
	body    string
	held    chan *http.Request // calls that are under way
	release chan struct{}      // closed: they end
	calls   sync.WaitGroup
	callers []*http.Request // what each of them sends, with the context of its call
}

// laneFile has a pipeline for the calls. The plugin's own table and the stage's are what Factory has in their place.
const laneFile = `version = 1
[plugins.bench]
command = ["bench"]
[stages.bench]
use = "bench/bench"
[pipelines.bench]
base_url = "https://upstream.test"
timeout  = "720h"
stages   = ["hold", "bench"]
`

// laneConfig reads nothing of the file.
type laneConfig struct{}

// UnmarshalConfig implements what configs of plugins have.
func (*laneConfig) UnmarshalConfig(any) error { return nil }

// Factory implements pipeline.PluginHost: it makes the stage that is measured.
func (l *lane) Factory(pipeline.PluginPlan, string) (pipeline.Factory, error) {
	f, err := l.host.Factory(l.of.plan, l.of.typ)
	if err != nil {
		return f, err
	}
	return pipeline.Define("bench/bench", laneConfig{}, func(_ laneConfig, s pipeline.Settings) (pipeline.Stage, error) {
		config := l.of.config
		if config == nil {
			config = f.Config()
		}
		s.Stage, s.Dir = l.of.stage, l.of.plan.Dir
		if l.of.remote != nil {
			s.Remote = l.of.remote
		}
		stage, err := f.Build(config, s)
		l.stage = stage
		return stage, err
	}), nil
}

// openLane starts the plugin's process, and returns once its stage has answered once, with how long that took.
func (b *bench) openLane(of *benched) (*lane, time.Duration, error) {
	request, f := b.request, b.flags
	began := time.Now()
	l := &lane{of: of, body: f.data, host: host.New(), held: make(chan *http.Request), release: make(chan struct{})}
	b.app.hurry.before(l.host.Kill)
	hold := pipeline.Define("hold", struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			l.held <- req
			<-l.release
			return answerAtOnce(req)
		}, nil
	})
	var err error
	l.runner, err = pipeline.OpenBytes(context.Background(), "bench.toml", []byte(laneFile), pipeline.WithEnviron(nil), pipeline.WithPlugins(l), pipeline.WithStages(hold),
		pipeline.WithTransport("*", roundTrip(answerAtOnce)), pipeline.WithTracerProvider(noop.NewTracerProvider()), pipeline.WithLogger(slog.New(slog.DiscardHandler)))
	if err == nil {
		if s, ok := l.stage.(pipeline.Starter); ok {
			if err = s.Start(context.Background()); err != nil {
				err = errors.New(unasked(err))
			}
		}
	}
	if err == nil {
		err = l.join(request, f)
	}
	if err == nil {
		err = l.do(l.callers[0])
	}
	took := time.Since(began)
	for range f.parallel - 1 {
		if err == nil {
			err = l.join(request, f)
		}
	}
	if err != nil {
		l.close()
		return nil, 0, err
	}
	return l, took, nil
}

// join adds a caller.
func (l *lane) join(request *http.Request, f benchFlags) error {
	p, err := l.runner.Pipeline("bench")
	if err != nil {
		return err
	}
	ctx := context.Background()
	if f.subject != "" {
		ctx = pipeline.With(ctx, pipeline.Subject(f.subject))
	}
	req, err := p.NewRequest(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	l.calls.Go(func() {
		resp, err := p.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- errors.Join(errors.New("the call ended"), err)
	})
	select {
	case held := <-l.held:
		l.callers = append(l.callers, request.WithContext(held.Context()))
		return nil
	case err := <-failed:
		return err
	}
}

// close ends the callers and the process.
func (l *lane) close() {
	close(l.release)
	l.calls.Wait()
	if l.runner != nil {
		_ = l.runner.Close()
	}
	_ = l.host.Close()
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

const benchAnswer = `{"id":1,"title":"On quiet queues","author":"ada","published":true}`

func answerAtOnce(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(benchAnswer)), Request: req,
		Header: http.Header{
			"Content-Type": {"application/json"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}, "Cache-Control": {"no-store"}, "Etag": {`"33a64df5"`},
			"X-Request-Id": {"0f8fad5b-d9cb-469f-a165-70867728950e"},
		},
		Body: io.NopCloser(strings.NewReader(benchAnswer)),
	}, nil
}

// fresh makes a caller's request anew: a stage may have changed the last one.
func (l *lane) fresh(of *http.Request) *http.Request {
	req, u := *of, *of.URL
	req.URL, req.Header = &u, of.Header.Clone()
	if l.body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(l.body)), int64(len(l.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(l.body)), nil }
	}
	return &req
}

// do is one exchange.
func (l *lane) do(of *http.Request) error { return l.run(l.fresh(of)) }

func (l *lane) run(req *http.Request) error {
	resp, err := l.stage.Do(req, roundTrip(answerAtOnce))
	if err != nil {
		return fmt.Errorf("stage %s ends the requests in an error: %w\n  -H, --subject and -d make others", l.of.stage, err)
	}
	return resp.Body.Close()
}

// burst is a number of exchanges, by several callers together.
type burst struct {
	elapsed time.Duration
	each    []time.Duration // sorted
}

func (b burst) perSecond() float64 { return float64(len(b.each)) / b.elapsed.Seconds() }

// at returns the latency below which that part of them is.
func (b burst) at(part float64) time.Duration {
	return b.each[min(len(b.each)-1, int(part*float64(len(b.each))))]
}

// burst has some of the callers use the stage for a while.
func (l *lane) burst(ctx context.Context, callers int, d time.Duration) (burst, error) {
	var all sync.WaitGroup
	each, errs := make([][]time.Duration, callers), make([]error, callers)
	began := time.Now()
	for i, of := range l.callers[:callers] {
		all.Go(func() {
			for t := began; errs[i] == nil && ctx.Err() == nil && t.Sub(began) < d; {
				req := l.fresh(of)
				t = time.Now()
				errs[i] = l.run(req)
				now := time.Now()
				each[i] = append(each[i], now.Sub(t))
				t = now
			}
		})
	}
	all.Wait()
	b := burst{elapsed: time.Since(began), each: slices.Concat(each...)}
	slices.Sort(b.each)
	return b, errors.Join(ctx.Err(), firstOf(errs))
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
