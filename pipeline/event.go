package pipeline

import "time"

// Event is one thing that happened in a call, for its record, the command's timeline and observers. It holds no secret.
type Event struct {
	At       time.Duration `json:"at"`                 // since the call began
	Stage    string        `json:"stage"`              // the stage's name in the file, or "send"
	Name     string        `json:"name"`               // what happened; the constants below, or a stage's own word
	Attempt  int           `json:"attempt,omitempty"`  // which attempt it belongs to, from 1
	Status   int           `json:"status,omitempty"`   // of the answer
	Duration time.Duration `json:"duration,omitempty"` // how long it took, or how long it will wait
	Reason   string        `json:"reason,omitempty"`   // why, in a word
	Text     string        `json:"text,omitempty"`     // for people
}

// Event names that the framework and the built-in stages use.
const (
	EventSent     = "sent"     // a physical request ended with an answer's headers or an error
	EventResent   = "resent"   // the transport itself sent once more on a new connection (net/http)
	EventWaited   = "waited"   // a send waited for its credential
	EventSkipped  = "skipped"  // `when` skipped a stage, or a credential was not attached
	EventChosen   = "chosen"   // auth chose a credential
	EventRetry    = "retry"    // retry waits, then sends again
	EventCooling  = "cooling"  // retry waits because the host asked to be left alone
	EventStopped  = "stopped"  // retry does not send again, and why
	EventReplay   = "replay"   // refresh sends again with a newer token
	EventRefused  = "refused"  // refresh does not replay, and why
	EventPassed   = "passed"   // validate found nothing
	EventFailed   = "failed"   // a stage turned the outcome into an error
	EventMapped   = "mapped"   // error-map gave the outcome a kind
	EventSnapshot = "snapshot" // what a dropped answer held: the beginning of its body, redacted
)

// maxEvents bounds a call's record; what comes after is counted only.
const maxEvents = 64

type record struct {
	first   [1]Event // enough for an uneventful call, without an allocation of its own
	more    []Event
	n       int
	dropped int
}

func (r *record) add(e Event) {
	switch {
	case r.n < len(r.first):
		r.first[r.n] = e
	case r.n < maxEvents:
		r.more = append(r.more, e)
	default:
		r.dropped++
		return
	}
	r.n++
}

func (r *record) all() []Event {
	out := make([]Event, 0, r.n)
	out = append(out, r.first[:min(r.n, len(r.first))]...)
	return append(out, r.more...)
}

// Waited adds time that the call spent waiting, between sends or for a credential.
func (c *Call) Waited(d time.Duration) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.waiting += d
	c.mu.Unlock()
}

// Times returns how long the call waited (between sends and for credentials) and how long the upstream took to answer.
func (c *Call) Times() (waiting, upstream time.Duration) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting, c.sending
}

// Observed reports whether somebody watches the call's events as they happen: worth more text than the record keeps.
func (c *Call) Observed() bool {
	return c != nil && c.chain != nil && (c.chain.observe != nil || c.far != nil && c.far.watched)
}

// Note adds an event to the call's record, its text redacted; At and Attempt are filled in where they are 0. The record holds the first 64.
func (c *Call) Note(e Event) {
	if c == nil {
		return
	}
	if e.At == 0 {
		e.At = time.Since(c.start)
	}
	if e.Attempt == 0 {
		e.Attempt = c.Attempts()
	}
	e.Text = c.shown(e.Text)
	c.change(func(ch *CallChanges) { ch.Events = append(ch.Events, e) })
	c.mu.Lock()
	c.record.add(e)
	c.mu.Unlock()
	if c.chain != nil && c.chain.observe != nil {
		c.chain.observe(c, e)
	}
}

// Events returns a copy of the record, the hops before this one first.
func (c *Call) Events() []Event {
	if c == nil {
		return nil
	}
	before := c.prev.Events()
	c.mu.Lock()
	defer c.mu.Unlock()
	return append(before, c.record.all()...)
}

// OnEnd has f called once when RoundTrip is about to return, in reverse order of registration; f must not block. The outcome
// is f's to read through Result.
func (c *Call) OnEnd(f func(*Call)) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.onEnd = append(c.onEnd, f)
	c.mu.Unlock()
}

// shown returns a stage's text without the secrets that the runner knows. Not Text: "token: missing" is to stay what it is.
func (c *Call) shown(text string) string {
	if text == "" || c.chain == nil || c.chain.redactor == nil {
		return text
	}
	return c.chain.redactor.Known(text)
}
