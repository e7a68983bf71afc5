package pipeline

import (
	"fmt"
	"io"
	"strings"
)

// What reaches a secret or state that other goroutines change prints itself in a few words, whatever the verb: fmt looks into
// unexported fields, without their methods and without their locks.

// Format writes the pipeline, attempts and sends of the call, whatever the verb.
func (c *Call) Format(f fmt.State, _ rune) {
	if c == nil {
		_, _ = io.WriteString(f, "no call")
		return
	}
	_, _ = fmt.Fprintf(f, "call of pipeline %q: %d attempts, %d sends", c.Pipeline(), c.Attempts(), c.Sends())
}

// Format writes the pipeline's name, whatever the verb.
func (p *Pipeline) Format(f fmt.State, _ rune) {
	if p == nil || p.chain.Load() == nil {
		_, _ = io.WriteString(f, "no pipeline")
		return
	}
	_, _ = fmt.Fprintf(f, "pipeline %q", p.Name())
}

// Format writes what the pipeline behind the door writes.
func (d *door) Format(f fmt.State, verb rune) { d.pipeline.Format(f, verb) }

// Format writes the names of the runner's pipelines, whatever the verb.
func (r *Runner) Format(f fmt.State, _ rune) {
	if r == nil {
		_, _ = io.WriteString(f, "no runner")
		return
	}
	_, _ = fmt.Fprintf(f, "runner of %s: %s", r.plan.file.Name(), strings.Join(r.Names(), ", "))
}

// Format writes which stage the settings are for, whatever the verb.
func (s Settings) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "settings of stage %q of pipeline %q", s.Stage, s.Pipeline)
}
