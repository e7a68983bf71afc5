package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/pipelinetest"
)

// stageKit is what Stage was given, and what it made of it.
type stageKit struct {
	factory         pipeline.Factory
	config          string
	tables, keys    string
	credentials     []credential.Factory
	options         []pipeline.Option
	behind          []pipeline.Factory
	change          func(*http.Request)
	answers         []reply
	newRequestBody  bool
	newResponseBody bool

	background bool          // have a goroutine read requests, for the race detector
	patience   time.Duration // of real time, in which something must happen

	plan       *pipeline.Plan // with a watched stage in place of the tested one
	situations []situation
}

// origin is where the pipeline goes.
const origin = "https://api.example.com"

// prepare checks the file, and tries whether the stage can be built, used and closed at all.
func (k *stageKit) prepare(t *testing.T) error {
	own, err := k.check(k.factory, k.config)
	if err != nil {
		return err
	}
	tested := own.Pipelines[0].Stages[len(k.behind)]
	watched := pipeline.Define(k.factory.Type(), struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.Stage, error) {
		stage, err := k.factory.Build(tested.Config, s)
		if err != nil {
			return nil, err
		}
		return watch(stage), nil
	})
	if k.plan, err = k.check(watched, ""); err != nil {
		return err
	}
	k.plan.Pipelines[0].Stages[len(k.behind)].When = tested.When

	k.situations = k.allSituations()
	b := &bench{kit: k}
	trouble := k.bubble(t, b, func(b *bench) {
		if b.play(situation{ask: asks()[0]}, hooks{}) != nil && b.visits.Load() == 0 {
			b.fatal = errors.New("no request reaches it: change what the kit sends with WithRequest")
		}
	})
	switch {
	case b.fatal != nil:
		return b.fatal
	case trouble != "":
		return errors.New(trouble)
	}
	return nil
}

// check reads and checks the file around a factory's stage.
func (k *stageKit) check(f pipeline.Factory, table string) (*pipeline.Plan, error) {
	stages := append(slices.Clip(k.behind), f)
	registry, err := pipeline.NewRegistry(stages...)
	if err != nil {
		return nil, err
	}
	if err := registry.AddCredentials(k.credentials...); err != nil {
		return nil, err
	}
	var list []string
	for _, s := range stages {
		list = append(list, fmt.Sprintf("%q", s.Type()))
	}
	text := fmt.Sprintf("version = 1\n\n[pipelines.conformance]\nbase_url = %q\nstages = [%s]\n%s\n", origin, strings.Join(list, ", "), k.keys)
	if table != "" {
		text += fmt.Sprintf("[stages.%s]\n%s\n\n", f.Type(), strings.TrimSpace(table))
	}
	file, err := config.Read("conformance.toml", []byte(text+k.tables))
	if file == nil {
		return nil, err
	}
	plan, err := pipeline.Check(file, registry)
	if err != nil {
		return nil, fmt.Errorf("its table, or the file around it, is not right:\n%w", err)
	}
	return plan, nil
}

// open brings a fresh stage to life.
func (k *stageKit) open(ctx context.Context, log io.Writer, observe func(*pipeline.Call, pipeline.Event)) (*pipeline.Runner, *pipeline.Pipeline, error) {
	opts := append([]pipeline.Option{pipeline.WithSecretsFrom(pipelinetest.FakeSecret)}, k.options...)
	opts = append(opts, pipeline.WithTransport("*", upstream{}), pipeline.WithObserver(observe),
		pipeline.WithLogger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	r, err := pipeline.New(ctx, k.plan, opts...)
	if err != nil {
		return nil, nil, err
	}
	p, err := r.Pipeline("conformance")
	return r, p, err
}

// watched stands around the tested stage: it sees what Do returns before the framework tidies it up, and plays next.
type watched struct{ stage pipeline.Stage }

// watch keeps what the stage is beside a Stage.
func watch(stage pipeline.Stage) pipeline.Stage {
	if o, ok := stage.(pipeline.CallObserver); ok {
		return watchedObserver{watched{stage}, o}
	}
	return watched{stage}
}

// Do calls the stage's.
func (w watched) Do(req *http.Request, next http.RoundTripper) (resp *http.Response, err error) {
	c := callOf(req.Context())
	v := c.enter(req)
	defer func() {
		if p := recover(); p != nil {
			v.panicked, v.stack = fmt.Sprint(p), string(debug.Stack())
			resp, err = nil, errors.New("panic")
		}
		if e := reflect.ValueOf(err); e.Kind() == reflect.Pointer && e.IsNil() { // the framework's own code would follow it
			v.nilError = fmt.Sprintf("%T", err)
			err = errors.New("a nil " + v.nilError)
		}
		v.resp, v.err = resp, err
		v.over.Store(true)
	}()
	return w.stage.Do(req, &playedNext{visit: v, next: next})
}

// Close closes the stage, if it has anything to close.
func (w watched) Close() error {
	if c, ok := w.stage.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

type watchedObserver struct {
	watched
	observer pipeline.CallObserver
}

// CallEnded calls the stage's.
func (w watchedObserver) CallEnded(ctx context.Context, call *pipeline.Call, req *http.Request) {
	c := callOf(ctx)
	defer func() {
		if p := recover(); p != nil {
			c.panics("CallEnded", p)
		}
	}()
	w.observer.CallEnded(ctx, call, req)
}
