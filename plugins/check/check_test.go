//go:build linux || darwin

package check

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// badPlugins are the raw plugin with one thing wrong with each, and the one rule that it breaks.
var badPlugins = []struct{ bad, rule, seen string }{
	{"handshake early", "wire.handshake", "nobody listened"},
	{"handshake elsewhere", "wire.handshake", "not in the folder"},
	{"handshake by hand", "wire.handshake", "without LEAT_PLUGIN"},
	{"stdout", "wire.stdout", "a request"},
	{"stdout before", "wire.stdout", "raw 1.0 is starting"},
	{"version", "wire.version", "999"},
	{"health", "wire.health", "Unimplemented"},
	{"shutdown", "wire.shutdown", "Unimplemented"},
	{"lifeline deaf", "wire.lifeline", "standard input ended, and it ran still"},
	{"lifeline SIGINT", "wire.lifeline", "SIGINT came, and the process was ended"},
	{"lifeline SIGTERM", "wire.lifeline", "SIGTERM came and its Session had ended"},
	{"describe", "wire.describe", `"all stage"`},
	{"capabilities", "wire.capabilities", "time-travel"},
	{"check", "wire.check", `no mistake at the path "level"`},
	{"check needs", "wire.check", "they lack request.edit"},
	{"open", "wire.open", "finds nothing wrong"},
	{"open shared", "wire.open", "once another session had"},
	{"numbers", "wire.numbers", "never began"},
	{"do", "wire.do", "exchanges in next"},
	{"do in turn", "wire.do", "of 4 requests that came at once"},
	{"next", "wire.next", "before the Result"},
	{"last", "wire.last", "waits for the Result"},
	{"response_only", "wire.response_only", "Do had the Result"},
	{"return", "wire.return", "that was over"},
	{"error", "wire.error", `"oops"`},
	{"error of_result", "wire.error", "without of_result"},
	{"wait", "wire.wait", "before Awake"},
	{"read", "wire.read", "a stream"},
	{"drop", "wire.drop", "between Next and its Result"},
	{"left", "wire.left", "no answer came"},
	{"left early", "wire.left", "before the host's word"},
	{"cancel", "wire.cancel", "before the host's word"},
	{"cancel slow", "wire.cancel", "for an exchange that was over"},
	{"changes", "wire.changes", `"oops"`},
	{"grants", "wire.grants", "x-other"},
	{"grants less", "wire.grants", "which was granted nothing"},
	{"ended", "wire.ended", "Return came"},
	{"close", "wire.close", "while an exchange"},
	{"close unmade", "wire.close", "could not be made"},
	{"close stream", "wire.close", "did not end"},
	{"draining", "wire.draining", "no frame Draining"},
	{"draining at once", "wire.draining", "exited with code 0"},
	{"panic", "wire.panic", "exited with code 2"},
	{"panic always", "wire.panic", "every request ended in a panic: it always throws"},
	{"log", "wire.log", "of level 0"},
	{"span", "wire.span", "recording is not set"},
	{"inline", "wire.inline", "100000 bytes"},
	{"inline chunks", "wire.inline", "a chunk of Download"},
	{"limits", "wire.limits", "larger than max"},
	{"apart", "wire.apart", "before its frame"},
	{"apart short", "wire.apart", "Download gave"},
	{"bytes", "wire.bytes", "X-Raw"},
	{"unknown", "wire.unknown", "that nobody knows"},
	{"dev", "wire.dev", "left its socket"},
}

// planOf is the plan of a raw plugin.
func planOf(t *testing.T, bad string) pipeline.PluginPlan {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.PluginPlan{Name: "raw", File: "pipelines.toml", Dir: t.TempDir(), Config: pipeline.PluginConfig{
		Command: []string{self, "as-plugin", bad}, StartTimeout: 20 * time.Second, MaxInFlight: 32,
		Env: []string{"GORACE=atexit_sleep_ms=0"}, // else each process takes a second to end, under -race
	}}
}

func checked(t *testing.T, plan pipeline.PluginPlan, o Options) []Result {
	t.Helper()
	h := host.New()
	defer h.Close()
	o.Host = h
	results, err := Plugin(t.Context(), plan, nil, o)
	if err != nil {
		t.Error(err)
	}
	return results
}

// with returns the results of that status.
func with(results []Result, s Status) (ids, texts []string) {
	for _, r := range results {
		if r.Status == s {
			ids = append(ids, r.Rule)
			texts = append(texts, r.Rule+": "+strings.Join(r.Seen, "; ")+" → "+r.Advice+r.Reason)
		}
	}
	return ids, texts
}

var thrown = []Request{{Method: "GET", Path: "/throw"}}

// TestPlugin_rejects_each_bad_plugin under the rule that it breaks, and under no other.
func TestPlugin_rejects_each_bad_plugin(t *testing.T) {
	all := make([][]Result, len(badPlugins))
	var group sync.WaitGroup
	room := make(chan struct{}, 8) // they wait for most of the time
	for i, bad := range badPlugins {
		group.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			all[i] = checked(t, planOf(t, bad.bad), Options{Requests: thrown})
		})
	}
	group.Wait()
	for i, bad := range badPlugins {
		t.Run(bad.bad, func(t *testing.T) {
			ids, texts := with(all[i], Fail)
			if diff := cmp.Diff([]string{bad.rule}, ids); diff != "" {
				t.Errorf("broken (-want +got):\n%s\n%s", diff, strings.Join(texts, "\n"))
			}
			if all := strings.Join(texts, "\n"); !strings.Contains(all, bad.seen) || strings.HasSuffix(all, "→ ") {
				t.Errorf("it says nothing of %q, or not what to do:\n%s", bad.seen, all)
			}
		})
	}
}

// TestPlugin_accepts_a_plugin_by_hand: every rule of the protocol was tried with it, and those of the contract.
func TestPlugin_accepts_a_plugin_by_hand(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plan := planOf(t, "")
	contract := ByCommand(plan, self, "as-judge")
	results := checked(t, plan, Options{Requests: thrown, Contract: func(ctx context.Context, st Stage) (v Verdicts, err error) {
		if st.Type == "all" { // which has all needs
			v, err = contract(ctx, st)
		}
		return v, err
	}})
	if ids, _ := with(results, OK); len(ids) != len(Rules()) {
		_, broken := with(results, Fail)
		_, skipped := with(results, Skipped)
		t.Errorf("%d of %d rules are kept\nbroken: %s\nskipped: %s", len(ids), len(Rules()), strings.Join(broken, "\n"), strings.Join(skipped, "\n"))
	}
}

// TestPlugin_tries_a_subject: stages see it, and what they do for it alone shows.
func TestPlugin_tries_a_subject(t *testing.T) {
	for subject, want := range map[string]Status{"": Skipped, "thrower": Fail} {
		for _, r := range checked(t, planOf(t, ""), Options{Subject: subject, Only: "wire.panic"}) {
			if r.Rule == "wire.panic" && r.Status != want {
				t.Errorf("subject %q: got %s, want %s: %v %s", subject, r.Status, want, r.Seen, r.Reason)
			}
		}
	}
}

// TestPlugin_ends_with_its_context, and leaves no process: the host would not close before it has ended.
func TestPlugin_ends_with_its_context(t *testing.T) {
	for _, bad := range []string{"mute", "left", "lifeline SIGTERM"} {
		t.Run(bad, func(t *testing.T) {
			h := host.New()
			defer h.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			plan := planOf(t, bad)
			plan.Config.StartTimeout = time.Hour
			if _, err := Plugin(ctx, plan, nil, Options{Host: h}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestPlugin_accepts_the_examples.
func TestPlugin_accepts_the_examples(t *testing.T) {
	for _, example := range []string{"hello", "signer"} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			bin := filepath.Join(t.TempDir(), example)
			if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../examples/"+example).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			plan := planOf(t, "")
			plan.Config.Command = []string{bin}
			if _, texts := with(checked(t, plan, Options{}), Fail); texts != nil {
				t.Error(strings.Join(texts, "\n"))
			}
		})
	}
}

// TestRules_are_those_of_the_page: each has a check and a bad plugin.
func TestRules_are_those_of_the_page(t *testing.T) {
	page, err := os.ReadFile("../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Wire() {
		bad := 0
		for _, b := range badPlugins {
			if b.rule == r.ID {
				bad++
			}
		}
		if bad == 0 {
			t.Errorf("no bad plugin breaks %s", r.ID)
		}
		if r.ID != "wire.dev" && !strings.Contains(string(page), "`"+r.ID+"`") { // that one is of the tools, not of the wire
			t.Errorf("docs/plugins.md has no %s", r.ID)
		}
	}
	known := map[string]bool{}
	for _, r := range Wire() {
		known[r.ID] = true
	}
	for i, word := range strings.Split(string(page), "`") {
		if i%2 == 1 && strings.HasPrefix(word, "wire.") && !known[word] {
			t.Errorf("docs/plugins.md has %s, and nothing checks it", word)
		}
	}
}
