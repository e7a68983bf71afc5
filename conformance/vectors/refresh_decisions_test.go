package vectors_test

import (
	"testing"

	"github.com/leatdev/leat/stages/refresh"
)

type refusalIn struct {
	Attached   bool   `json:"attached"`
	Scope      bool   `json:"insufficient_scope"`
	Replayed   bool   `json:"replayed"`
	Unsafe     bool   `json:"unsafe"`
	Replayable bool   `json:"replayable"`
	Sent       uint64 `json:"sent_generation"`
	Current    uint64 `json:"current_generation"`
}

type refusalOut struct {
	Step   refresh.Step `json:"step"`
	Reason string       `json:"reason"`
}

func refreshDecisions() file {
	refused := func(edit func(*refusalIn)) refusalIn {
		in := refusalIn{Attached: true, Replayable: true, Sent: 4, Current: 4}
		edit(&in)
		return in
	}
	foreign, scope := func(in *refusalIn) { in.Attached = false }, func(in *refusalIn) { in.Scope = true }
	replayed, unsafe := func(in *refusalIn) { in.Replayed = true }, func(in *refusalIn) { in.Unsafe = true }
	body, newer := func(in *refusalIn) { in.Replayable = false }, func(in *refusalIn) { in.Current = 5 }
	all := func(fails ...func(*refusalIn)) refusalIn {
		return refused(func(in *refusalIn) {
			for _, fail := range fails {
				fail(in)
			}
		})
	}
	return table[refusalIn, refusalOut]{
		file: "refresh-decisions.json",
		text: "What refresh does about an answer that refused the token of a send: return it; count the rejection and return it (reject); renew in the background and return it; " +
			"replay with the newer token that is there; or renew, then replay. attached says that the send carried a credential of ours; generations number a session's tokens, " +
			"0 is none; unsafe says that the request may have been processed and is not idempotent, which no 401 is.",
		rules: []string{
			"refresh.when", "refresh.newer_token", "refresh.one_replay", "refresh.any_method", "refresh.body", "refresh.insufficient_scope",
			"refresh.answer_stays", "refresh.once_per_token",
		},
		run: func(_ *testing.T, in refusalIn) refusalOut {
			step, reason := refresh.Decide(refresh.Facts{
				Attached: in.Attached, Replayed: in.Replayed, Sent: in.Sent, Current: in.Current, Replayable: in.Replayable, Unsafe: in.Unsafe, Scope: in.Scope,
			})
			return refusalOut{step, reason}
		},
		check: func(in refusalIn, out refusalOut) string {
			again := out.Step == refresh.StepReplay || out.Step == refresh.StepRenew
			switch {
			case again != (out.Reason == ""):
				return "an answer that stays has a reason, and a replay has none"
			case again && (!in.Attached || in.Replayed || !in.Replayable || in.Unsafe || in.Scope):
				return "it must not be replayed"
			case out.Step == refresh.StepRenew && in.Current > in.Sent:
				return "a token is renewed that is renewed already"
			}
			return ""
		},
		cases: []sample[refusalIn, refusalOut]{
			{"the token is the newest", all(), &refusalOut{"renew", ""}},
			{"a newer token is there", all(newer), &refusalOut{"replay", ""}},
			{"the session was emptied meanwhile", refused(func(in *refusalIn) { in.Current = 0 }), &refusalOut{"renew", ""}},
			{"nothing attached", all(foreign), &refusalOut{"return", "not_attached"}},
			{"nothing attached, before all that follow", all(foreign, scope, replayed, unsafe, body, newer), &refusalOut{"return", "not_attached"}},
			{"insufficient scope", all(scope), &refusalOut{"return", "insufficient_scope"}},
			{"insufficient scope, before all that follow", all(scope, replayed, unsafe, body, newer), &refusalOut{"return", "insufficient_scope"}},
			{"replayed already", all(replayed), &refusalOut{"reject", "already_replayed"}},
			{"replayed already, before all that follow", all(replayed, unsafe, body, newer), &refusalOut{"reject", "already_replayed"}},
			{"unsafe", all(unsafe), &refusalOut{"background", "unsafe_method"}},
			{"unsafe, before all that follow", all(unsafe, body, newer), &refusalOut{"background", "unsafe_method"}},
			{"the body can't be had again", all(body), &refusalOut{"background", "body"}},
			{"the body can't be had again, a newer token is there", all(body, newer), &refusalOut{"background", "body"}},
		},
	}
}
