package host

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// Host runs plugins. Make it with [New]; it is safe for concurrent use.
type Host struct {
	logger *slog.Logger
	notify func(Notice)
	clock  bool
	shows  *redact.Redactor
	times  times
	known  known

	jobs    chan func()
	tickets chan ticket
	quit    chan struct{} // closed when no more jobs are taken
	running sync.WaitGroup

	launches launches
	sweeping sync.Once
	attachTo map[string]string // sockets of plugins that are not started; see WithAttached

	mu     sync.Mutex
	procs  map[string]*process
	lives  map[*life]struct{} // of Describe, which belong to no process
	closed bool
}

// A ticket is how a goroutine that may live in virtual time waits for one that does not: it is made by the host, and holds one answer.
type ticket chan error

// Option is given to [New].
type Option func(*Host)

// WithLogger sets where the host tells what becomes of its plugins, and where what they write to their standard error goes. Default: the
// logger of the pipelines that use the plugin.
func WithLogger(l *slog.Logger) Option { return func(h *Host) { h.logger = l } }

// WithRedactor has the host mask the secrets that r knows in what plugins say outside of every pipeline: to [Host.Describe], [Host.Check],
// [Host.Watch] and [Host.Try]. [Learn] teaches it those of a plugin. Within a pipeline that pipeline's redactor does so.
func WithRedactor(r *redact.Redactor) Option { return func(h *Host) { h.shows = r } }

// Notice tells a person why something takes long.
type Notice struct {
	Plugin string // its name in the file
	Text   string // "building signer…"
}

// WithNotify has f called when a plugin takes long to start, for programs that somebody sits before. f must not block.
func WithNotify(f func(Notice)) Option { return func(h *Host) { h.notify = f } }

// WithClock has every frame tell its plugin the time, for tests whose time is virtual on both sides.
func WithClock() Option { return func(h *Host) { h.clock = true } }

// New makes a host. It starts no plugin. Whoever made it closes it, after its runners; in a test with virtual time it is made and closed
// outside of that.
func New(opts ...Option) *Host {
	h := &Host{
		times: defaultTimes(), jobs: make(chan func()), tickets: make(chan ticket), quit: make(chan struct{}),
		procs: map[string]*process{}, lives: map[*life]struct{}{}, attachTo: map[string]string{}, known: known{free: map[string]bool{}},
	}
	for _, o := range opts {
		o(h)
	}
	if h.shows == nil {
		h.shows = redact.New(redact.Rules{})
	}
	h.running.Add(1)
	go h.work()
	return h
}

// work starts the host's goroutines and hands out tickets: what it makes belongs to no bubble of virtual time.
func (h *Host) work() {
	defer h.running.Done()
	t := make(ticket, 1)
	for {
		select {
		case f := <-h.jobs:
			h.running.Go(f)
		case h.tickets <- t:
			t = make(ticket, 1)
		case <-h.quit:
			return
		}
	}
}

// spawn runs f on a goroutine of the host. A host that was closed starts no more; what is still asked of one does nothing that lasts.
func (h *Host) spawn(f func()) {
	select {
	case h.jobs <- f:
	case <-h.quit:
		go f()
	}
}

// ticket returns a new one; nil: the host is closed.
func (h *Host) ticket() ticket {
	select {
	case t := <-h.tickets:
		return t
	case <-h.quit:
		return nil
	}
}

var errClosed = errors.New("the plugin host is closed")

// run has f done by a goroutine of the host and waits for it.
func (h *Host) run(f func() error) error {
	t := h.ticket()
	if t == nil {
		return errClosed
	}
	h.spawn(func() { t <- f() })
	return <-t
}

// Close stops every process that is left and waits for it: none outlives it. Close the runners first, which lets requests end.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	procs := make([]*process, 0, len(h.procs))
	for _, p := range h.procs {
		procs = append(procs, p)
	}
	h.mu.Unlock()
	_ = h.run(func() error { // the error is that of a host that was closed
		var all sync.WaitGroup
		for _, p := range procs {
			all.Go(p.end)
		}
		all.Wait()
		return nil
	})
	close(h.quit)
	h.running.Wait()
	return nil
}

// Factory implements pipeline.PluginHost.
func (h *Host) Factory(p pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	config, err := h.known.config(p, typ)
	if err != nil {
		return pipeline.Factory{}, err
	}
	return pipeline.Define(p.Name+"/"+typ, config, func(c StageConfig, s pipeline.Settings) (pipeline.Stage, error) {
		granted, err := h.known.limit(p, typ)
		if err != nil {
			return nil, err
		}
		of := h.handleOf(p, s)
		of.join()
		s, start := h.patient(p, s)
		env := environment{p.Config, c.variables()}
		if h.known.free[p.Name] {
			env = environment{}
		}
		env.learn(s.Redact()) // before it starts, and can say them
		stage, err := newStage(stageOptions{plugin: of, name: p.Name, typ: typ, config: c.JSON(), settings: s, granted: granted, start: start, given: env})
		if err != nil {
			return nil, errors.Join(err, of.leave())
		}
		return stage, nil
	}), nil
}

// handleOf returns what a runner has of a plugin.
func (h *Host) handleOf(p pipeline.PluginPlan, s pipeline.Settings) *handle {
	key := keyOf(p)
	return s.State("shared:plugin:"+key, func() any {
		return &handle{host: h, plan: p, key: key, logger: s.Log(), redactor: s.Redact()}
	}).(*handle)
}
