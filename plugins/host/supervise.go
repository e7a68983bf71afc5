package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/leatdev/leat/pipeline"
)

var errStopped = errors.New("it was stopped")

// supervise keeps the process running until it is ended: it is the only one who starts it.
func (p *process) supervise() {
	defer close(p.done)
	defer p.stopAll()
	for p.ctx.Err() == nil {
		l, err := p.start()
		if err != nil {
			p.noteFailure(classStart, err)
			if !p.pause() {
				return
			}
			continue
		}
		p.noteStart(l)
		select {
		case <-l.gone():
			if p.ctx.Err() != nil {
				return
			}
			p.noteFailure(classCrash, l.epitaph())
			p.stopped(l) // what it leaves behind
			if !p.pause() {
				return
			}
		case <-l.retired:
			p.host.spawn(func() { p.unwant(l) })
			if time.Since(l.born) < p.host.times.young {
				p.noteFailure(classStart, errors.New("it wanted no more requests right after its start"))
				if !p.pause() {
					return
				}
			}
		case <-p.ctx.Done():
		}
	}
}

// start starts a life, unless it is one that wants more than its lock has accepted.
func (p *process) start() (*life, error) {
	l, err := p.host.start(p.ctx, p.plan, p.logs)
	if err != nil {
		return nil, err
	}
	if err := p.host.known.accept(p.plan, l.iface); err != nil {
		l.stop(p.host.times)
		return nil, lasting{err}
	}
	return l, nil
}

// noteStart tells those who wait that l runs.
func (p *process) noteStart(l *life) {
	p.mu.Lock()
	p.life, p.failed = l, nil
	p.lives[l] = 1 // the supervisor's
	waiters := p.waiters
	p.waiters = nil
	p.mu.Unlock()
	for _, w := range waiters {
		w <- nil
	}
	if l.far != nil {
		p.logs.info("plugin attached", "socket", l.far.socket)
		return
	}
	p.logs.info("plugin started", "pid", l.pid())
}

// noteFailure counts a crash or a start that failed, and tells those who wait for a start.
func (p *process) noteFailure(reason string, err error) {
	if p.ctx.Err() != nil {
		err, reason = errStopped, classDraining
	}
	failed := failure(p.plan.Name, reason, err)
	now := time.Now()
	p.mu.Lock()
	p.life = nil
	for len(p.failures) > 0 && now.Sub(p.failures[0]) > p.host.times.window {
		p.failures = p.failures[1:]
	}
	p.failures = append(p.failures, now)
	wait := p.host.times.delay(len(p.failures))
	p.failed, p.next = failed, now.Add(wait)
	waiters := p.waiters
	switch {
	case p.quarantined(), wait > p.host.times.wait:
		p.waiters, failed = nil, p.held(wait)
	case reason == classCrash: // they came before the crash was seen, and wait for the start that is due soon
		waiters = nil
	default:
		p.waiters = nil
	}
	count := len(p.failures)
	p.mu.Unlock()
	for _, w := range waiters {
		w <- failed
	}
	if reason != classDraining {
		p.logs.warn("plugin failed", "reason", reason, "error", p.logs.redact(err.Error()), "failures", count, "again_in", wait.Round(time.Millisecond))
	}
}

// quarantined reports whether the process failed too often of late.
func (p *process) quarantined() bool {
	return p.failed != nil && len(p.failures) >= p.host.times.crashes
}

// held is the error of a request while no start is under way.
func (p *process) held(due time.Duration) *pipeline.Error {
	due = max(due, 0).Round(100 * time.Millisecond)
	e := *p.failed
	if p.quarantined() {
		e.Reason = classCrash
		e.Message = fmt.Sprintf("plugin %s failed %d times within %s and is left alone until %s, when it is tried again (in %s); the last time: %s",
			p.plan.Name, len(p.failures), p.host.times.window, p.next.Format(time.TimeOnly), due, p.failed.Err)
		return &e
	}
	e.Message += fmt.Sprintf("; it is tried again in %s", due)
	return &e
}

// pause waits until the next start is due; false: the process is ended.
func (p *process) pause() bool {
	p.mu.Lock()
	t := time.NewTimer(time.Until(p.next))
	p.mu.Unlock()
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// stopAll ends what runs, and the hopes of those who wait.
func (p *process) stopAll() {
	p.mu.Lock()
	p.life = nil
	waiters := p.waiters
	p.waiters = nil
	var all []*life
	for l := range p.lives {
		all = append(all, l)
	}
	p.mu.Unlock()
	for _, w := range waiters {
		w <- failure(p.plan.Name, classDraining, errStopped)
	}
	for _, l := range all {
		p.stopped(l)
	}
}
