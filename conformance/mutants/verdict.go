package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// shown is how many of the scenarios that failed the table names.
const shown = 3

// verdict is what the corpus said of an implementation.
type verdict struct {
	passed  int
	failed  int
	files   []string // of the scenarios that failed, in their order, each once and as the table shows it
	trouble string   // the run itself did not end as it should: a hang, a crash
}

// caught reports whether the corpus noticed.
func (v verdict) caught() bool { return v.failed > 0 || v.trouble != "" }

// String is the table's cell: who noticed.
func (v verdict) String() string {
	if v.trouble != "" {
		return v.trouble
	}
	if v.failed == 0 {
		return "**not caught**"
	}
	names := make([]string, 0, shown)
	for _, f := range v.files[:min(shown, len(v.files))] {
		names = append(names, "`"+f+"`")
	}
	text := strings.Join(names, ", ")
	if more := len(v.files) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if text == "" {
		return fmt.Sprintf("%d scenarios", v.failed)
	}
	return text
}

// judge reads what `leat test -o json` printed. What is no such report, or does not go with the exit code, is a crash.
func judge(out, complaints []byte, exit int) verdict {
	var report struct {
		Passed  *int `json:"passed"`
		Failed  int  `json:"failed"`
		Results []struct {
			File   string `json:"file"`
			Status string `json:"status"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out, &report); err != nil || report.Passed == nil {
		return verdict{trouble: crash(complaints, exit)}
	}
	v := verdict{passed: *report.Passed, failed: report.Failed}
	for _, r := range report.Results {
		if name := nameOf(r.File); r.Status == "failed" && !slices.Contains(v.files, name) {
			v.files = append(v.files, name)
		}
	}
	if v.failed == 0 && exit != 0 {
		v.trouble = crash(complaints, exit)
	}
	return v
}

// crash describes a run without a report by its exit code and the first line of what it complained of.
func crash(complaints []byte, exit int) string {
	text := fmt.Sprintf("crash (exit code %d)", exit)
	line, _, _ := strings.Cut(strings.TrimSpace(string(complaints)), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return text
	}
	return text + ": " + strings.ToValidUTF8(line[:min(len(line), 100)], "")
}

// nameOf shortens a scenario's path to what tells it from the others of the corpus.
func nameOf(file string) string {
	name := strings.TrimSuffix(strings.ReplaceAll(file, `\`, "/"), ".test.toml")
	if _, below, ok := strings.Cut(name, corpus+"/"); ok {
		return below
	}
	return name
}
