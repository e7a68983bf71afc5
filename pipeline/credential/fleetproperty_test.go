package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// fleetStep is what one process does at a moment.
type fleetStep struct {
	step
	Process int
}

// fleetFault is what happens to the store, or to a process, at a moment and for a while.
type fleetFault struct {
	At, For time.Duration
	Kind    string
	Process int
}

// fleetPlan is a random life of a fleet.
type fleetPlan struct {
	Processes     int
	Steps         []fleetStep
	Faults        []fleetFault
	Answers       []string
	Life, Latency time.Duration
	Policy        OnStoreFailure
	Deaf          bool
}

func (p fleetPlan) has(kinds ...string) bool {
	for _, f := range p.Faults {
		if slices.Contains(kinds, f.Kind) {
			return true
		}
	}
	return false
}

func drawFleet(t *rapid.T, kinds []string) fleetPlan {
	p := fleetPlan{
		Processes: rapid.IntRange(2, 4).Draw(t, "processes"),
		Life:      rapid.SampledFrom([]time.Duration{3 * time.Second, 20 * time.Second, time.Hour}).Draw(t, "life"),
		Latency:   span(1500*time.Millisecond).Draw(t, "latency"),
		Policy:    rapid.SampledFrom([]OnStoreFailure{FailWithoutStore, FailWithoutStore, RefreshWithoutStore}).Draw(t, "policy"),
		Deaf:      rapid.Bool().Draw(t, "deaf"),
		Answers:   rapid.SliceOfN(rapid.SampledFrom([]string{"ok", "ok", "ok", "503", "403", "lost"}), 0, 8).Draw(t, "answers"),
	}
	which, many := rapid.IntRange(0, p.Processes-1), rapid.SampledFrom([]int{10, 30, 80}).Draw(t, "how many")
	ops := []string{"acquire", "acquire", "acquire", "call", "call", "renew", "spoil", "spoil", "login", "logout"}
	p.Steps = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fleetStep {
		return fleetStep{
			step{At: span(40*time.Second).Draw(t, "at"), Op: rapid.SampledFrom(ops).Draw(t, "op"), Patient: span(15*time.Second).Draw(t, "patient") + time.Millisecond},
			which.Draw(t, "process"),
		}
	}), many, many).Draw(t, "steps")
	if len(kinds) > 0 {
		p.Faults = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fleetFault {
			return fleetFault{span(40*time.Second).Draw(t, "at"), span(6*time.Second).Draw(t, "for"), rapid.SampledFrom(kinds).Draw(t, "kind"), which.Draw(t, "process")}
		}), 1, 6).Draw(t, "faults")
	}
	return p
}

// fleetRun lives a plan in virtual time.
type fleetRun struct {
	fleetPlan
	*fleet
	t     *testing.T
	began time.Time

	mu    sync.Mutex
	slots []*fleetSlot
	spoil map[string]bool // access tokens that the API refuses
	wrong []error
}

type fleetSlot struct {
	*process
	pool *Pool
}

func (r *fleetRun) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Errorf("at %s: "+format, append([]any{time.Since(r.began)}, args...)...))
}

func (p fleetPlan) run(t *testing.T) *fleetRun {
	r := &fleetRun{fleetPlan: p, fleet: newFleet(p.Life), t: t, began: time.Now(), spoil: map[string]bool{}}
	r.deaf.Store(p.Deaf)
	r.server.latency, r.server.answers = p.Latency, p.Answers
	for i := range p.Processes {
		r.slots = append(r.slots, r.start(fmt.Sprint("p", i)))
	}
	var all sync.WaitGroup
	if err := r.session(0).Login(t.Context(), nil); err != nil {
		r.fail("login: %v", err)
	}
	for _, st := range p.Steps {
		all.Go(func() { r.take(st) })
	}
	for _, fault := range p.Faults {
		all.Go(func() { r.happen(fault) })
	}
	all.Wait()
	return r
}

func (r *fleetRun) start(name string) *fleetSlot {
	p := r.process(name)
	return &fleetSlot{p, NewPool("demo", false, func(string) (SessionConfig, error) {
		source := Source(&watched{member{process: p}, r})
		return SessionConfig{Source: source, Store: p, OnStoreFailure: r.Policy, Logger: logger(p)}, nil
	}, PoolOptions{})}
}

// watched sees to it that a refresh token leaves with the turn only.
type watched struct {
	member
	run *fleetRun
}

func (w *watched) Refresh(ctx context.Context, prev Token) (Token, error) {
	w.fleet.mu.Lock()
	l := w.turns[Key{Credential: "demo"}]
	w.fleet.mu.Unlock()
	if w.run.Policy == FailWithoutStore && (l == nil || l.process != w.process) && !w.run.has("lose", "forget", "kill") {
		w.run.fail("%s renews without the turn", w.name)
	}
	return w.member.Refresh(ctx, prev)
}

func (r *fleetRun) slot(i int) *fleetSlot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.slots[i]
}

func (r *fleetRun) session(i int) *Session {
	for {
		if s, err := r.slot(i).pool.Session(""); err == nil {
			return s
		} // else it was killed at this moment, and the next one stands in its slot
	}
}

func (r *fleetRun) happen(f fleetFault) {
	time.Sleep(f.At)
	p := r.slot(f.Process)
	switch f.Kind {
	case "fail":
		p.set(away)
		time.Sleep(f.For)
		p.set(nil)
	case "unwritable":
		p.set(func(op string) error {
			if op == "save" {
				return away(op)
			}
			return nil
		})
		time.Sleep(f.For)
		p.set(nil)
	case "hang":
		p.setHang(true)
		time.Sleep(f.For)
		p.setHang(false)
	case "lose":
		r.loseTurns()
	case "forget":
		r.forget()
	case "kill":
		p.kill()
		r.mu.Lock()
		next := r.start(p.name + "'")
		r.slots[f.Process] = next
		r.mu.Unlock()
		_ = p.pool.Close() // frees its goroutines, and changes nothing
	}
}

func (r *fleetRun) take(st fleetStep) {
	time.Sleep(st.At)
	ctx, cancel := context.WithTimeout(r.t.Context(), st.Patient)
	defer cancel()
	s := r.session(st.Process)
	switch st.Op {
	case "acquire":
		r.acquire(ctx, s)
	case "call":
		if n := r.acquire(ctx, s); n != nil && r.refuses(n) {
			s.Reject(n.Generation())
			r.acquire(ctx, s)
		}
	case "renew":
		s.Renew()
	case "spoil":
		if n := s.Peek(); n != nil {
			r.mu.Lock()
			r.spoil[access(n)] = true
			r.mu.Unlock()
		}
	case "login":
		_ = s.Login(ctx, nil)
	case "logout":
		_ = s.Logout(ctx)
	}
	if deadline, _ := ctx.Deadline(); time.Now().After(deadline) {
		r.fail("I10: %s returned %s after its context ended", st.Op, time.Since(deadline))
	}
}

func (r *fleetRun) refuses(n *Snapshot) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spoil[access(n)]
}

func (r *fleetRun) acquire(ctx context.Context, s *Session) *Snapshot {
	n, err := s.Acquire(ctx)
	e := (*Error)(nil)
	switch {
	case (n == nil) == (err == nil):
		r.fail("one result: got %v and %v", n, err)
	case err != nil && err != context.Cause(ctx) && !errors.As(err, &e):
		r.fail("I11: a foreign error: %v", err)
	}
	return n
}

// end checks what must hold after everything, and closes.
func (r *fleetRun) end() {
	refreshes, reuses, most := r.server.counts()
	if r.Policy == FailWithoutStore && !r.has("lose", "forget") {
		if most > 1 {
			r.fail("I1: %d token requests at once", most)
		}
		if reuses > 0 && !r.has("kill") {
			r.fail("%d of %d refreshes with a used token", reuses, refreshes)
		}
	}
	r.agree()
	for _, slot := range r.slots {
		if err := slot.pool.Close(); err != nil {
			r.fail("%v", err)
		}
	}
}

// agree checks that all processes come to the same, once nothing happens any more and somebody asks.
func (r *fleetRun) agree() {
	time.Sleep(10*time.Minute + r.Life)
	r.server.mu.Lock()
	r.server.life, r.server.answers = time.Hour, nil
	r.server.mu.Unlock()
	for range 3 {
		for i := range r.slots {
			_, _ = r.session(i).Acquire(r.t.Context())
		}
		time.Sleep(time.Minute + time.Second)
	}
	want := r.record()
	for i, slot := range r.slots {
		s := r.session(i)
		st, n := s.State(), s.Peek()
		switch {
		case st.Unsaved || st.Renewing:
			r.fail("%s is still busy: %+v", slot.name, st)
		case want.Generation == 0 && st.Status == StatusDead: // the store forgot, and so did all who knew
		case want.Ended == StatusDead && st.Status == StatusClosed && (r.Deaf || len(r.Faults) > 0): // it missed the login that has died since
		case want.Ended != "" && st.Status != want.Ended:
			r.fail("%s is %s, the store says %s", slot.name, st.Status, want.Ended)
		case want.Ended == "" && (n == nil || n.Token().Access != want.Token.Access):
			r.fail("%s has %v in status %s, the store holds generation %d", slot.name, n, st.Status, want.Generation)
		}
	}
}

func checkFleet(t *testing.T, kinds ...string) {
	thousand(t, func(rt *rapid.T) {
		p := drawFleet(rt, kinds)
		var wrong []error
		synctest.Test(t, func(t *testing.T) {
			r := p.run(t)
			r.end()
			wrong = r.wrong
		})
		if len(wrong) > 0 {
			rt.Fatalf("%v", errors.Join(wrong...))
		}
	})
}

// While the store works: at most one token request in the fleet, no refresh token used twice, and all come to the same.
func TestAnyFleet(t *testing.T) { checkFleet(t) }

// The same while the store fails for a process, hangs or takes no writes, for a few seconds.
func TestAnyFleetWithStoreFailures(t *testing.T) { checkFleet(t, "fail", "hang", "unwritable") }

// Whatever happens to store and processes: nobody waits for ever, and all come to the same.
func TestAnyFleetWithWorse(t *testing.T) {
	checkFleet(t, "fail", "hang", "unwritable", "lose", "forget", "kill")
}
