package refresh

// Facts are what the decision about an answer that refused its token is made from.
type Facts struct {
	Attached   bool   // the send carried a credential of ours
	Replayed   bool   // the call's one replay was used up
	Sent       uint64 // generation of the token that was refused
	Current    uint64 // generation of the session's token now; 0 if there is none
	Replayable bool   // the request can be sent again from its first byte
	Unsafe     bool   // the answer leaves open whether the request was processed, and doing it twice is not the same as once
	Scope      bool   // the server says that the token lacks a scope
}

// Step is what to do about such an answer.
type Step string

// The steps.
const (
	StepReturn     Step = "return"     // return it, with a reason
	StepReject     Step = "reject"     // count the rejection and return it: the next call that needs a token gets a new one
	StepBackground Step = "background" // have the token renewed for those who come later, and return it
	StepReplay     Step = "replay"     // a newer token is there already: send again with it
	StepRenew      Step = "renew"      // join or start the renewal, then send again
)

// Decide returns what to do, and for each step that ends in returning the answer the reason in a word.
func Decide(f Facts) (step Step, reason string) {
	switch {
	case !f.Attached:
		return StepReturn, "not_attached"
	case f.Scope:
		return StepReturn, "insufficient_scope" // RFC 6750 §3.1: the token is good, a new one would lack the same
	case f.Replayed:
		return StepReject, "already_replayed"
	case f.Unsafe:
		return StepBackground, "unsafe_method" // only where the file's own condition says that a 5xx means a bad token
	case !f.Replayable:
		return StepBackground, "body"
	case f.Current > f.Sent:
		return StepReplay, ""
	}
	return StepRenew, ""
}
