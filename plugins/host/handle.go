package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// handle is what one runner has of one plugin: at most one session that takes exchanges, on a process that it may share with other
// runners. It is used by the runner's stages, whose time may be virtual: what waits or starts runs on goroutines of the host.
type handle struct {
	host     *Host
	plan     pipeline.PluginPlan
	key      string
	logger   *slog.Logger
	redactor *redact.Redactor

	current atomic.Pointer[attached] // nil: none takes exchanges

	mu      sync.Mutex
	stages  int
	proc    *process    // while stages use it
	opening bool        // a goroutine of the host opens a session
	waiters []ticket    // for that
	all     []*attached // sessions that are not gone yet
}

// attached is a session on a life of the process.
type attached struct {
	session *session
	life    *life
	leaving atomic.Bool // the host ends it
}

func (a *attached) open() bool {
	if a == nil || a.life.over() {
		return false
	}
	select {
	case <-a.session.gone():
		return false
	case <-a.session.draining():
		return false
	default:
		return true
	}
}

// join says that one more stage uses the plugin.
func (h *handle) join() {
	h.mu.Lock()
	h.stages++
	h.mu.Unlock()
}

// acquire implements plugin.
func (h *handle) acquire(ctx context.Context) (*session, error) {
	for {
		if a := h.current.Load(); a.open() {
			return a.session, nil
		}
		if ctx.Err() != nil {
			return nil, pipeline.Ended(ctx, "plugin "+h.plan.Name+" started")
		}
		t := h.host.ticket()
		if t == nil {
			return nil, failure(h.plan.Name, classDraining, errClosed)
		}
		h.wait(t)
		select {
		case err := <-t:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, pipeline.Ended(ctx, "plugin "+h.plan.Name+" started")
		}
	}
}

// wait has t told when the session that is being opened is there, or why it isn't; where none is being opened, it has that begun.
func (h *handle) wait(t ticket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stages == 0 {
		t <- failure(h.plan.Name, classDraining, errors.New("its pipelines are closed"))
		return
	}
	h.waiters = append(h.waiters, t)
	if h.opening {
		return
	}
	h.opening = true
	h.host.spawn(h.attach)
}

// attach opens a session and tells those who wait for it.
func (h *handle) attach() {
	err := h.open()
	h.mu.Lock()
	waiters := h.waiters
	h.waiters, h.opening = nil, false
	h.mu.Unlock()
	for _, t := range waiters {
		t <- copyOf(err)
	}
}

func (h *handle) open() error {
	if h.current.Load().open() {
		return nil
	}
	h.mu.Lock()
	if h.stages == 0 {
		h.mu.Unlock()
		return failure(h.plan.Name, classDraining, errors.New("its pipelines are closed"))
	}
	if h.proc == nil {
		p, err := h.host.process(h.plan, h.key, h.logger, h.redactor)
		if err != nil {
			h.mu.Unlock()
			return failure(h.plan.Name, classDraining, err)
		}
		h.proc = p
	}
	proc := h.proc
	h.mu.Unlock()
	if a := h.current.Load(); a != nil && a.session.err() != nil {
		proc.lose(a.life) // who watches it may not have come to it: its process is about to be killed
	}
	l, err := proc.want()
	if err != nil {
		return err
	}
	s, err := newSession(l.conn, sessionOptions{
		plugin: h.plan.Name, iface: l.iface, maxInFlight: h.plan.Config.MaxInFlight, clock: h.host.clock, spawn: h.host.spawn, logger: h.logger, redactor: h.redactor,
		obituary: l.obituary, doubt: &l.doubt,
	})
	if err != nil {
		h.host.spawn(func() { proc.broken(l, err); proc.unwant(l) })
		if how := l.obituary(err); how != nil {
			err = how
		}
		return failure(h.plan.Name, classCrash, err)
	}
	a := &attached{session: s, life: l}
	h.mu.Lock()
	if h.proc != proc { // everybody has left meanwhile
		h.mu.Unlock()
		s.close()
		proc.unwant(l)
		return failure(h.plan.Name, classDraining, errors.New("its pipelines are closed"))
	}
	h.all = append(h.all, a)
	h.current.Store(a)
	h.mu.Unlock()
	h.host.spawn(func() { h.watch(proc, a) })
	return nil
}

var errEnded = errors.New("its process has ended")

// watch stays with a session until it is gone.
func (h *handle) watch(proc *process, a *attached) {
	select {
	case <-a.session.gone():
	case <-a.life.gone():
		if a.life.stopping.Load() {
			a.session.close()
		} else {
			a.session.breakOff(errEnded)
		}
		<-a.session.gone()
	case <-a.session.draining():
		if !a.leaving.Load() {
			proc.retire(a.life)
		}
		h.drain(a)
	}
	if err := a.session.err(); err != nil && !a.leaving.Load() {
		proc.broken(a.life, err)
	}
	h.current.CompareAndSwap(a, nil)
	h.mu.Lock()
	for i, other := range h.all {
		if other == a {
			h.all = append(h.all[:i], h.all[i+1:]...)
			break
		}
	}
	h.mu.Unlock()
	proc.unwant(a.life)
}

// drain lets the exchanges of a session end, for a while.
func (h *handle) drain(a *attached) {
	ctx, cancel := context.WithTimeout(context.Background(), h.host.times.drain)
	defer cancel()
	_ = a.session.drain(ctx) // what did not end in time ends now
	a.session.close()
}

// leave implements plugin.
func (h *handle) leave() error {
	h.mu.Lock()
	h.stages--
	if h.stages > 0 {
		h.mu.Unlock()
		return nil
	}
	proc, all := h.proc, append([]*attached(nil), h.all...)
	h.proc = nil
	h.current.Store(nil)
	h.mu.Unlock()
	if proc == nil {
		return nil
	}
	err := h.host.run(func() error {
		for _, a := range all {
			a.leaving.Store(true)
			h.host.spawn(func() { a.life.ping(h.host.times.ping) }) // one that is frozen drains nothing
			h.drain(a)
		}
		h.host.release(proc, h.redactor)
		return nil
	})
	if errors.Is(err, errClosed) { // and with it the process
		return nil
	}
	return err
}

// suspect says that the process of s looks stuck, as after an exchange that got no answer in time. One that does not answer a ping
// either is killed, and started again; until that is known new exchanges wait.
func (h *handle) suspect(s *session) {
	a := h.current.Load()
	if a == nil || a.session != s || a.life.far != nil || !a.life.pinging.CompareAndSwap(false, true) {
		return
	}
	answered := h.host.ticket()
	if answered == nil {
		return
	}
	a.life.doubt.begin(answered)
	h.host.spawn(func() {
		defer a.life.pinging.Store(false)
		if a.life.ping(h.host.times.ping) {
			a.life.doubt.end(answered)
		}
	})
}

// suspect says that an exchange got no answer in time; see handle.
func (st *stage) suspect(s *session) {
	if h, ok := st.opts.plugin.(*handle); ok { // a test may have another
		h.suspect(s)
	}
}
