// Package pipeline runs HTTP requests through ordered stages that a file or a Go program declares. A [Pipeline] is an
// [http.RoundTripper]: give it to any SDK as its transport. See [Open] for pipelines from a file and [Stage] for writing a stage.
package pipeline

import (
	"context"
	"net/http"
)

// A Stage acts on one exchange: it may change the request, call next zero or more times, and inspect or replace the outcome.
// It is to a pipeline what a handler is to a server. Everything it needs beyond net/http is reached through [CallFrom].
//
// The contract; each rule has its id in docs/contract.md:
//
//   - owns-request: the request was cloned at the door, so a stage may change it in place before it calls next.
//   - fresh-attempts: a stage that may call next more than once takes [Replay] before its first call and sends only what
//     [Rewinder.Next] gives it.
//   - one-result: it returns a response or an error, never both and never neither.
//   - closes-dropped: it drains (bounded) and closes the body of every response that it does not return; [Drop] does.
//   - no-touch-after: it never changes a request once next has it.
//   - honours-context: it returns as soon as the request's context ends, wherever it waits.
//   - body-intact: what it reads of a body it puts back, for the caller reads it too. What it puts around a request's body has
//     Unwrap() io.ReadCloser, so that the framework knows its own beneath.
//   - concurrent: Do is called by many goroutines at once.
//   - no-panic: it returns errors; a panic becomes an error of kind internal that names the stage.
//   - quiet: it writes to no standard stream and logs through the logger of its [Settings] only.
//
// The framework does the rest: it closes request bodies that nobody took over, closes the responses behind an error, stamps
// errors with the pipeline's and stage's names, traces, and skips the stage where the file's `when` says so.
type Stage interface {
	Do(req *http.Request, next http.RoundTripper) (*http.Response, error)
}

// CallObserver is what a stage implements that must hear of every call of its pipeline, also of those that never reach it because
// an outer stage failed or the door refused them. The chain calls CallEnded once per call when RoundTrip is about to return,
// innermost stage first, unless the stage's `when`, asked of the request at the door, says no. [Call.Result] tells what came of it.
type CallObserver interface {
	Stage

	// CallEnded is given the caller's own request, which it must not change and must not keep; its URL is nil if the door refused
	// the call for that. ctx carries the call and its span. CallEnded must not block and must not panic.
	CallEnded(ctx context.Context, c *Call, req *http.Request)
}

// StageFunc lets a function be a Stage.
type StageFunc func(req *http.Request, next http.RoundTripper) (*http.Response, error)

// Do calls f.
func (f StageFunc) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return f(req, next)
}
