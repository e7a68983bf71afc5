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
	first   [2]Event // enough for an uneventful call, without an allocation of its own
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
