package conformance

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
)

const doHonour = "wait in a select with <-req.Context().Done(), and return pipeline.Ended(req.Context(), \"…\") or the context's error"

// playHonoursContext has callers leave at every moment at which a stage may wait.
func playHonoursContext(b *bench) {
	all := asks()
	for _, a := range all {
		stalled := situation{a, []reply{{name: "silence", stalls: true}}}
		b.playLeaving(stalled, "the caller had left when the stage was called", func(c *leaving) hooks {
			return hooks{entering: func(*visit) { c.leave(); c.arrive() }}
		}, 0)
		b.playLeaving(stalled, "the caller leaves while next runs", func(c *leaving) hooks {
			return hooks{given: func(*sending) { c.arrive() }}
		}, time.Second)
	}
	b.playDeadline(situation{all[0], []reply{{name: "silence", stalls: true}}})
	for _, s := range b.kit.situations {
		for _, later := range []time.Duration{31 * time.Millisecond, 1003 * time.Millisecond} { // no moment at which anything else happens
			b.playLeaving(s, fmt.Sprintf("the caller leaves %s after next's first answer", later), func(c *leaving) hooks {
				return hooks{answered: func(*sending) { c.arrive() }}
			}, later)
		}
	}
	b.playQueue()
}

// leaving is a caller who leaves in mid-call.
type leaving struct {
	call   *stageCall
	ctx    context.Context
	leave  context.CancelFunc
	moment chan struct{} // closed once it is time to go
	once   sync.Once
}

func (l *leaving) arrive() { l.once.Do(func() { close(l.moment) }) }

// playLeaving has the call's caller leave some time after the moment that the hooks tell, and looks whether the call is over at
// that very instant.
func (b *bench) playLeaving(s situation, when string, at func(*leaving) hooks, later time.Duration) {
	p, end := b.open()
	if p == nil {
		return
	}
	defer end()
	l := &leaving{moment: make(chan struct{})}
	l.ctx, l.leave = context.WithCancel(b.ctx)
	defer l.leave()
	l.call = b.call(s, at(l))
	b.depart(l, p, when, func() {
		timer := time.NewTimer(later)
		defer timer.Stop()
		<-timer.C
		l.leave()
	})
}

// playDeadline is a caller whose deadline passes while next runs.
func (b *bench) playDeadline(s situation) {
	p, end := b.open()
	if p == nil {
		return
	}
	defer end()
	l := &leaving{moment: make(chan struct{})}
	l.ctx, l.leave = context.WithTimeout(b.ctx, time.Second)
	defer l.leave()
	l.call = b.call(s, hooks{given: func(*sending) { l.arrive() }})
	b.depart(l, p, "the caller's deadline passes while next runs", func() { <-l.ctx.Done() })
}

// depart runs the call, has its context end, and judges how it came back.
func (b *bench) depart(l *leaving, p *pipeline.Pipeline, when string, gone func()) {
	c := l.call
	back := make(chan struct{})
	go func() {
		defer close(back)
		c.run(l.ctx, p)
	}()
	select {
	case <-l.moment:
	case <-back:
	}
	select {
	case <-l.moment:
	default:
		return // it never came to that
	}
	gone()
	left := time.Now()
	synctest.Wait()
	when = c.String() + "; " + when
	select {
	case <-back:
		if !c.back.Before(left) {
			c.judgeEnd(when)
		}
		return
	default:
	}
	saw, do := "Do did not return when the request's context ended", doHonour
	for _, s := range c.sendings() {
		if !s.over.Load() && s.req.Context().Err() == nil {
			saw = "next was given a request whose context goes on after the caller's has ended"
			do = "give next the context that the request came with, or one derived from it, without context.WithoutCancel"
		}
	}
	if c.returned() {
		saw, do = "reading the answer's body went on after the context had ended", "what you put around a body hands on the error that ends it"
	}
	select {
	case <-back:
		do += fmt.Sprintf(" (here it took %s more)", time.Since(left))
	case <-time.After(time.Hour):
		do += " (here it took more than an hour)"
	}
	b.found(when, saw, do)
}

// returned reports whether every Do of the call has.
func (c *stageCall) returned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.ContainsFunc(c.visits, func(v *visit) bool { return !v.over.Load() })
}

// judgeEnd looks at the error of a call whose caller has left. A stage may have had another reason to fail: it says so with a kind, or fails
// in the same way where nobody leaves, though next had not failed.
func (c *stageCall) judgeEnd(when string) {
	if slices.ContainsFunc(c.visits, func(v *visit) bool { return v.panicked != "" }) {
		return
	}
	internal := func(err error) bool { return err != nil && pipeline.KindOf(err) == pipeline.KindInternal }
	if !internal(c.err) {
		return
	}
	failed := func(s *sending) bool { return s.over.Load() && s.err != nil }
	if !slices.ContainsFunc(c.sendings(), failed) {
		if stays := c.bench.play(c.situation, hooks{}); stays != nil && internal(stays.err) {
			return
		}
	}
	c.bench.found(when, "the error of a call whose context had ended does not wrap the context's, so it became one of kind internal",
		"return the context's error, or one that wraps it (%w)")
}

// playQueue fills next with calls that take their time, then has others come and leave again. Where a stage lets in a few at a time,
// those wait outside.
func (b *bench) playQueue() {
	p, end := b.open()
	if p == nil {
		return
	}
	defer end()
	before := b.visits.Load()
	var free atomic.Bool
	hold := hooks{given: func(*sending) {
		for !free.Load() { // no wait that lets virtual time pass: a stage may hold a lock meanwhile
			runtime.Gosched()
		}
	}}
	s := situation{asks()[0], nil}
	var first, late sync.WaitGroup
	for range crowd {
		c := b.call(s, hold)
		first.Go(func() { c.run(b.ctx, p) })
	}
	b.until(func() bool { return b.visits.Load() >= before+crowd })
	ctx, leave := context.WithCancel(b.ctx)
	defer leave()
	var back atomic.Int64
	stalled := situation{s.ask, []reply{{name: "silence", stalls: true}}}
	for range crowd {
		c := b.call(stalled, hooks{})
		late.Go(func() { c.run(ctx, p); back.Add(1) })
	}
	b.until(func() bool { return b.visits.Load() >= before+2*crowd })
	leave()
	if !b.until(func() bool { return back.Load() >= crowd }) {
		b.found(fmt.Sprintf("%d calls are under way in next; others come, wait, and leave", crowd), "a caller who left was kept waiting behind others", doHonour+
			"; a sync.Mutex can't: hold none while next runs, and queue at a channel")
	}
	free.Store(true)
	first.Wait()
	late.Wait()
}

// until waits for something without letting virtual time pass, for a second of real time at most.
func (b *bench) until(yes func() bool) bool {
	for began := b.clock.Load(); b.clock.Load()-began < int64(time.Second/beat); {
		if yes() {
			return true
		}
		b.steps.Add(1)
		runtime.Gosched()
	}
	return yes()
}
