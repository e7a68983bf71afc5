package conformance

// Rule is one rule that every stage keeps. docs/contract.md says more about each.
type Rule struct {
	ID       string // as in "closes-dropped"; ids never change
	Sentence string // what a stage does, in the words of pipeline.Stage's comment
}

// Rules returns the contract of a stage, in the order of docs/contract.md. [Stage] tests each.
func Rules() []Rule {
	rules := make([]Rule, len(stageRules()))
	for i, r := range stageRules() {
		rules[i] = r.Rule
	}
	return rules
}

// stageRule is a rule and how it is tested: play has calls made in a bubble and notes what broke it.
type stageRule struct {
	Rule
	play func(*bench)
	next bool // it is about what a stage does with next: one that never calls it shows nothing
}

func stageRules() []stageRule {
	return []stageRule{
		{Rule{
			"owns-request",
			"the request was cloned at the door, so a stage may change it in place before it calls next.",
		}, playOwnsRequest, false},
		{Rule{
			"fresh-attempts",
			"a stage that may call next more than once takes Replay before its first call and sends only what Rewinder.Next gives it.",
		}, playFreshAttempts, true},
		{Rule{
			"one-result",
			"it returns a response or an error, never both and never neither.",
		}, playOneResult, false},
		{Rule{
			"closes-dropped",
			"it drains (bounded) and closes the body of every response that it does not return; Drop does.",
		}, playClosesDropped, true},
		{Rule{
			"no-touch-after",
			"it never changes a request once next has it.",
		}, playNoTouchAfter, true},
		{Rule{
			"honours-context",
			"it returns as soon as the request's context ends, wherever it waits.",
		}, playHonoursContext, true},
		{Rule{
			"body-intact",
			"what it reads of a body it puts back, for the caller reads it too. " +
				"What it puts around a request's body has Unwrap() io.ReadCloser, so that the framework knows its own beneath.",
		}, playBodyIntact, true},
		{Rule{
			"concurrent",
			"Do is called by many goroutines at once.",
		}, playConcurrent, true},
		{Rule{
			"no-panic",
			"it returns errors; a panic becomes an error of kind internal that names the stage.",
		}, playNoPanic, false},
		{Rule{
			"quiet",
			"it writes to no standard stream and logs through the logger of its Settings only.",
		}, playQuiet, false},
	}
}
