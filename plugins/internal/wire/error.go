package wire

import (
	"time"

	"github.com/leatdev/leat/pipeline"
)

// ErrorTo writes an error for the wire, but for its headers, which are granted or not, and its body, which stays.
func ErrorTo(e *pipeline.Error) *Error {
	return &Error{
		Kind: string(e.Kind), Class: string(e.Class), Reason: e.Reason, Message: e.Message, Stage: e.Stage, Status: uint32(e.Status), //nolint:gosec // a status
		ProblemType: e.ProblemType, Violations: e.Violations, RetryAfter: int64(e.RetryAfter), Truncated: e.Truncated,
	}
}

// ErrorFrom reads an error off the wire, but for its headers. Kind and class are the reader's to check.
func ErrorFrom(e *Error) *pipeline.Error {
	return &pipeline.Error{
		Kind: pipeline.Kind(e.GetKind()), Class: pipeline.Class(e.GetClass()), Reason: e.GetReason(), Message: e.GetMessage(), Stage: e.GetStage(),
		Status: int(e.GetStatus()), ProblemType: e.GetProblemType(), Violations: e.GetViolations(), RetryAfter: time.Duration(e.GetRetryAfter()),
		Truncated: e.GetTruncated(),
	}
}
