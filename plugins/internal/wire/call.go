package wire

import (
	"time"

	"github.com/leatdev/leat/pipeline"
)

// CallTo writes a call's state for the wire, with the words that are granted: see [pipeline.RequestNeeds].
func CallTo(s *pipeline.CallState, granted []string) *Call {
	c := &Call{}
	CallInto(c, s, granted)
	return c
}

// CallInto is CallTo over what c held before.
func CallInto(c *Call, s *pipeline.CallState, granted []string) {
	ProgressInto(c, &s.CallProgress)
	c.Pipeline, c.Idempotent, c.NoRetry, c.SkipAuth, c.RetryOwned, c.Observed = s.Pipeline, s.Idempotent, s.NoRetry, s.SkipAuth, s.RetryOwned, s.Observed
	c.Hop, c.Serving, c.Bound = uint32(s.Hop), s.Serving, int64(s.Bound) //nolint:gosec // a small count
	for _, word := range granted {
		switch word {
		case "subject":
			c.Subject = s.Subject
		case "operation":
			c.Operation = s.Operation
		case "labels":
			c.Labels = s.Labels
		case "idempotency_key":
			c.IdempotencyKey = s.IdempotencyKey
		}
	}
}

// CallFrom reads a call's state off the wire.
func CallFrom(c *Call) pipeline.CallState {
	return pipeline.CallState{
		Pipeline: c.GetPipeline(), Subject: c.GetSubject(), Operation: c.GetOperation(), Labels: c.GetLabels(), IdempotencyKey: c.GetIdempotencyKey(),
		Serving: c.GetServing(), Idempotent: c.GetIdempotent(), NoRetry: c.GetNoRetry(), SkipAuth: c.GetSkipAuth(), RetryOwned: c.GetRetryOwned(),
		Observed: c.GetObserved(), Hop: int(c.GetHop()), Bound: time.Duration(c.GetBound()), CallProgress: ProgressFrom(c),
	}
}

// ProgressTo writes how a call stands.
func ProgressTo(p *pipeline.CallProgress) *Call {
	c := &Call{}
	ProgressInto(c, p)
	return c
}

// ProgressInto is ProgressTo over what c held before.
func ProgressInto(c *Call, p *pipeline.CallProgress) {
	c.Reset()
	c.Attempts, c.Sends, c.TransportResends = uint32(p.Attempts), uint32(p.Sends), uint32(p.TransportResends) //nolint:gosec // small counts
	c.Elapsed, c.Waiting, c.Upstream = int64(p.Elapsed), int64(p.Waiting), int64(p.Upstream)
	c.Outcome, c.StopReason = outcomeTo(&p.Outcome, p.Status), p.StopReason
}

// ProgressFrom reads how a call stands.
func ProgressFrom(c *Call) pipeline.CallProgress {
	return pipeline.CallProgress{
		Attempts: int(c.GetAttempts()), Sends: int(c.GetSends()), TransportResends: int(c.GetTransportResends()), Elapsed: time.Duration(c.GetElapsed()),
		Waiting: time.Duration(c.GetWaiting()), Upstream: time.Duration(c.GetUpstream()), Outcome: outcomeFrom(c.GetOutcome()),
		Status: int(c.GetOutcome().GetStatus()), StopReason: c.GetStopReason(),
	}
}

func outcomeTo(j *pipeline.Judgement, status int) *Outcome {
	if *j == (pipeline.Judgement{}) && status == 0 {
		return nil
	}
	return &Outcome{Kind: string(j.Kind), Class: string(j.Class), Message: j.Message, ProblemType: j.ProblemType, Status: uint32(status)} //nolint:gosec // a status
}

func outcomeFrom(o *Outcome) pipeline.Judgement {
	return pipeline.Judgement{Kind: pipeline.Kind(o.GetKind()), Class: pipeline.Class(o.GetClass()), Message: o.GetMessage(), ProblemType: o.GetProblemType()}
}

// ChangesTo writes what a stage did to its call; nil if that is nothing.
func ChangesTo(ch *pipeline.CallChanges) *Changes {
	if len(ch.Events) == 0 && ch.Judged == nil && ch.Stopped == nil && ch.Attempts == 0 && !ch.Idempotent &&
		ch.IdempotencyKey == "" && ch.Credential == "" && ch.SkipCredential == "" && ch.Rejected == "" {
		return nil
	}
	out := &Changes{
		Attempts: uint32(ch.Attempts), Stopped: ch.Stopped, IdempotencyKey: ch.IdempotencyKey, Idempotent: ch.Idempotent, SkipCredential: ch.SkipCredential, Rejected: ch.Rejected, //nolint:gosec // a small count
	}
	if ch.Judged != nil {
		out.Judged = outcomeTo(ch.Judged, 0)
		if out.Judged == nil {
			out.Judged = &Outcome{}
		}
	}
	if ch.Credential != "" {
		out.Attach = &Attach{Credential: ch.Credential, Subject: ch.CredentialSubject}
	}
	for i := range ch.Events {
		out.Events = append(out.Events, eventTo(&ch.Events[i]))
	}
	return out
}

// ChangesFrom reads what a stage did to its call. Words that the host must know, kinds and classes, are the reader's to check.
func ChangesFrom(c *Changes) pipeline.CallChanges {
	ch := pipeline.CallChanges{
		Attempts: int(c.GetAttempts()), IdempotencyKey: c.GetIdempotencyKey(), Idempotent: c.GetIdempotent(),
		Credential: c.GetAttach().GetCredential(), CredentialSubject: c.GetAttach().GetSubject(), SkipCredential: c.GetSkipCredential(), Rejected: c.GetRejected(),
	}
	if c == nil {
		return ch
	}
	ch.Stopped = c.Stopped
	if c.Judged != nil {
		j := outcomeFrom(c.Judged)
		ch.Judged = &j
	}
	for _, e := range c.Events {
		ch.Events = append(ch.Events, eventFrom(e))
	}
	return ch
}

func eventTo(e *pipeline.Event) *Event {
	return &Event{
		Name: e.Name, At: int64(e.At), Attempt: uint32(e.Attempt), Status: uint32(e.Status), Duration: int64(e.Duration), Reason: e.Reason, Text: e.Text, //nolint:gosec // small counts
	}
}

func eventFrom(e *Event) pipeline.Event {
	return pipeline.Event{
		Name: e.GetName(), At: time.Duration(e.GetAt()), Attempt: int(e.GetAttempt()), Status: int(e.GetStatus()),
		Duration: time.Duration(e.GetDuration()), Reason: e.GetReason(), Text: e.GetText(),
	}
}
