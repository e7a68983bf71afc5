package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/internal/memnet"
	"github.com/leatdev/leat/pipeline/redact"
)

// Runner holds the running pipelines of a file, with the sessions and connections that they share. It is safe for concurrent use.
type Runner struct {
	plan      *Plan
	opts      *runnerOptions
	logger    *slog.Logger
	redactor  *redact.Redactor
	state     stateStore
	flow      flow
	pipelines map[string]*Pipeline
	unserved  map[string]string // pipelines whose symbolic origin nothing serves → the upstream's name
	unlinked  map[string]string // pipelines that need a plugin, where the program runs none → the stage's type
	bound     map[string]*boundCredential
	stores    map[string]credential.Store
	bases     map[string]http.RoundTripper
	closers   []func() error
	closing   atomic.Bool
	ended     chan struct{} // closed once Close has ended all
	closeErr  error
}

// Open reads the file at path, checks it and brings it to life: [config.Load], [Check] and [New] in one. A file that is wrong gives
// a config.Diagnostics. ctx bounds the start only. Close the runner when it is no longer needed.
func Open(ctx context.Context, path string, opts ...Option) (*Runner, error) {
	o := newOptions(opts)
	overlays, err := o.allOverlays()
	if err != nil {
		return nil, err
	}
	f, err := config.Load(path, overlays...)
	if f == nil {
		return nil, err
	}
	return open(ctx, f, o)
}

// OpenBytes is [Open] for a file that is not on disk; name appears in diagnostics, and relative paths start at its folder.
func OpenBytes(ctx context.Context, name string, src []byte, opts ...Option) (*Runner, error) {
	o := newOptions(opts)
	overlays, err := o.allOverlays()
	if err != nil {
		return nil, err
	}
	f, err := config.Read(name, src, overlays...)
	if f == nil {
		return nil, err
	}
	return open(ctx, f, o)
}

// OpenFile is [Open] for a file that was read already; WithSet and WithEnviron have no say in it.
func OpenFile(ctx context.Context, f *config.File, opts ...Option) (*Runner, error) {
	return open(ctx, f, newOptions(opts))
}

func open(ctx context.Context, f *config.File, o *runnerOptions) (*Runner, error) {
	registry, err := o.registry()
	if err != nil {
		return nil, err
	}
	plan, err := Check(f, registry)
	if err != nil {
		return nil, err
	}
	return newRunner(ctx, plan, o)
}

// New brings a plan to life: it reads the files that stages and transports need, compiles the chains and starts upstreams. It asks
// for no token and makes no connection. A failure names what could not be started.
func New(ctx context.Context, plan *Plan, opts ...Option) (*Runner, error) {
	return newRunner(ctx, plan, newOptions(opts))
}

func newOptions(opts []Option) *runnerOptions {
	o := &runnerOptions{
		transports: map[string]http.RoundTripper{}, handlers: map[string]http.Handler{}, secrets: map[string]redact.Secret{},
		dials: map[string]func(context.Context) (net.Conn, error){}, environ: os.Environ,
	}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

func (o *runnerOptions) allOverlays() ([]config.Overlay, error) {
	overlays := config.FromEnviron(o.environ())
	for _, s := range o.sets {
		overlay, err := config.ParseSet(s)
		if err != nil {
			return nil, err
		}
		overlays = append(overlays, overlay)
	}
	return overlays, nil
}

// RegistryOf returns the registry that Open would make of the options, for [Check].
func RegistryOf(opts ...Option) (*Registry, error) { return newOptions(opts).registry() }

func (o *runnerOptions) registry() (*Registry, error) {
	r, err := NewRegistry(o.stages...)
	if err != nil {
		return nil, err
	}
	r.UsePlugins(o.plugins)
	if err := r.AddCredentials(o.credentials...); err != nil {
		return nil, err
	}
	return r, r.AddStores(o.stores...)
}

func newRunner(ctx context.Context, plan *Plan, o *runnerOptions) (_ *Runner, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &Runner{
		plan: plan, opts: o, logger: o.logger, redactor: redact.New(o.redaction), pipelines: map[string]*Pipeline{},
		unserved: map[string]string{}, unlinked: map[string]string{}, bound: map[string]*boundCredential{}, stores: map[string]credential.Store{}, bases: map[string]http.RoundTripper{}, ended: make(chan struct{}),
	}
	if r.logger == nil {
		r.logger = slog.Default() //nolint:forbidigo // as WithLogger says
	}
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	if err := r.startTransports(); err != nil {
		return nil, err
	}
	secrets := credential.NewSecrets(plan.file.Dir(), plan.Secrets, o.secret, r.redactor.Learn)
	for _, s := range plan.Stores {
		if err := r.openStore(s, secrets); err != nil {
			return nil, err
		}
	}
	for _, c := range plan.Credentials {
		r.bind(c, secrets)
	}
	for _, p := range plan.Pipelines {
		if err := r.build(p); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// startTransports makes one transport per distinct setting, and the upstreams of symbolic origins.
func (r *Runner) startTransports() error {
	upstreams := map[string]http.RoundTripper{}
	dials := map[string]func(context.Context) (net.Conn, error){}
	for name, h := range r.opts.handlers {
		u := memnet.Serve(h)
		r.closers = append(r.closers, u.Stop)
		dials[name] = u.Dial
	}
	maps.Copy(dials, r.opts.dials)
	for name, dial := range dials {
		t := upstreamTransport(r.plan.Transports["default"].Config, dial)
		r.closers = append(r.closers, closeIdle(t))
		upstreams[name] = t
	}
	same := map[TransportConfig]http.RoundTripper{}
	for _, name := range sortedKeys(r.plan.Transports) {
		base, err := r.base(name, same)
		if err != nil {
			return fmt.Errorf("transport %s: %w", name, err)
		}
		if _, all := r.opts.transports["*"]; !all && len(upstreams) > 0 {
			base = &router{base: base, upstreams: upstreams}
		}
		if r.opts.wrap != nil {
			base = r.opts.wrap(base)
		}
		r.bases[name] = base
	}
	return nil
}

func (r *Runner) base(name string, same map[TransportConfig]http.RoundTripper) (http.RoundTripper, error) {
	if rt, ok := r.opts.transports["*"]; ok {
		return rt, nil
	}
	if rt, ok := r.opts.transports[name]; ok {
		return rt, nil
	}
	cfg := r.plan.Transports[name].Config
	if t, ok := same[cfg]; ok {
		return t, nil
	}
	t, err := cfg.build(r.plan.file.Dir(), r.opts.network)
	if err != nil {
		return nil, err
	}
	same[cfg] = t
	r.closers = append(r.closers, t.close)
	return t, nil
}

// headerTimeout returns the response_header_timeout of the pipeline's transport, and which [transports.NAME] holds it.
func (r *Runner) headerTimeout(p PipelinePlan) (table string, limit time.Duration) {
	table = p.Config.Transport
	_, own := r.opts.transports[table]
	_, all := r.opts.transports["*"]
	if own || all {
		return table, 0
	}
	if name := symbolic(p.base); r.opts.handlers[name] != nil || r.opts.dials[name] != nil {
		table = "default" // as startTransports has it
	}
	return table, r.plan.Transports[table].Config.ResponseHeaderTimeout
}

func closeIdle(t *http.Transport) func() error {
	return func() error { t.CloseIdleConnections(); return nil }
}

// openStore opens a store; it is closed after the sessions that it keeps.
func (r *Runner) openStore(s StorePlan, secrets *credential.Secrets) error {
	for _, name := range []string{s.Name, "*"} {
		if given, ok := r.opts.given[name]; ok {
			r.stores[s.Name] = given
			return nil
		}
	}
	codec := credential.NewCodec(secrets, s.Host.EncryptionKeys...)
	store, err := s.factory.Open(s.Config, credential.StoreSettings{Name: s.Name, Dir: r.plan.file.Dir(), Secrets: secrets, Codec: codec, Logger: r.logger})
	if err != nil {
		return fmt.Errorf("store %s: %w", s.Name, err)
	}
	if c, ok := store.(io.Closer); ok {
		r.closers = append(r.closers, c.Close)
	}
	r.stores[s.Name] = store
	return nil
}

// bind makes the session pool of a credential.
func (r *Runner) bind(c CredentialPlan, secrets *credential.Secrets) {
	settings := credential.Settings{
		Name: c.Name, Origins: c.Host.parsed, Transport: r.bases[c.Host.Transport], Secrets: secrets, Logger: r.logger,
	}
	pool := credential.NewPool(c.Name, c.Host.PerSubject, func(subject string) (credential.SessionConfig, error) {
		s := settings
		s.Subject = subject
		source, place, err := c.factory.Build(c.Config, s)
		if err != nil {
			return credential.SessionConfig{}, fmt.Errorf("credential %s: %w", c.Name, err)
		}
		return credential.SessionConfig{
			Source: source, Place: place, Store: r.stores[c.Host.Store], StoreName: c.Host.Store, OnStoreFailure: c.Host.OnStoreFailure,
			Logger: r.logger, Learn: r.redactor.Learn, Random: r.opts.random,
		}, nil
	}, credential.PoolOptions{MaxSessions: c.Host.MaxSessions})
	r.bound[c.Name] = &boundCredential{name: c.Name, origins: c.Host.parsed, insecure: c.Host.Insecure, pool: pool}
	r.closers = append(r.closers, pool.Close)
}

// build compiles the chain of a pipeline.
func (r *Runner) build(p PipelinePlan) error {
	if p.Template {
		return nil
	}
	if name := symbolic(p.base); name != "" && r.opts.handlers[name] == nil && r.opts.dials[name] == nil {
		_, own := r.opts.transports[p.Config.Transport]
		_, all := r.opts.transports["*"]
		if !own && !all && r.opts.network == nil {
			r.unserved[p.Name] = name
			return nil
		}
	}
	for _, s := range p.Stages {
		if s.factory.IsZero() {
			r.unlinked[p.Name] = s.Type
			return nil
		}
	}
	ch := &chain{
		name: p.Name, base: p.base, timeout: p.Config.Timeout, attemptTimeout: p.Config.AttemptTimeout, bodyIdleTimeout: p.Config.BodyIdleTimeout,
		maxReplayBuffer: int64(p.Config.MaxReplayBuffer), bufferResponse: int64(p.Config.BufferResponse),
		credentials: r.bound, redactor: r.redactor, logger: r.logger, observe: r.opts.observe, flow: &r.flow,
		hosts: r.state.hostsOf(p.Name),
		telemetry: &telemetry{
			provider: r.opts.tracer, forwards: p.Config.Propagate, pipeline: attribute.String("leat.pipeline", p.Name), chainName: "pipeline " + p.Name,
		},
	}
	ch.transport, ch.headerTimeout = r.headerTimeout(p)
	next := http.RoundTripper(&sender{chain: ch, base: r.bases[p.Config.Transport]})
	for _, s := range p.Stages {
		ch.stages = append(ch.stages, StageInfo{Name: s.Name, Type: s.Type})
	}
	for i, s := range slices.Backward(p.Stages) {
		stage, err := s.factory.Build(s.Config, r.settings(p, s))
		if err != nil {
			return fmt.Errorf("pipeline %s: stage %s: %w", p.Name, s.Name, err)
		}
		if c, ok := stage.(io.Closer); ok {
			r.closers = append(r.closers, c.Close)
		}
		if o, ok := stage.(CallObserver); ok {
			ch.observers = append(ch.observers, observer{o, s.When})
		}
		if st, ok := stage.(Starter); ok {
			ch.starters = append(ch.starters, st)
		}
		next = &link{chain: ch, stage: stage, name: s.Name, span: "stage " + s.Name, index: i, when: s.When, next: next}
	}
	ch.first = next
	r.pipelines[p.Name] = newPipeline(ch)
	return nil
}

func (r *Runner) settings(p PipelinePlan, s StagePlan) Settings {
	return Settings{
		Pipeline: p.Name, Stage: s.Name, Credential: p.Config.Credential, Dir: r.plan.file.Dir(), Redactor: r.redactor,
		Logger: r.logger, Transport: r.bases[p.Config.Transport], Remote: s.Remote, Random: r.opts.random, state: &r.state, hosts: r.state.hostsOf(p.Name),
	}
}

// Pipeline returns the handle of a pipeline; it stays good until the runner is closed.
func (r *Runner) Pipeline(name string) (*Pipeline, error) {
	if p, ok := r.pipelines[name]; ok {
		return p, nil
	}
	if up, ok := r.unserved[name]; ok {
		return nil, fmt.Errorf("pipeline %s: nothing serves its symbolic origin %q: open the file with pipeline.WithUpstream(%q, handler)", name, up+":", up)
	}
	if typ, ok := r.unlinked[name]; ok {
		return nil, fmt.Errorf("pipeline %s: needs %s, and this program runs no plugins: open the file with pipeline.WithPlugins(host.New())", name, typ)
	}
	for _, p := range r.plan.Pipelines {
		if p.Name == name {
			return nil, fmt.Errorf("pipeline %s: has no base_url and others extend it, so it is only a template", name)
		}
	}
	known := r.Names()
	if near, ok := config.Nearest(name, known); ok {
		return nil, fmt.Errorf("no pipeline %q in %s: did you mean %s?", name, r.plan.file.Name(), near)
	}
	return nil, fmt.Errorf("no pipeline %q in %s: it has %s", name, r.plan.file.Name(), strings.Join(known, ", "))
}

// Names lists the pipelines that can be used, in the order of the file.
func (r *Runner) Names() []string {
	var names []string
	for _, p := range r.plan.Pipelines {
		if _, ok := r.pipelines[p.Name]; ok {
			names = append(names, p.Name)
		}
	}
	return names
}

// Credential returns the session of a credential, for programs whose users log in: Login, Set, Logout, State, Watch. subject is ""
// unless the credential is per subject.
func (r *Runner) Credential(name, subject string) (*credential.Session, error) {
	b, ok := r.bound[name]
	if !ok {
		return nil, fmt.Errorf("no credential %q in %s: it has %s", name, r.plan.file.Name(), strings.Join(sortedKeys(r.bound), ", "))
	}
	return b.pool.Session(subject)
}

// Redactor returns the runner's redactor, which knows its secrets: for programs that log what came through it.
func (r *Runner) Redactor() *redact.Redactor { return r.redactor }

// Close lets no further call in, waits for those under way, and ends sessions, stages and upstreams. A body that is still being
// read is not waited for. It may be called more than once and by several goroutines; each call returns when all is ended, with the
// same error.
func (r *Runner) Close() error {
	if r.closing.Swap(true) {
		<-r.ended // not a lock: in a testing/synctest bubble time would stand still
		return r.closeErr
	}
	r.flow.close()
	var errs []error
	for _, f := range slices.Backward(r.closers) {
		errs = append(errs, f())
	}
	r.closeErr = errors.Join(errs...)
	close(r.ended)
	return r.closeErr
}
