package via

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/host"
)

// The types of an [SDK]'s program.
const (
	pass         = "pass"
	passResponse = "pass-response"
	passBodies   = "pass-bodies"
)

// SDK is a program on an SDK that serves three types of stages, which only let pass what they see. Tests run with the three around each of
// their own stages, and must not notice. From the outermost one in they are:
//
//   - pass sees all headers of a request and its query, and is done when it calls next;
//   - pass-response sees the headers of requests and of responses, and returns the response as it is;
//   - pass-bodies reads the bodies of both, up to 16 MiB and no streams, and hands on others of the same bytes.
//
// Each hands on the errors of next as they are. The process starts with Keep, or when a test first needs it. It is safe for concurrent use,
// and is made and closed outside of virtual time; the program itself needs no clock.
type SDK struct {
	host *host.Host
	plan pipeline.PluginPlan

	mu     sync.Mutex
	keeper *pipeline.Runner
}

// NewSDK makes an SDK whose process runs command, in this process's folder and with its PATH.
func NewSDK(command []string) *SDK {
	said := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return &SDK{host: host.New(host.WithClock(), host.WithLogger(said)), plan: pipeline.PluginPlan{Name: "sdk", Config: pipeline.PluginConfig{
		Command: command, Env: []string{"PATH"}, StartTimeout: time.Minute, MaxInFlight: maxInFlight,
	}}}
}

// Keep starts the process, and has it run until Close: between tests it would end.
func (p *SDK) Keep(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keeper != nil {
		return nil
	}
	const typ = "nothing"
	nothing := pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.StageFunc, error) {
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(req) }, nil
	})
	file, err := config.Read("keeper.toml", fmt.Appendf(nil, "version = 1\n[pipelines.keeper]\nbase_url = \"https://keeper.invalid\"\nstages = [%q]\n", typ))
	if err != nil {
		return err
	}
	r, err := pipeline.OpenFile(ctx, file, pipeline.WithStages(p.Factory(nothing, true)))
	if err != nil {
		return err
	}
	p.keeper = r
	keeper, err := r.Pipeline("keeper")
	if err != nil {
		return err
	}
	return keeper.Start(ctx)
}

// Close ends the process.
func (p *SDK) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keeper != nil {
		_ = p.keeper.Close() // its one stage is never used
	}
	return p.host.Close()
}

// Factory returns the factory of f's type whose stages are f's with those of the process around them; bodies says whether pass-bodies is
// one of those.
func (p *SDK) Factory(f pipeline.Factory, bodies bool) pipeline.Factory {
	types := []string{pass, passResponse}
	if bodies {
		types = append(types, passBodies)
	}
	return f.Around(func(inner pipeline.Stage, s pipeline.Settings) (pipeline.Stage, error) {
		out := &within{inner: inner}
		for _, typ := range types {
			far, err := p.build(typ, s)
			if err != nil {
				return nil, errors.Join(err, out.Close())
			}
			out.far = append(out.far, far)
		}
		if observer, ok := inner.(pipeline.CallObserver); ok {
			return &observed{out, observer}, nil
		}
		return out, nil
	})
}

func (p *SDK) build(typ string, s pipeline.Settings) (pipeline.Stage, error) {
	f, err := p.host.Factory(p.plan, typ)
	if err != nil {
		return nil, err
	}
	s.Remote = &pipeline.RemoteConfig{Timeout: 5 * time.Second}
	return f.Build(f.Config(), s)
}

// within is a stage with others around it, outermost first.
type within struct {
	far   []pipeline.Stage
	inner pipeline.Stage
}

// Do implements pipeline.Stage.
func (w *within) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return (&link{w.far, w.inner, next}).RoundTrip(req)
}

// Start implements pipeline.Starter.
func (w *within) Start(ctx context.Context) error {
	for _, stage := range append(w.far, w.inner) {
		if s, ok := stage.(pipeline.Starter); ok {
			if err := s.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close implements io.Closer.
func (w *within) Close() error {
	var errs []error
	for _, stage := range append([]pipeline.Stage{w.inner}, w.far...) {
		if c, ok := stage.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// link is the stages around the innermost one, from some on.
type link struct {
	far   []pipeline.Stage
	inner pipeline.Stage
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l *link) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(l.far) == 0 {
		return l.inner.Do(req, l.next)
	}
	return l.far[0].Do(req, &link{l.far[1:], l.inner, l.next})
}

// observed is one whose innermost stage hears of the ends of calls.
type observed struct {
	*within

	observer pipeline.CallObserver
}

// CallEnded implements pipeline.CallObserver.
func (o *observed) CallEnded(ctx context.Context, c *pipeline.Call, req *http.Request) {
	o.observer.CallEnded(ctx, c, req)
}
