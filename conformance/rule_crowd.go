package conformance

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
)

// crowd is how many calls are made at once.
const crowd = 32

// playConcurrent has many callers call one stage at once, each with a request and an answer of its own.
func playConcurrent(b *bench) {
	all := []situation{}
	for _, s := range b.kit.situations {
		if len(s.replies) == 0 || !s.replies[0].stalls {
			all = append(all, s)
		}
	}
	for len(all) > 0 {
		n := min(crowd, len(all))
		b.playCrowd(all[:n])
		all = all[n:]
	}
}

func (b *bench) playCrowd(situations []situation) {
	p, end := b.open()
	if p == nil {
		return
	}
	var arrived atomic.Int64
	gate := make(chan struct{}) // opened once all are at the stage: nothing orders one Do before another, and the race detector sees what they share
	h := hooks{entering: func(*visit) { <-gate }, given: func(*sending) { meet(&arrived, int64(len(situations))) }}
	var group sync.WaitGroup
	var calls []*stageCall
	for _, s := range situations {
		c := b.call(s, h)
		calls = append(calls, c)
		group.Go(func() { c.run(b.ctx, p) })
	}
	synctest.Wait()
	close(gate)
	group.Wait()
	end()
	for _, c := range calls {
		c.judgeMixed()
	}
}

// meet holds a call in next until all are there, or all that the stage lets through. It does not block: a stage that lets in one at a
// time is slow, but breaks no rule by that.
func meet(arrived *atomic.Int64, all int64) {
	arrived.Add(1)
	for range 300 {
		if arrived.Load() >= all {
			return
		}
		runtime.Gosched()
	}
}

// judgeMixed looks whether this call got anything of another.
func (c *stageCall) judgeMixed() {
	const do = "keep what belongs to one call on the stack, or on the Call; a field of the stage that Do writes is shared by all calls"
	for _, s := range c.sendings() {
		switch {
		case callOf(s.req.Context()) != c,
			s.given.header.Get("X-Kit-Call") != "" && s.given.header.Get("X-Kit-Call") != c.id,
			strings.Contains(s.given.url, "call=") && !strings.HasSuffix(s.given.url, "call="+c.id),
			strings.Contains(string(s.body), `"call":`) && !strings.Contains(string(s.body), `"call":"`+c.id+`"`):
			c.found("a call gave next the request of another call", do)
		}
	}
	if c.resp == nil {
		return
	}
	id, _, _ := strings.Cut(c.resp.Header.Get("X-Kit-Answer"), "-")
	if id != "" && id != c.id || strings.Contains(string(c.got), `"call":`) && !strings.Contains(string(c.got), `"call":"`+c.id+`"`) {
		c.found("a caller got the answer to another's call", do)
	}
}
