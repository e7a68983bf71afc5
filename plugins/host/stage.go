package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// stage is one stage of a pipeline that a plugin serves. It is opened anew on each session of its plugin.
type stage struct {
	opts     stageOptions
	remote   pipeline.RemoteConfig
	now      atomic.Pointer[instance]
	opening  chan struct{} // holds a token while nobody opens it
	failures atomic.Uint64 // how often opening it failed
	failed   error         // the last time; belongs to who has the token, and is shared
	closed   atomic.Bool
	spanName string
}

var (
	_ pipeline.Starter      = (*stage)(nil)
	_ pipeline.CallObserver = (*stage)(nil)
	_ io.Closer             = (*stage)(nil)
)

// instance is a stage as one session has it.
type instance struct {
	session *session
	number  uint32
	grants  *grants
}

// newStage makes a stage; it starts nothing.
func newStage(o stageOptions) (pipeline.Stage, error) {
	if o.settings.Remote == nil {
		return nil, fmt.Errorf("stage %s has no settings of a stage in another process", o.settings.Stage)
	}
	st := &stage{opts: o, remote: *o.settings.Remote, opening: make(chan struct{}, 1), spanName: "plugin " + o.name + "/" + o.typ}
	st.opening <- struct{}{}
	return st, nil
}

// Do runs one exchange in the plugin.
func (st *stage) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	ctx := req.Context()
	x := exchange{st: st, ctx: ctx, call: pipeline.CallFrom(ctx), req: req, next: next, watch: stopwatch{left: st.remote.Timeout}}
	return x.run()
}

// Start implements pipeline.Starter: it starts the plugin and makes the instance.
func (st *stage) Start(ctx context.Context) error {
	_, err := st.instance(ctx)
	if err != nil {
		return fmt.Errorf("pipeline %s, stage %s: %w", st.opts.settings.Pipeline, st.opts.settings.Stage, err)
	}
	return nil
}

// instance returns the present one, and makes it first where the session is new. Its error is a *pipeline.Error.
func (st *stage) instance(ctx context.Context) (*instance, error) {
	if i := st.now.Load(); i != nil && i.session.usable() {
		return i, nil
	}
	before := st.failures.Load()
	select {
	case <-st.opening:
	case <-ctx.Done():
		return nil, st.over(ctx)
	}
	defer func() { st.opening <- struct{}{} }()
	if i := st.now.Load(); i != nil && i.session.usable() { // another has opened it meanwhile
		return i, nil
	}
	if st.failures.Load() != before { // or has failed to: to try again for each of many would take as many times as long
		return nil, st.failed
	}
	i, err := st.make(ctx)
	if err == nil {
		st.now.Store(i)
		return i, nil
	}
	e := st.kept(ctx, err)
	if ctx.Err() == nil && e.Reason != classCrash && e.Reason != classDraining { // those come fast, and the next one may have more luck
		st.failed = e
		st.failures.Add(1)
	}
	return nil, e
}

// make makes the instance on a session.
func (st *stage) make(ctx context.Context) (i *instance, err error) {
	for range 3 { // a session may end just as it is handed over
		var s *session
		if s, err = st.opts.plugin.acquire(ctx); err != nil {
			return nil, err
		}
		if i, err = st.open(ctx, s); err == nil || s.usable() {
			break
		}
	}
	return i, err
}

// kept makes sure of the error's type.
func (st *stage) kept(ctx context.Context, err error) *pipeline.Error {
	if ctx.Err() != nil {
		return st.over(ctx)
	}
	if e := inner(err); e != nil {
		return e
	}
	return st.failure(classStart, "%w", err)
}

// over is the error of a caller whose context has ended.
func (st *stage) over(ctx context.Context) *pipeline.Error {
	return pipeline.Ended(ctx, "plugin "+st.opts.name+" worked")
}

// closeTimeout bounds how long a stage may take to close.
const closeTimeout = 5 * time.Second

// Close implements io.Closer: it closes the instance, and leaves the plugin. No Do is under way any more.
func (st *stage) Close() error {
	if st.closed.Swap(true) {
		return nil
	}
	var err error
	if i := st.now.Load(); i != nil {
		err = st.shut(i)
	}
	return errors.Join(err, st.opts.plugin.leave())
}
