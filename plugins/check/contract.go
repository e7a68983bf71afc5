package check

import (
	"context"
	"strings"
	"sync"
)

// Verdicts are what became of the rules of the contract with one stage.
type Verdicts struct {
	Broken  map[string][]Breach `json:"broken"`  // by the rule's id, as conformance.Rules has it
	Untried map[string]string   `json:"untried"` // why, by the rule's id
	Unable  string              `json:"unable"`  // why none could be tried; "": they were
}

// Breach is what broke a rule of the contract.
type Breach struct {
	Seen   string `json:"seen"`
	Advice string `json:"advice"`
}

// atOnce is how many stages are tried at a time: they wait for their plugins more than they work.
const atOnce = 3

// contract tries the rules of the contract.
func (c *checker) contract(ctx context.Context, o Options) {
	var group sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for _, st := range c.stages {
		if c.refused(st) {
			continue
		}
		group.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			v, err := o.Contract(ctx, st)
			if ctx.Err() != nil { // nobody asks any more
				return
			}
			if err != nil {
				v.Unable = err.Error()
			}
			c.verdicts(st, v)
		})
	}
	group.Wait()
}

// verdicts notes what became of the rules of the contract.
func (c *checker) verdicts(st Stage, v Verdicts) {
	for _, r := range Contract() {
		id := strings.TrimPrefix(r.ID, contractPrefix)
		switch {
		case v.Unable != "":
			c.untried(r.ID, "stage %s: %s", st.Name, v.Unable)
		case len(v.Broken[id]) > 0:
			for _, b := range v.Broken[id] {
				c.broken(r.ID, "%s (stage %s)", b.Seen, st.Name)
				c.advise(r.ID, b.Advice)
			}
		case v.Untried[id] != "":
			c.untried(r.ID, "stage %s: %s", st.Name, v.Untried[id])
		default:
			c.kept(r.ID)
		}
	}
}

// refused reports whether no stage can be made of it.
func (c *checker) refused(st Stage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unmade[st.Name]
}
