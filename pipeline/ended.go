package pipeline

import (
	"context"
	"errors"
	"fmt"
)

// Ended returns the error of a call whose context has ended, for a stage that was waiting for something else: kind canceled, or
// timeout with the reason "timeout" (the file's, or the Timeout option's) or "deadline" (the caller's). doing completes the sentence
// "… while". It wraps the context's cause.
func Ended(ctx context.Context, doing string) *Error {
	e := &Error{Kind: KindCanceled, Class: ClassTerminal, Reason: "canceled", Message: "the caller gave up while " + doing, Err: context.Cause(ctx)}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return e
	}
	e.Kind, e.Reason, e.Message = KindTimeout, "deadline", "the caller's deadline passed while "+doing
	if c := CallFrom(ctx); c != nil && c.life.limitReason() == "timeout" {
		e.Reason, e.Message = "timeout", fmt.Sprintf("the call's timeout of %s passed while %s", c.bound, doing)
	}
	return e
}
