package host

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// times are how long things may take. Tests shorten them.
type times struct {
	backoff, most time.Duration // after the first failure; at most
	window        time.Duration // how long a failure counts
	crashes       int           // so many failures within window are a quarantine
	wait          time.Duration // a request waits for a start that is due so soon
	drain         time.Duration // for the exchanges under way
	grace, kill   time.Duration // for an orderly end; for one by SIGTERM
	ping          time.Duration // for an answer of a process that looks stuck
	slow          time.Duration // a start that takes longer is told to people
	settle        time.Duration // for the end of a process whose stream broke
	young         time.Duration // a life that wants no more requests before that is a failure
}

func defaultTimes() times {
	return times{
		backoff: 100 * time.Millisecond, most: 30 * time.Second, window: 5 * time.Minute, crashes: 5, wait: time.Second,
		drain: 10 * time.Second, grace: 2 * time.Second, kill: time.Second, ping: 2 * time.Second, slow: time.Second, young: time.Second, settle: time.Second,
	}
}

// process is a plugin that is kept running while somebody uses it: a goroutine of its own starts it, sees it die and starts it again.
// One life of it is an OS process.
type process struct {
	host *Host
	plan pipeline.PluginPlan
	key  string
	logs *logs

	ctx    context.Context // ends with the process
	cancel context.CancelFunc
	done   chan struct{} // closed when no life is left

	mu       sync.Mutex
	users    int // handles; guarded by host.mu
	begun    bool
	life     *life         // that takes sessions, or nil
	lives    map[*life]int // those that run → their sessions
	waiters  []chan error
	failures []time.Time // within the window
	failed   *pipeline.Error
	next     time.Time // of the start that is due
}

// keyOf returns what tells plugins apart that can't share a process.
func keyOf(p pipeline.PluginPlan) string {
	key, err := json.Marshal([]any{p.Name, p.File, p.Dir, p.Config})
	if err != nil { // a config is made of strings and numbers
		return p.Name + "\x00" + p.Dir + "\x00" + p.File
	}
	return string(key)
}

// process returns the process of a plan, which release gives back.
func (h *Host) process(plan pipeline.PluginPlan, key string, logger *slog.Logger, redactor *redact.Redactor) (*process, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	p := h.procs[key]
	if p == nil {
		if h.logger != nil {
			logger = h.logger
		}
		p = &process{host: h, plan: plan, key: key, logs: newLogs(plan.Name, logger, redactor), done: make(chan struct{}), lives: map[*life]int{}}
		p.ctx, p.cancel = context.WithCancel(context.Background())
		h.procs[key] = p
	}
	p.logs.join(redactor)
	p.users++
	return p, nil
}

// release gives a process back; the last one ends it, and waits for that.
func (h *Host) release(p *process, redactor *redact.Redactor) {
	p.logs.part(redactor)
	h.mu.Lock()
	p.users--
	last := p.users == 0
	if last {
		delete(h.procs, p.key)
	}
	h.mu.Unlock()
	if last {
		p.end()
	}
}

// end stops every life and waits for it.
func (p *process) end() {
	p.cancel()
	p.mu.Lock()
	begun := p.begun
	p.begun = true
	p.mu.Unlock()
	if !begun {
		close(p.done)
	}
	<-p.done
}

// want returns a life that takes sessions, and counts one for it; unwant gives it back. It starts the process the first time, and waits for a
// start that is under way or due soon. The error is a *pipeline.Error.
func (p *process) want() (*life, error) {
	for {
		p.mu.Lock()
		if l := p.life; l != nil && !l.over() {
			p.lives[l]++
			p.mu.Unlock()
			return l, nil
		}
		if p.ctx.Err() != nil {
			p.mu.Unlock()
			return nil, failure(p.plan.Name, classDraining, errStopped)
		}
		if due := time.Until(p.next); p.failed != nil && (due > p.host.times.wait || p.quarantined()) {
			err := p.held(due)
			p.mu.Unlock()
			return nil, err
		}
		started := make(chan error, 1)
		p.waiters = append(p.waiters, started)
		if !p.begun {
			p.begun = true
			p.host.spawn(p.supervise)
		}
		p.mu.Unlock()
		if err := <-started; err != nil {
			return nil, err
		}
	}
}

// unwant gives a life back.
func (p *process) unwant(l *life) {
	p.mu.Lock()
	n, there := p.lives[l]
	if there {
		p.lives[l] = n - 1
	}
	last := there && n == 1
	p.mu.Unlock()
	if last {
		p.stopped(l)
	}
}

// broken takes a life whose stream broke out of service. As a rule its process is ending, and that says more; one that isn't is killed.
func (p *process) broken(l *life, err error) {
	p.lose(l)
	if !l.run.wait(p.host.times.settle) {
		l.condemn("its stream broke (" + l.run.logs.known(streamEnd(err)) + ")")
	}
}

// lose has a life take no more sessions.
func (p *process) lose(l *life) {
	p.mu.Lock()
	if p.life == l {
		p.life = nil
	}
	p.mu.Unlock()
}

// retire has a life take no more sessions; it ends with the last that it has.
func (p *process) retire(l *life) {
	p.lose(l)
	l.retireOnce.Do(func() { close(l.retired) })
}

// stopped stops a life that nobody uses.
func (p *process) stopped(l *life) {
	l.stop(p.host.times)
	p.mu.Lock()
	delete(p.lives, l)
	p.mu.Unlock()
}

// delay is how long to wait after the nth failure of late, counted from 1.
func (t times) delay(n int) time.Duration {
	d := t.most
	if n < 20 {
		d = min(t.backoff<<(n-1), t.most)
	}
	return d/2 + rand.N(d/2+1)
}
