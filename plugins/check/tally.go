package check

import "github.com/leatdev/leat/plugins/internal/wire"

// tally counts how a stage's requests ended.
type tally struct {
	all, panics, refused int
	thrown, refusal      string // what the first of those said
}

// tally counts the exchange by what ended it; nil is a Next.
func (x *exchange) tally(r *wire.Return) {
	if x.inst.less != "" || x.mute {
		return
	}
	c, e := x.s.c, r.GetError()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tallies[x.inst.stage.Name]
	if t == nil {
		t = &tally{}
		c.tallies[x.inst.stage.Name] = t
	}
	t.all++
	switch {
	case e.GetPanic():
		if t.panics++; t.panics == 1 {
			t.thrown = e.GetMessage()
		}
	case e != nil && x.nexts == 0:
		if t.refused++; t.refused == 1 {
			t.refusal = e.GetKind() + ": " + e.GetMessage()
		}
	}
}

// weigh judges what became of all requests of a stage. One that throws for some of them may do so on purpose of who gave them.
func (c *checker) weigh(st Stage) {
	c.mu.Lock()
	t := c.tallies[st.Name]
	c.mu.Unlock()
	switch {
	case t == nil:
	case t.panics == t.all:
		c.broken("wire.panic", "every request ended in a panic: %s (stage %s)", t.thrown, st.Name)
		c.advise("wire.panic", "mend what throws: `leat plugin logs "+c.plan.Name+"` shows all that it says; where it takes requests of its own kind, give it one with --request")
	case t.panics > 0:
		c.remark("wire.panic", "%d of %d requests ended in a panic, the first in: %s (stage %s)", t.panics, t.all, t.thrown, st.Name)
	case t.refused == t.all:
		c.remark("wire.do", "stage %s let no request through, so that little of it was tried: give it one that it takes with --request, or what it lacks. The first ended in %q", st.Name, t.refusal)
	}
}
