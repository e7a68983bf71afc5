package check

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
)

// Status is what became of a rule.
type Status string

// What can become of a rule.
const (
	OK      Status = "ok"   // it was tried, and nothing broke it
	Fail    Status = "fail" // it was broken
	Skipped Status = "skip" // it could not be tried
)

// Result is what became of one rule with one plugin.
type Result struct {
	Plugin   string   `json:"plugin"`
	Rule     string   `json:"rule"`
	Sentence string   `json:"sentence"`
	Status   Status   `json:"status"`
	Seen     []string `json:"seen,omitempty"`    // what broke it, each once
	Remarks  []string `json:"remarks,omitempty"` // what was seen that breaks no rule, and that its author should know
	Advice   string   `json:"advice,omitempty"`  // what to do about that
	Reason   string   `json:"reason,omitempty"`  // why it was skipped
	Takes    string   `json:"takes,omitempty"`   // what would have shown it, where that alone is the reason
}

// notes collects what is seen of each rule, without the secrets that show knows. It is safe for concurrent use.
type notes struct {
	show *redact.Redactor

	mu      sync.Mutex
	seen    map[string][]string
	remarks map[string][]string
	tried   map[string]bool
	reason  map[string]string
	advice  map[string]string
}

func newNotes() *notes {
	return &notes{show: redact.New(redact.Rules{}), seen: map[string][]string{}, remarks: map[string][]string{}, tried: map[string]bool{}, reason: map[string]string{}, advice: map[string]string{}}
}

// text is what may be shown. Secrets are masked before the text is cut.
func (n *notes) text(format string, args []any) string {
	return host.Clean(n.show.Known(fmt.Sprintf(format, args...)))
}

// most bounds what is told of one rule.
const most = 5

// broken notes a breach.
func (n *notes) broken(rule, format string, args ...any) {
	text := n.text(format, args)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.seen[rule], text) && len(n.seen[rule]) < most {
		n.seen[rule] = append(n.seen[rule], text)
	}
}

// breaks reports whether one of the rules was broken so far.
func (n *notes) breaks(rules ...string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(rules, func(r string) bool { return len(n.seen[r]) > 0 })
}

// remark notes what breaks no rule, and should be known.
func (n *notes) remark(rule, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remarks[rule] = append(n.remarks[rule], n.text(format, args))
}

// kept notes that rules were tried.
func (n *notes) kept(rules ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range rules {
		n.tried[r] = true
	}
}

// untried notes why a rule can't be tried; it counts where nobody tries it all the same.
func (n *notes) untried(rule, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reason[rule] = n.text(format, args)
}

// advise has an advice of its own in place of the rule's.
func (n *notes) advise(rule, advice string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.advice[rule] == "" {
		n.advice[rule] = advice
	}
}

// results tells what became of the rules. otherwise is why those were skipped that nobody says more of; missing are types that were not tried.
func (n *notes) results(plugin string, rules []Rule, otherwise string, missing []string) []Result {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Result, len(rules))
	for i, r := range rules {
		out[i] = Result{Plugin: plugin, Rule: r.ID, Sentence: r.Sentence, Remarks: n.remarks[r.ID]}
		switch {
		case len(n.seen[r.ID]) > 0:
			out[i].Status, out[i].Seen, out[i].Advice = Fail, n.seen[r.ID], r.Advice
			if n.advice[r.ID] != "" {
				out[i].Advice = n.advice[r.ID]
			}
		case n.tried[r.ID]:
			out[i].Status = OK
		default:
			out[i].Status, out[i].Reason = Skipped, otherwise
			if n.reason[r.ID] != "" {
				out[i].Reason = n.reason[r.ID]
			} else if otherwise == "" {
				out[i].Reason = "nothing showed it"
				if r.Needs != "" {
					out[i].Reason, out[i].Takes = "it takes "+r.Needs, r.Needs
				}
				if len(missing) > 0 {
					out[i].Reason += "; not tried, for the file has no stage of that type and it needs a config: " + strings.Join(missing, ", ")
				}
			}
		}
		out[i].Reason = strings.TrimSpace(out[i].Reason)
	}
	return out
}
