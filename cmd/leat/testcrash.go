package main

import (
	"fmt"
	"regexp"
	"strings"
)

// tail keeps the end of what is written to it, where a process that crashes says why. It is not for two goroutines at a time.
type tail struct{ text []byte }

const tailSize = 256 << 10

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if len(t.text) > 2*tailSize {
		t.text = append(t.text[:0], t.text[len(t.text)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.text) }

// lastLines returns the end of a text that nobody understands.
func lastLines(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// What a report holds of a crash is bounded.
const (
	maxText   = 500 // bytes
	maxFrames = 6
)

var (
	crashLine = regexp.MustCompile(`(?m)^(?:panic|fatal error): `)
	recovered = regexp.MustCompile(` \[recovered[^\]]*\]$`)
)

// crashed returns what a process that crashed said of it, and where that was. It holds no number that differs from run to run.
func crashed(said string, end error) (text, where string) {
	at := crashLine.FindStringIndex(said)
	if at == nil {
		return fmt.Sprintf("its process ended: %v", end), lastLines(said)
	}
	text, rest, _ := strings.Cut(said[at[1]:], "\n\n")
	text, _, _ = strings.Cut(text, "\n[signal ")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = recovered.ReplaceAllString(strings.TrimSpace(line), "")
	}
	text = strings.Join(lines, "; ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text, inCall(strings.Split(rest, "\n\n"))
}

// inCall returns where the first of the goroutines is, which panicked; in a deadlock that is the test, and the goroutine of a call says more.
func inCall(goroutines []string) string {
	if where := frames(goroutines[0]); where != "" {
		return where
	}
	for _, g := range goroutines[1:] {
		if strings.Contains(g, "/leat/pipeline.") {
			return frames(g)
		}
	}
	return ""
}

// stuckAt returns where the goroutine of a test is that keeps virtual time from going on: in a bubble, and waiting for what is outside of it.
func stuckAt(said string) string {
	for block := range strings.SplitSeq(said, "\n\n") {
		head, _, _ := strings.Cut(block, "\n")
		if strings.Contains(head, "synctest bubble") && !strings.Contains(head, "(durable)") {
			if where := frames(block); where != "" {
				return where
			}
		}
	}
	return ""
}

// frames returns the beginning of a goroutine's stack, without what belongs to Go and to the test, and without the arguments' addresses.
func frames(goroutine string) string {
	var out []string
	_, goroutine, _ = strings.Cut(goroutine, "\n") // goroutine 7 [running]:
	lines := strings.Split(goroutine, "\n")
	for i := 0; i+1 < len(lines) && len(out) < maxFrames; i += 2 {
		function, place := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(function, "created by ") {
			break
		}
		if open := strings.LastIndexByte(function, '('); open > 0 {
			function = function[:open]
		}
		if foreign.MatchString(function) {
			continue
		}
		place, _, _ = strings.Cut(place, " +0x")
		out = append(out, function+" at "+place)
	}
	return strings.Join(out, "\n")
}

var foreign = regexp.MustCompile(`^(panic$|runtime\.|internal/|testing[./]|sync\.|time\.|syscall\.|github\.com/leatdev/leat/conformance/)|\.\(\*testChild\)\.|\.program\.runTests`)
