package vectors_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

type kindIn struct {
	Kind pipeline.Kind `json:"kind"`
}

type kindOut struct {
	Parent   string   `json:"parent"`
	Text     string   `json:"text"`
	Statuses [][2]int `json:"statuses"` // first and last of each run
}

func kinds() file {
	var cases []sample[kindIn, kindOut]
	by := map[pipeline.Kind]*kindOut{
		pipeline.KindUnauthorized: {"", "unauthorized", [][2]int{{401, 401}}},
		pipeline.KindTimeout:      {"", "timeout", [][2]int{{408, 408}, {504, 504}}},
		pipeline.KindClient:       {"", "client", [][2]int{{400, 400}, {402, 402}, {405, 407}, {411, 411}, {413, 428}, {430, 499}}},
		pipeline.KindServer:       {"", "server", [][2]int{{500, 503}, {505, 599}}},
		pipeline.KindForbidden:    {"client", "forbidden", [][2]int{{403, 403}}},
		pipeline.KindNotFound:     {"client", "not found", [][2]int{{404, 404}, {410, 410}}},
		pipeline.KindConflict:     {"client", "conflict", [][2]int{{409, 409}, {412, 412}}},
		pipeline.KindRateLimited:  {"client", "rate limited", [][2]int{{429, 429}}},
		pipeline.KindTLS:          {"network", "tls", [][2]int{}},
		pipeline.KindValidation:   {"parse", "validation", [][2]int{}},
		pipeline.KindPlugin:       {"", "plugin", [][2]int{}},
	}
	for _, kind := range pipeline.Kinds() {
		cases = append(cases, sample[kindIn, kindOut]{string(kind), kindIn{kind}, by[kind]})
	}
	return table[kindIn, kindOut]{
		file: "kinds.json",
		text: "Every kind of failure, coarse ones first: the kind that it is below (\"\" for a coarse one), its name in texts, and the HTTP statuses that give it without a rule, " +
			"each run of them as [first, last]. A status below 400 gives none.",
		rules: []string{"send.kind", "call.one_result"},
		run:   runKind,
		check: checkKinds(),
		cases: cases,
	}
}

func runKind(_ *testing.T, in kindIn) kindOut {
	out := kindOut{Parent: string(in.Kind.Parent()), Text: in.Kind.Error(), Statuses: [][2]int{}}
	for status := 100; status < 600; status++ {
		if pipeline.KindOfStatus(status) != in.Kind {
			continue
		}
		if n := len(out.Statuses); n > 0 && out.Statuses[n-1][1] == status-1 {
			out.Statuses[n-1][1] = status
		} else {
			out.Statuses = append(out.Statuses, [2]int{status, status})
		}
	}
	return out
}

// checkKinds remembers what it saw: every status from 400 has one kind, every other none.
func checkKinds() func(kindIn, kindOut) string {
	seen, known, left := map[int]pipeline.Kind{}, map[pipeline.Kind]bool{}, len(pipeline.Kinds())
	return func(in kindIn, out kindOut) string {
		for _, run := range out.Statuses {
			for status := run[0]; status <= run[1]; status++ {
				if status < 400 {
					return fmt.Sprintf("%d is no failure", status)
				}
				if other, ok := seen[status]; ok {
					return fmt.Sprintf("%d is %s too", status, other)
				}
				seen[status] = in.Kind
			}
		}
		known[in.Kind] = true
		if left--; left == 0 && len(seen) != 200 {
			return fmt.Sprintf("%d of the statuses from 400 to 599 have a kind", len(seen))
		}
		failure := pipeline.Errorf(in.Kind, "x")
		switch {
		case out.Parent != "" && !known[pipeline.Kind(out.Parent)]:
			return "its parent is no coarse kind"
		case out.Parent != "" && !errors.Is(failure, pipeline.Kind(out.Parent)):
			return "an error of this kind is none of its parent's"
		}
		return ""
	}
}
