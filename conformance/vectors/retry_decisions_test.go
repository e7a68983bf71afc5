package vectors_test

import (
	"net/http"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/retry"
)

type gateIn struct {
	GateRequest `json:"request"`
	GateOutcome `json:"outcome"`
	GateCall    `json:"call"`
	GateConfig  `json:"config"`
}

// GateRequest is what the decision depends on of the request.
type GateRequest struct {
	Method     string      `json:"method"`
	Headers    http.Header `json:"headers"`
	Replayable bool        `json:"replayable"`
}

// GateOutcome is what came of the latest attempt.
type GateOutcome struct {
	Status int    `json:"status"`
	Class  string `json:"class"`
	Kind   string `json:"kind"`
	Asked  millis `json:"asked_ms"`
}

// GateCall is how the call stands.
type GateCall struct {
	Attempts   int     `json:"attempts"`
	NoRetry    bool    `json:"no_retry"`
	Ended      string  `json:"ended"`
	Elapsed    millis  `json:"elapsed_ms"`
	Remaining  *millis `json:"remaining_ms"`
	OverBudget bool    `json:"over_budget"`
}

// GateConfig holds keys of [stages.retry].
type GateConfig struct {
	MaxAttempts   int    `json:"max_attempts"`
	Unsafe        bool   `json:"unsafe"`
	MaxRetryAfter millis `json:"max_retry_after_ms"`
	MaxElapsed    millis `json:"max_elapsed_ms"`
}

type gateOut struct {
	Retry  bool   `json:"retry"`
	Delay  millis `json:"delay_ms"`
	Reason string `json:"reason"`
}

func retryDecisions() file {
	return table[gateIn, gateOut]{
		file: "retry-decisions.json",
		text: "Whether retry sends again, after which wait, or why not. Every wait is 200 ms, or what the server asked for: jitter is none, base is 200 ms, multiplier 1 and nothing is spread. " +
			"The status is 0 where there was no answer; class and kind are the outcome's, the file's rules applied; ended says how the call's context ended, if it has; " +
			"remaining_ms is until its deadline, null if it has none; over_budget says that the budget has no token; config holds keys of [stages.retry].",
		rules: []string{
			"retry.order", "retry.class", "retry.max_attempts", "retry.unsafe_method", "retry.disabled", "retry.auth", "retry.body", "retry.retry_after",
			"retry.retry_after_too_long", "retry.no_time_left", "retry.max_elapsed", "retry.budget", "retry.reason",
		},
		run:   runGate,
		check: checkGate,
		cases: append(gateOrder(), append(gateClasses(), gateEdges()...)...),
	}
}

// open is a 503 to a GET that passes every question.
func open() gateIn {
	return gateIn{
		GateRequest{Method: "GET", Headers: http.Header{}, Replayable: true},
		GateOutcome{Status: 503, Class: "unknown", Kind: "server"},
		GateCall{Attempts: 1, Remaining: new(millis(30_000))},
		GateConfig{MaxAttempts: 3, MaxRetryAfter: 60_000},
	}
}

func opened(edit func(*gateIn)) gateIn {
	in := open()
	edit(&in)
	return in
}

func again(delay millis) *gateOut { return &gateOut{Retry: true, Delay: delay} }

func stops(reason string) *gateOut { return &gateOut{Reason: reason} }

// gateOrder fails each question alone, then with all later ones: the first that fails gives the reason.
func gateOrder() []sample[gateIn, gateOut] {
	steps := []struct {
		out  gateOut
		fail func(*gateIn)
	}{
		{gateOut{Reason: "canceled"}, func(in *gateIn) { in.Ended = "canceled" }},
		{gateOut{Reason: "terminal"}, func(in *gateIn) { in.Class = "terminal" }},
		{gateOut{Reason: "max_attempts"}, func(in *gateIn) { in.Attempts = 3 }},
		{gateOut{Reason: "unsafe_method"}, func(in *gateIn) { in.Method = "POST" }},
		{gateOut{Reason: "disabled"}, func(in *gateIn) { in.NoRetry = true }},
		{gateOut{Reason: "body"}, func(in *gateIn) { in.Replayable = false }},
		{gateOut{Reason: "retry_after_too_long"}, func(in *gateIn) { in.Asked = 61_000 }},
		{gateOut{Delay: 200, Reason: "no_time_left"}, func(in *gateIn) { in.Remaining = new(millis(100)) }},
		{gateOut{Reason: "budget"}, func(in *gateIn) { in.OverBudget = true }},
	}
	list := []sample[gateIn, gateOut]{{"nothing stands against it", open(), again(200)}}
	for i, step := range steps {
		list = append(list, sample[gateIn, gateOut]{step.out.Reason + " alone", opened(step.fail), &step.out})
		if i == len(steps)-1 {
			break
		}
		list = append(list, sample[gateIn, gateOut]{step.out.Reason + " before all that follow", opened(func(in *gateIn) {
			for _, later := range steps[i:] {
				later.fail(in)
			}
		}), &step.out})
	}
	return list
}

func gateClasses() []sample[gateIn, gateOut] {
	failed := func(class, method string, header http.Header) gateIn {
		return opened(func(in *gateIn) {
			in.Status, in.Kind, in.Class, in.Method, in.Headers = 0, "network", class, method, header
		})
	}
	answered := func(status int, method string) gateIn {
		return opened(func(in *gateIn) {
			in.Status, in.Method, in.Class, in.Kind = status, method, string(pipeline.ClassOfStatus(status)), string(pipeline.KindOfStatus(status))
		})
	}
	none, keyed := http.Header{}, http.Header{"Idempotency-Key": {"8e03978e"}}
	return []sample[gateIn, gateOut]{
		{"not_sent, GET", failed("not_sent", "GET", none), again(200)},
		{"not_sent, POST", failed("not_sent", "POST", none), again(200)},
		{"refused, GET", failed("refused", "GET", none), again(200)},
		{"refused, POST", failed("refused", "POST", none), again(200)},
		{"unknown, GET", failed("unknown", "GET", none), again(200)},
		{"unknown, PUT", failed("unknown", "PUT", none), again(200)},
		{"unknown, POST", failed("unknown", "POST", none), stops("unsafe_method")},
		{"unknown, PATCH", failed("unknown", "PATCH", none), stops("unsafe_method")},
		{"unknown, POST with a key", failed("unknown", "POST", keyed), again(200)},
		{"unknown, POST with X-Idempotency-Key", failed("unknown", "POST", http.Header{"X-Idempotency-Key": {"8e03978e"}}), again(200)},
		{"unknown, POST with an empty key", failed("unknown", "POST", http.Header{"Idempotency-Key": {""}}), stops("unsafe_method")},
		{"unknown, POST, unsafe = true", opened(func(in *gateIn) { in.Method, in.Unsafe = "POST", true }), again(200)},
		{"processed, GET", failed("processed", "GET", none), stops("processed")},
		{"processed, POST with a key", failed("processed", "POST", keyed), stops("processed")},
		{"terminal, GET", failed("terminal", "GET", none), stops("terminal")},
		{"terminal, POST, unsafe = true", opened(func(in *gateIn) { in.Method, in.Unsafe, in.Class = "POST", true, "terminal" }), stops("terminal")},
		{"200", answered(200, "GET"), stops("")},
		{"302", answered(302, "GET"), stops("")},
		{"404", answered(404, "GET"), stops("processed")},
		{"409", answered(409, "GET"), stops("processed")},
		{"425, POST", answered(425, "POST"), again(200)},
		{"429, POST", answered(429, "POST"), again(200)},
		{"500, POST", answered(500, "POST"), stops("unsafe_method")},
		{"501, GET", answered(501, "GET"), stops("processed")},
		{"504, DELETE", answered(504, "DELETE"), again(200)},
		{"401 is refresh's", answered(401, "GET"), stops("terminal")},
		{"407 is nobody's", answered(407, "GET"), stops("terminal")},
		{"401 although a rule says refused", opened(func(in *gateIn) { in.Status, in.Kind, in.Class = 401, "unauthorized", "refused" }), stops("terminal")},
		{"407 although a rule says not_sent", opened(func(in *gateIn) { in.Status, in.Kind, in.Class = 407, "client", "not_sent" }), stops("terminal")},
		{"403 that a rule takes for refused, POST", opened(func(in *gateIn) {
			in.Status, in.Kind, in.Class, in.Method = 403, "forbidden", "refused", "POST"
		}), again(200)},
		{"503 that a rule takes for processed", opened(func(in *gateIn) { in.Class = "processed" }), stops("processed")},
		{"a success that a rule takes for unknown", opened(func(in *gateIn) { in.Status, in.Kind = 200, "" }), again(200)},
	}
}

func gateEdges() []sample[gateIn, gateOut] {
	return []sample[gateIn, gateOut]{
		{"a success stays one after the deadline", opened(func(in *gateIn) {
			in.Status, in.Kind, in.Class, in.Ended = 200, "", "processed", "deadline"
		}), stops("")},
		{"what was processed stays so after the deadline", opened(func(in *gateIn) { in.Class, in.Ended = "processed", "deadline" }), stops("processed")},
		{"deadline", opened(func(in *gateIn) { in.Ended = "deadline" }), stops("deadline")},
		{"the last attempt but one", opened(func(in *gateIn) { in.Attempts = 2 }), again(200)},
		{"a replay begins above the limit", opened(func(in *gateIn) { in.Attempts = 4 }), stops("max_attempts")},
		{"max_attempts = 1", opened(func(in *gateIn) { in.MaxAttempts = 1 }), stops("max_attempts")},
		{"a wait of max_retry_after", opened(func(in *gateIn) { in.Asked, in.Remaining = 60_000, new(millis(90_000)) }), again(60_000)},
		{"a millisecond longer", opened(func(in *gateIn) { in.Asked, in.Remaining = 60_001, new(millis(90_000)) }), stops("retry_after_too_long")},
		{"asked to wait for ever", opened(func(in *gateIn) { in.Asked = never }), stops("retry_after_too_long")},
		{"asked to wait past the deadline", opened(func(in *gateIn) { in.Asked = 31_000 }), &gateOut{false, 31_000, "no_time_left"}},
		{"the wait ends at the deadline", opened(func(in *gateIn) { in.Remaining = new(millis(200)) }), &gateOut{false, 200, "no_time_left"}},
		{"the wait ends just before it", opened(func(in *gateIn) { in.Remaining = new(millis(201)) }), again(200)},
		{"the deadline is now", opened(func(in *gateIn) { in.Remaining = new(millis(0)) }), &gateOut{false, 200, "no_time_left"}},
		{"no deadline", opened(func(in *gateIn) { in.Remaining = nil }), again(200)},
		{"no deadline, asked for ever, all allowed", opened(func(in *gateIn) { in.Remaining, in.Asked, in.MaxRetryAfter = nil, never, never }), again(never)},
		{"max_elapsed = 0 sets no limit", opened(func(in *gateIn) { in.Elapsed = 3_600_000 }), again(200)},
		{"max_elapsed leaves just enough", opened(func(in *gateIn) { in.MaxElapsed, in.Elapsed = 1000, 800 }), again(200)},
		{"max_elapsed leaves too little", opened(func(in *gateIn) { in.MaxElapsed, in.Elapsed = 1000, 801 }), &gateOut{false, 200, "no_time_left"}},
		{"without a budget a success stays one", opened(func(in *gateIn) {
			in.Status, in.Kind, in.Class, in.OverBudget = 200, "", "processed", true
		}), stops("")},
		{"without a budget not even what was refused goes again", opened(func(in *gateIn) { in.Status, in.Kind, in.Class, in.OverBudget = 429, "rate_limited", "refused", true }), stops("budget")},
		{"max_elapsed passed long ago", opened(func(in *gateIn) { in.MaxElapsed, in.Elapsed = 1000, never }), &gateOut{false, 200, "no_time_left"}},
	}
}

func runGate(t *testing.T, in gateIn) gateOut {
	c := retry.Defaults()
	c.Jitter, c.Multiplier = retry.JitterNone, 1
	c.MaxAttempts, c.Unsafe, c.MaxRetryAfter, c.MaxElapsed = in.MaxAttempts, in.Unsafe, in.MaxRetryAfter.duration(), in.MaxElapsed.duration()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	a := retry.Attempt{
		Status: in.Status, Class: pipeline.Class(in.Class), Kind: pipeline.Kind(in.Kind), Ended: in.Ended, Attempts: in.Attempts, Disabled: in.NoRetry, Replayable: in.Replayable,
		Idempotent: pipeline.IsIdempotent(&http.Request{Method: in.Method, Header: in.Headers}),
		Asked:      in.Asked.duration(), Elapsed: in.Elapsed.duration(), Bounded: in.Remaining != nil, OverBudget: in.OverBudget,
	}
	if in.Remaining != nil {
		a.Remaining = in.Remaining.duration()
	}
	d := retry.Decide(c, a)
	return gateOut{d.Retry, inMillis(t, d.Delay), d.Reason}
}

func checkGate(in gateIn, out gateOut) string {
	success := in.Class == "processed" && in.Kind == ""
	switch {
	case !out.Retry && (out.Reason == "") != success:
		return "a refusal has a reason, and a success has none"
	case !out.Retry:
		return ""
	case out.Reason != "":
		return "it retries and has a reason not to"
	case in.Status == 401 || in.Status == 407 || in.Class == "terminal" || in.Class == "processed" || in.Ended != "" || in.NoRetry || !in.Replayable || in.OverBudget:
		return "it must not retry"
	case in.Attempts >= in.MaxAttempts:
		return "once too often"
	case in.Class == "unknown" && (in.Method == "POST" || in.Method == "PATCH") && !in.Unsafe &&
		in.Headers.Get("Idempotency-Key") == "" && in.Headers.Get("X-Idempotency-Key") == "":
		return "a write that may have been processed is sent twice"
	case out.Delay < in.Asked:
		return "earlier than asked"
	case in.Remaining != nil && out.Delay >= *in.Remaining:
		return "into a deadline"
	case in.MaxElapsed > 0 && in.Elapsed+out.Delay > in.MaxElapsed:
		return "past max_elapsed"
	}
	return ""
}
