package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/leatdev/leat/pipeline/redact"
)

// step is one thing that happens to a session at a moment.
type step struct {
	At      time.Duration
	Op      string
	Patient time.Duration // how long the caller waits
	Worked  bool          // the API took the token before
}

// plan is a random life of a session: what happens, and what server and store answer.
type plan struct {
	Steps   []step
	Life    time.Duration
	Latency time.Duration
	Half    bool          // the API refuses every second token, and not all
	Sending time.Duration // of a call, until its 401: the token may be an old one by then
	Answers []string      // of the token server in turn, then "ok"
	Saves   []bool        // of the store in turn, then true
	Saving  time.Duration
}

// span draws a duration evenly: rapid's own numbers are small ones for the most part, and a life would be over after a moment.
func span(most time.Duration) *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		n := int64(0)
		for range 12 {
			n *= 2
			if rapid.Bool().Draw(t, "bit") {
				n++
			}
		}
		return time.Duration(n * int64(most) / 4095).Round(time.Millisecond)
	})
}

func drawPlan(t *rapid.T, ops []string, answers []string) plan {
	many := rapid.SampledFrom([]int{1, 5, 20, 60}).Draw(t, "how many")
	return plan{
		Steps: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{At: span(20*time.Second).Draw(t, "at"), Op: rapid.SampledFrom(ops).Draw(t, "op"), Patient: span(12*time.Second).Draw(t, "patient") + time.Millisecond, Worked: rapid.Bool().Draw(t, "worked")}
		}), many, many).Draw(t, "steps"),
		Life:    rapid.SampledFrom([]time.Duration{0, 300 * time.Millisecond, 5 * time.Second, time.Hour}).Draw(t, "life"),
		Latency: span(2*time.Second).Draw(t, "latency"),
		Half:    rapid.Bool().Draw(t, "half"),
		Sending: span(time.Second).Draw(t, "sending"),
		Answers: rapid.SliceOfN(rapid.SampledFrom(answers), 0, 10).Draw(t, "answers"),
		Saves:   rapid.SliceOfN(rapid.Bool(), 0, 10).Draw(t, "saves"),
		Saving:  span(time.Second).Draw(t, "saving"),
	}
}

// run lives the plan in virtual time and returns what went wrong.
type run struct {
	plan
	s     *Session
	k     *tokens
	store *faultyStore
	began time.Time

	mu       sync.Mutex
	wrong    []error
	rejected map[uint64]bool  // whose Reject has returned
	failures map[*Error]Error // as they were given
}

func (r *run) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Errorf("at %s: "+format, append([]any{time.Since(r.began)}, args...)...))
}

func (p plan) run(t *testing.T) *run {
	r := &run{plan: p, began: time.Now(), rejected: map[uint64]bool{}, failures: map[*Error]Error{}, store: &faultyStore{Store: NewMemoryStore(), latency: p.Saving}}
	r.k = &tokens{life: p.Life, latency: p.Latency, refuse: func(call int) error {
		if call > len(p.Answers) {
			return nil
		}
		switch p.Answers[call-1] {
		case "unknown":
			return &Failure{Op: "refresh", Refresh: true, Err: errors.New("reset")}
		case "503":
			return &Failure{Op: "refresh", Refresh: true, Status: 503}
		case "403":
			return &Failure{Op: "refresh", Refresh: true, Status: 403}
		case "invalid_grant":
			return invalidGrant()
		case "panic":
			panic("server")
		}
		return nil
	}}
	saves := p.Saves
	r.store.set(func(op string) error {
		if op != "save" || len(saves) == 0 {
			return nil
		}
		ok := saves[0]
		saves = saves[1:]
		if !ok {
			return errors.New("save: store away")
		}
		return nil
	})
	r.s = NewSession(SessionConfig{Name: "demo", Source: r.k, Store: r.store})
	var all sync.WaitGroup
	for _, st := range p.Steps {
		all.Go(func() { r.take(t.Context(), st) })
	}
	all.Wait()
	return r
}

func (r *run) take(ctx context.Context, st step) {
	time.Sleep(st.At)
	ctx, cancel := context.WithTimeout(ctx, st.Patient)
	defer cancel()
	switch st.Op {
	case "acquire":
		r.acquire(ctx)
	case "call": // as a pipeline does: send, 401, reject, acquire, replay
		if n := r.acquire(ctx); n != nil && r.send(ctx) && r.refuses(n) {
			if st.Worked {
				n.Worked()
			}
			r.reject(n.Generation())
			r.acquire(ctx)
		}
	case "reject":
		if n := r.s.Peek(); n != nil && r.refuses(n) {
			r.reject(n.Generation())
		}
	case "renew":
		r.s.Renew()
	case "set":
		_ = r.s.Set(ctx, Token{Access: redact.NewSecret(fmt.Sprint("set-", st.At)), Refresh: redact.NewSecret("set-refresh"), Lifetime: r.Life})
	case "login":
		_ = r.s.Login(ctx, nil)
	case "logout":
		_ = r.s.Logout(ctx)
	}
	if deadline, _ := ctx.Deadline(); time.Now().After(deadline) {
		r.fail("I10: %s returned %s after its context ended", st.Op, time.Since(deadline))
	}
}

// send takes its time and reports whether the caller is still there.
func (r *run) send(ctx context.Context) bool {
	select {
	case <-time.After(r.Sending):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (r *run) refuses(n *Snapshot) bool { return !r.Half || n.Generation()%2 == 1 }

func (r *run) reject(generation uint64) {
	r.s.Reject(generation)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejected[generation] = true
}

func (r *run) acquire(ctx context.Context) *Snapshot {
	r.mu.Lock()
	bad := make(map[uint64]bool, len(r.rejected))
	for g := range r.rejected {
		bad[g] = true
	}
	r.mu.Unlock()
	n, err := r.s.Acquire(ctx)
	e := (*Error)(nil)
	switch {
	case (n == nil) == (err == nil):
		r.fail("one result: got %v and %v", n, err)
	case errors.As(err, &e):
		r.keep(e)
	case err != nil && err != context.Cause(ctx):
		r.fail("I11: a foreign error: %v", err)
	case n != nil && r.s.Peek() != nil && r.s.Peek().Generation() < n.Generation():
		r.fail("got %v before it was published", n)
	case n != nil && bad[n.Generation()]:
		r.fail("got %v, which was known to be refused", n)
	}
	return n
}

// keep remembers a failure as it is: others may hold it, too.
func (r *run) keep(e *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, ok := r.failures[e]; !ok {
		r.failures[e] = *e
	} else if before != *e {
		r.wrong = append(r.wrong, fmt.Errorf("I11: a failure that others hold was written to: %+v, before %+v", *e, before))
	}
}

// end checks what must hold after everything, and closes.
func (r *run) end() {
	for e := range r.failures {
		r.keep(e)
	}
	if r.k.most.Load() > 1 {
		r.fail("I1: two token requests at once")
	}
	time.Sleep(10 * time.Minute)
	if st := r.s.State(); st.Unsaved || st.Renewing {
		r.fail("still busy: %+v", st)
	}
	rec, _ := r.store.Load(context.Background(), r.s.key)
	if n := r.s.Peek(); n == nil && !rec.Token.Access.IsZero() {
		r.fail("no token, but the store holds one")
	} else if n != nil && rec.Token.Access != n.Token().Access {
		r.fail("the store holds another token")
	}
	if err := r.s.Close(); err != nil {
		r.fail("%v", err)
	}
}

// check runs fn in virtual time for many random plans.
func check(t *testing.T, ops, answers []string, also func(*run)) {
	thousand(t, func(rt *rapid.T) {
		p := drawPlan(rt, ops, answers)
		var wrong []error
		synctest.Test(t, func(t *testing.T) {
			r := p.run(t)
			if also != nil {
				also(r)
			}
			r.end()
			wrong = r.wrong
		})
		if len(wrong) > 0 {
			rt.Fatalf("%v", errors.Join(wrong...))
		}
	})
}

// thousand has rapid draw ten times as often as it does by itself: a life costs less than a millisecond.
func thousand(t *testing.T, property func(*rapid.T)) {
	for range 10 {
		rapid.Check(t, property)
	}
}

// Whatever happens: I1, I10, I11, one result, no token known to be bad, and the store in step.
func TestAnySchedule(t *testing.T) {
	ops := []string{"acquire", "acquire", "call", "call", "call", "reject", "renew", "set", "login", "logout"}
	check(t, ops, []string{"ok", "ok", "unknown", "503", "403", "invalid_grant", "panic"}, nil)
}

// I2: renewals caused by 401 are at most as many as distinct generations were refused.
func TestRenewalsByRefusal(t *testing.T) {
	check(t, []string{"acquire", "call", "reject", "renew"}, []string{"ok"}, func(r *run) {
		if r.Life != 0 && r.Life != time.Hour {
			return // those renew by age as well
		}
		if got, most := int(r.k.calls.Load()), 1+len(r.rejected); got > most {
			r.fail("I2: %d token requests, %d generations refused", got, len(r.rejected))
		}
	})
}
