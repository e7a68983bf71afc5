package conformance

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline"
)

// bench is where one rule is tested: in a bubble of virtual time.
type bench struct {
	kit *stageKit
	ctx context.Context

	visits, sends atomic.Int64 // of the stage, and of next
	steps         atomic.Int64 // grows while something happens
	clock         atomic.Int64 // of real time, which nobody in a bubble sees: the beats since it began
	begun, ended  atomic.Int64 // calls
	under         atomic.Pointer[situation]

	logs, events notes

	undo func() // of what the rule did to the process; also run where the bubble ends before its time

	mu       sync.Mutex
	findings []finding
	fatal    error // why nothing can be tested
}

// judge tests one rule. Where nothing could be tested, fatal says why.
func (k *stageKit) judge(t *testing.T, r stageRule) *bench {
	b := &bench{kit: k}
	trouble := k.bubble(t, b, r.play)
	if b.undo != nil {
		b.undo()
	}
	if trouble != "" {
		b.found("", trouble, "let every wait end with the request's context, and hold no lock while next runs or while you wait")
	}
	return b
}

// beat is how often a bubble is looked at from outside.
const beat = 20 * time.Millisecond

// bubble has f run in virtual time. What ends a bubble from within (all are blocked for good) and what stops its time (a lock that
// is waited for) would take the whole test binary along; here it is told in words.
func (k *stageKit) bubble(t *testing.T, b *bench, f func(*bench)) (trouble string) {
	over := make(chan string, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				if text := fmt.Sprint(p); !strings.HasPrefix(text, "deadlock") {
					panic(p)
				}
				over <- b.blocked("a call never came back: all of it is blocked for good")
				return
			}
			over <- ""
		}()
		synctest.Test(t, func(t *testing.T) {
			b.ctx = t.Context()
			f(b)
		})
	}()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	steps, since := int64(-1), time.Now()
	for {
		select {
		case trouble := <-over:
			return trouble
		case now := <-ticker.C:
			b.clock.Add(1)
			if n := b.steps.Load(); n != steps {
				steps, since = n, now
			}
			if now.Sub(since) > k.patience {
				return b.blocked("nothing moves any more: something waits for a lock, or runs in a circle")
			}
		}
	}
}

// blocked tells what was under way when a bubble stopped.
func (b *bench) blocked(what string) string {
	if b.begun.Load() == b.ended.Load() {
		return "goroutines that the stage started are there after Runner.Close: a stage that starts any is an io.Closer that ends them"
	}
	return what + ": " + b.under.Load().String()
}

// found notes a breach.
func (b *bench) found(when, saw, do string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.findings = append(b.findings, finding{saw: saw, do: do, when: when})
}

// open brings a fresh stage to life; end closes it and waits for all that it started.
func (b *bench) open() (p *pipeline.Pipeline, end func()) {
	r, p, err := b.kit.open(b.ctx, &b.logs, func(_ *pipeline.Call, e pipeline.Event) { b.events.add(e.Text + " " + e.Reason) })
	if err != nil {
		b.mu.Lock()
		b.fatal = err
		b.mu.Unlock()
		return nil, func() {}
	}
	return p, func() {
		if err := r.Close(); err != nil {
			b.mu.Lock()
			b.fatal = fmt.Errorf("close the runner: %w", err)
			b.mu.Unlock()
		}
		synctest.Wait()
	}
}

// play makes one call with a fresh stage and reads its answer; nil means that there is no stage.
func (b *bench) play(s situation, h hooks) *stageCall {
	p, end := b.open()
	if p == nil {
		return nil
	}
	c := b.call(s, h)
	c.run(b.ctx, p)
	end()
	return c
}

// playAll plays every situation of the kit, one after the other.
func (b *bench) playAll(h hooks, look func(*stageCall)) {
	for _, s := range b.kit.situations {
		c := b.play(s, h)
		if c == nil {
			return
		}
		look(c)
	}
}

// notes collects texts from many goroutines.
type notes struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.Write(p)
}

func (n *notes) add(text string) { _, _ = n.Write([]byte(text + "\n")) }

// take returns what was noted, and forgets it.
func (n *notes) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.buf.Reset()
	return strings.TrimSpace(n.buf.String())
}
