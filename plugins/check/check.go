package check

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
)

// The bounds of what a check waits for.
const (
	patience    = 4 * time.Second        // for a word of the plugin
	grace       = 300 * time.Millisecond // for the end of a process whose connection is lost
	parting     = 2 * time.Second        // for the end of a process whose session has ended
	shortly     = 60 * time.Millisecond  // in which a plugin that does not wait for the host shows itself
	uploadAhead = 20 * time.Millisecond  // by which an Upload comes before its frame
	mostSilent  = 3                      // silences after which the rest is not tried
	mostStarts  = 5                      // starts of a process that ends where it should not
)

// Stage is a stage that the plugin serves.
type Stage struct {
	Pipeline, Name string // in the file
	Type           string // without the plugin's name
	Config         []byte // JSON
	Credential     string // the pipeline's
	Dir            string // where relative paths of the file start
	Subject        string // of the calls; "" is any
	Assumed        bool   // the file has none of this type: it is one with an empty config
}

// learn has r know the secrets that the stage's config says are in the plugin's environment.
func (st Stage) learn(r *redact.Redactor, plan pipeline.PluginPlan) {
	var table any
	if json.Unmarshal(st.Config, &table) == nil {
		host.Learn(r, plan, table)
	}
}

// Options say how a plugin is checked.
type Options struct {
	Host     *host.Host // starts its processes. Required.
	Only     string     // the id of the only rule that matters: others are tried as far as it takes; "" is all
	Subject  string     // of the calls that its stages are tried with; "" is any
	Requests []Request  // that its stages are tried with, beside the check's own
	// Contract tries the rules of the contract with a stage, in a process of its own: see [Judge]. It returns what broke each rule, by id, and
	// why each was skipped that could not be tried. nil: they are skipped.
	Contract func(context.Context, Stage) (Verdicts, error)
}

// Plugin holds a plugin against the rules of the wire protocol and of the contract. stages are those of its file. It ends every process that it
// starts, and returns within a bound, or soon after ctx ends, which is the error. Another error: it could not be tried at all.
func Plugin(ctx context.Context, plan pipeline.PluginPlan, stages []Stage, o Options) ([]Result, error) {
	c := &checker{
		host: o.Host, plan: plan, notes: newNotes(), requests: o.Requests, stages: slices.Clone(stages),
		unmade: map[string]bool{}, said: map[string]pipeline.Needs{}, paces: map[string]time.Duration{}, tallies: map[string]*tally{},
	}
	defer c.close()
	for _, st := range stages {
		st.learn(c.show, plan)
	}
	err := c.run(ctx, o)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b, ok := errors.AsType[*broken](err)
	if err != nil && !ok {
		return nil, err
	}
	if ok {
		c.broken(b.rule, "%s", b.text)
		c.giveUp("the plugin does not start")
	}
	return c.results(plan.Name, Rules(), c.givenUp(), c.missing), nil
}

// checker is one check of one plugin.
type checker struct {
	*notes

	host     *host.Host
	plan     pipeline.PluginPlan
	requests []Request
	stages   []Stage
	iface    *host.Interface

	main     *process // nil: none runs
	starts   int
	silences atomic.Int32
	firsts   []string
	missing  []string                  // types of which the file has no stage, and that none can be made of without a config
	said     map[string]pipeline.Needs // what Check answered, by the stage's name
	paces    map[string]time.Duration  // how long stages take for a request, by name
	unmade   map[string]bool           // stages, by name, that could not be made. Of mu, as are
	tallies  map[string]*tally         // by the stage's name
	given    string                    // why the rest was not tried
}

// giveUp notes why the rest is not tried.
func (c *checker) giveUp(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.given == "" {
		c.given = c.text(format, args)
	}
}

func (c *checker) givenUp() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.given
}

func (c *checker) run(ctx context.Context, o Options) error {
	p, err := c.start(ctx)
	if err != nil {
		return err
	}
	c.main = p
	if err := c.describe(ctx, p); err != nil {
		return err
	}
	c.kept("wire.handshake", "wire.stdout", "wire.version", "wire.capabilities")
	c.assume()
	for i := range c.stages {
		c.stages[i].Subject = o.Subject
	}
	c.try(ctx, c.health)
	c.try(ctx, c.judges)
	for _, st := range c.stages {
		c.makes(ctx, st)
	}
	if len(c.stages) > 0 && !slices.ContainsFunc(c.stages, func(s Stage) bool { return !c.refused(s) }) {
		c.giveUp("%s", c.noStage())
	}

	var group sync.WaitGroup
	bounded, stop := context.WithCancel(ctx)
	defer stop()
	if o.Contract != nil && o.wants(contractPrefix) && c.givenUp() == "" {
		group.Go(func() { c.contract(bounded, o) })
	}
	if o.wants("wire.") {
		group.Go(func() { c.lives(ctx) })
		for _, st := range c.stages {
			c.tryStage(ctx, st)
		}
		c.ends(ctx)
	}
	if c.givenUp() != "" {
		stop()
	}
	group.Wait()
	return ctx.Err()
}

// noStage says why there is no stage to try.
func (c *checker) noStage() string {
	if len(c.missing) == len(c.stages) {
		return "the file has no stage of the plugin, and each of its types needs a config: " + strings.Join(c.missing, ", ")
	}
	return "no stage of the plugin could be made"
}

// wants reports whether a rule whose id begins so matters.
func (o Options) wants(prefix string) bool { return o.Only == "" || strings.HasPrefix(o.Only, prefix) }

// assume adds a stage with an empty config of each type of which the file has none.
func (c *checker) assume() {
	for _, t := range c.iface.Types {
		if slices.ContainsFunc(c.stages, func(s Stage) bool { return s.Type == t.Name }) {
			continue
		}
		c.stages = append(c.stages, Stage{Pipeline: "check", Name: t.Name, Type: t.Name, Config: []byte("{}"), Dir: c.plan.Dir, Assumed: true})
	}
}

// process returns a process that runs.
func (c *checker) process(ctx context.Context) (*process, error) {
	if c.main != nil && !c.main.over() {
		return c.main, nil
	}
	if c.main != nil {
		c.main.close()
		c.main = nil
	}
	if c.starts++; c.starts > mostStarts {
		c.giveUp("the plugin ended %d times where it should not, and the rest was not tried", mostStarts)
		return nil, errGiven
	}
	p, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	c.main = p
	return p, nil
}

var errGiven = errors.New("the rest is not tried")

// try has a running process go through f, and notes what that broke.
func (c *checker) try(ctx context.Context, f func(context.Context, *process) error) {
	if ctx.Err() != nil {
		return
	}
	if c.silences.Load() >= mostSilent {
		c.giveUp("the plugin did not answer %d times, and the rest was not tried", mostSilent)
		return
	}
	p, err := c.process(ctx)
	if err == nil {
		err = f(ctx, p)
	}
	c.note(ctx, err)
}

// note notes what an error breaks.
func (c *checker) note(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, errGiven) || errors.Is(err, errSpoiled) {
		return
	}
	if b, ok := errors.AsType[*broken](err); ok {
		c.broken(b.rule, "%s", b.text)
		return
	}
	c.broken("wire.do", "%v", err)
}

// silence counts a wait that nothing ended.
func (c *checker) silence() { c.silences.Add(1) }

// first reports whether it is called with that word for the first time.
func (c *checker) first(word string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.firsts, word) {
		return false
	}
	c.firsts = append(c.firsts, word)
	return true
}

// noisy notes what a process wrote to its standard output.
func (c *checker) noisy(p *process) {
	if text := p.out.text(); text != "" {
		c.broken("wire.stdout", "it wrote to standard output: %.200q", text)
	}
}

func (c *checker) close() {
	if c.main != nil {
		c.main.close()
		c.main = nil
	}
}
