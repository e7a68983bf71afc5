package scenario

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// Run runs test i of the suite in a bubble of virtual time, and returns what came of it. Time begins at midnight UTC on 1 January 2000.
// It fails t only where the test could not be run at all; what the test found is in the result.
//
// Whatever the test expects, it also fails when a secret shows in a log, span, error or record or reaches an origin that it does not belong
// to, when a goroutine or a request's body is left behind, when an error has no kind, when the caller's request was changed, when a caller
// whose context has ended is kept waiting, and when an upstream's answer was not used or was missing.
func (s *Suite) Run(t *testing.T, i int) Result {
	t.Helper()
	result := s.blank(i)
	if result.Status == Skipped {
		return result
	}
	if s.doc.Tests[i].Expect.Mistakes != nil {
		return s.mistaken(i)
	}
	dir := ""
	if test := &s.doc.Tests[i]; test.Files != nil || slices.ContainsFunc(test.Events, func(e Event) bool { return e.Write != nil }) {
		dir = t.TempDir()
	}
	return s.play(t, i, dir)
}

// play runs a test in a bubble. A goroutine that nothing will ever wake makes the bubble panic: that is a failure like others.
func (s *Suite) play(t *testing.T, i int, dir string) (result Result) {
	var done atomic.Pointer[Result]
	defer func() {
		stuck := recover()
		if stuck == nil {
			return
		}
		if text := fmt.Sprint(stuck); !strings.HasPrefix(text, "deadlock:") {
			panic(stuck)
		}
		if r := done.Load(); r != nil {
			result = *r // what is left was told
			return
		}
		result = s.blank(i)
		j := &judge{result: &result}
		j.fail(s.test(i), "the test", "to end", "something waits for what never comes: a call, a session or the closing of the pipelines")
		j.done()
	}()
	synctest.Test(t, func(t *testing.T) {
		r := s.blank(i)
		p := &play{suite: s, i: i, test: &s.doc.Tests[i], result: &r}
		p.run(t.Context(), dir)
		done.Store(&r)
	})
	return *done.Load()
}

func (s *Suite) blank(i int) Result {
	t := &s.doc.Tests[i]
	r := Result{File: s.Name, Line: s.test(i).line(), Name: t.Name, Rules: s.Rules, Status: Passed}
	if t.Skip != "" {
		r.Status, r.Reason = Skipped, t.Skip
	}
	return r
}

// play is one test while it runs.
type play struct {
	suite  *Suite
	i      int
	test   *Test
	result *Result

	world  *world
	plan   *pipeline.Plan
	runner *pipeline.Runner
	logs   *logs
	spans  *tracetest.SpanRecorder
	record recorder
	calls  []*caller
	ended  sync.WaitGroup
}

func (p *play) run(ctx context.Context, dir string) {
	j := &judge{result: p.result}
	defer j.done()
	here := p.suite.test(p.i)
	if err := p.open(ctx, dir); err != nil {
		j.fail(here, "the pipelines", "to open", err.Error())
		return
	}
	p.perform(ctx)
	if !p.rest(j) {
		p.world.stop()
		return // what hangs would hold up whatever follows
	}
	p.result.Elapsed = Millis(p.world.now().Round(time.Microsecond))
	synctest.Wait() // what goes on in the background has come to rest
	p.judgeSessions(j)
	p.close(j)
	synctest.Wait()
	if n := held(); n > 0 {
		j.fail(here, "connections that an unclosed answer keeps busy (call.nothing_left)", "none", fmt.Sprint(n))
	}
	for _, c := range p.calls {
		c.leave()
	}
	p.judge(j)
	p.world.stop()
	synctest.Wait()
	if left := leftovers(); left != "" {
		j.fail(here, "goroutines at the end", "none", left)
	}
	<-time.After(time.Second) // net/http's server parts slowly from a client whose request it did not read
}

// patience is how long a test may go on after its last call has begun, in its own time.
const patience = 1000 * time.Hour

// rest waits until every call and event is over. It reports false if some never are.
func (p *play) rest(j *judge) bool {
	over := make(chan struct{})
	go func() { p.ended.Wait(); close(over) }()
	select {
	case <-over:
		return true
	case <-time.After(patience):
	}
	for _, c := range p.calls {
		if !c.isOver() {
			j.fail(c.at, "the end of "+c.name, "an answer or an error", "neither, for "+patience.String())
			c.leave()
		}
	}
	if len(j.result.Failures) == 0 {
		j.fail(p.suite.test(p.i), "the end of the events", "in time", "not within "+patience.String())
	}
	return false
}

// open brings the test's pipelines to life in a world of their own.
func (p *play) open(ctx context.Context, dir string) (err error) {
	file := p.suite.opened[p.i].file
	p.plan = p.suite.opened[p.i].plan
	if dir != "" {
		if file, err = p.suite.file(p.i, dir); err != nil {
			return err
		}
	}
	p.world = newWorld(ctx, p.suite, p.i, p.plan)
	p.world.dir = dir
	if err := p.world.write(p.test.Files); err != nil {
		p.world.stop()
		return err
	}
	p.logs, p.spans = &logs{}, tracetest.NewSpanRecorder()
	p.record.calls = map[string]*pipeline.Call{}
	p.runner, err = pipeline.OpenFile(ctx, file, append(p.suite.optionsOf(p.i),
		pipeline.WithNetwork(pipeline.Network{Dial: p.world.dial, RootCAs: p.world.authority.Pool()}), pipeline.WithStore("*", credential.NewMemoryStore()),
		pipeline.WithRandom(p.world.random(p.test.Random)),
		pipeline.WithSecretsFrom(p.world.secret),
		pipeline.WithLogger(slog.New(p.logs)),
		pipeline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p.spans), sdktrace.WithIDGenerator(&spanNumbers{}))),
		pipeline.WithObserver(p.record.event),
	)...)
	if err == nil && p.suite.stages != nil {
		err = p.start(ctx)
	}
	if err != nil {
		p.world.stop()
	}
	return err
}

// start has all stages be there before the first call, wherever they run: of a call that the door refuses those must hear, too, that it
// does not reach.
func (p *play) start(ctx context.Context) error {
	for _, name := range (&checker{plan: p.plan}).names() {
		one, err := p.runner.Pipeline(name)
		if err == nil {
			err = one.Start(ctx)
		}
		if err != nil {
			_ = p.runner.Close()
			return err
		}
	}
	return nil
}

// perform has everything happen at its moment; at the same moment events come before calls.
func (p *play) perform(ctx context.Context) {
	type step struct {
		at time.Duration
		do func()
	}
	var steps []step
	for i, e := range p.test.Events {
		steps = append(steps, step{e.At, func() { p.event(ctx, e, p.suite.test(p.i).at("event", index(i))) }})
	}
	for n := range p.test.Calls {
		c := &p.test.Calls[n]
		for k := range c.count() {
			caller := p.newCaller(n, k)
			p.calls = append(p.calls, caller)
			steps = append(steps, step{c.At + time.Duration(k)*c.Every, func() { p.ended.Go(func() { caller.call(ctx) }) }})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		<-time.After(s.at - p.world.now())
		s.do()
		synctest.Wait() // what it does at once is done before anything else happens: see turns.go
	}
}

func (p *play) event(ctx context.Context, e Event, at place) {
	switch {
	case e.Expire != "":
		p.world.issuer(e.Expire).expire(false)
	case e.Revoke != "":
		p.world.issuer(e.Revoke).expire(true)
	case e.Down != "", e.Up != "":
		address, _ := parseOrigin(e.Down + e.Up)
		o := p.world.origins[address]
		o.mu.Lock()
		o.down = e.Down != ""
		o.mu.Unlock()
		if e.Down != "" {
			o.cut()
		}
	case e.Secrets != nil:
		p.world.change(e.Secrets)
	case e.Write != nil:
		if err := p.world.write(e.Write); err != nil {
			p.world.surprise(at.at("write"), "write: "+err.Error(), "")
		}
	case e.Close:
		p.ended.Go(func() { _ = p.runner.Close() })
	default:
		p.ended.Go(func() { p.account(ctx, e, at) })
	}
}

// account logs a session in or out, as the program would.
func (p *play) account(ctx context.Context, e Event, at place) {
	name, subject, _ := strings.Cut(e.Login+e.Logout+e.SetToken, "/")
	session, err := p.runner.Credential(name, subject)
	switch {
	case err != nil:
	case e.Logout != "":
		err = session.Logout(ctx)
	case e.SetToken != "":
		p.world.know(e.Token)
		err = session.Set(ctx, credential.Token{Access: redact.NewSecret(e.Token)})
	default:
		fields := map[string]redact.Secret{}
		for k, v := range e.Fields {
			fields[k] = redact.NewSecret(v)
			if k != "user" && k != "username" && k != "email" {
				p.world.know(v)
			}
		}
		err = session.Login(ctx, fields)
	}
	switch {
	case err != nil && !e.Fails:
		p.world.surprise(at, fmt.Sprintf("the session %s: %v", e.Login+e.Logout+e.SetToken, err), "")
	case err == nil && e.Fails:
		p.world.surprise(at.at("fails"), fmt.Sprintf("the session %s did not fail", e.Login+e.Logout+e.SetToken), "")
	}
}

func (p *play) close(j *judge) {
	if err := p.runner.Close(); err != nil {
		j.fail(p.suite.test(p.i), "closing the pipelines", "no error", err.Error())
	}
}

// recorder keeps the latest call of each caller.
type recorder struct {
	mu    sync.Mutex
	calls map[string]*pipeline.Call
}

// labelKey is the call's label that says whose it is.
const labelKey = "leat.test.caller"

func (r *recorder) event(c *pipeline.Call, _ pipeline.Event) {
	r.mu.Lock()
	r.calls[c.Label(labelKey)] = c
	r.mu.Unlock()
}

func (r *recorder) of(id string) *pipeline.Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[id]
}
