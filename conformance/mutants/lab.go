package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The command under test, and what it runs.
const (
	command = "./cmd/leat"
	corpus  = "conformance/corpus"
)

// grace is how long a program that was told to end may still hold its output.
const grace = 5 * time.Second

// lab builds mutants and runs the corpus on them. It writes only below dir: the compiler reads a mutant's file through an overlay.
type lab struct {
	root  string        // of the module
	dir   string        // temporary
	limit time.Duration // of one run of the corpus
	quick bool          // the likely families first
}

// compile checks that a mutant compiles: its own package alone, which is quick.
func (l *lab) compile(ctx context.Context, m mutant) error {
	overlay, err := l.overlay(m)
	if err != nil {
		return err
	}
	return l.build(ctx, "-overlay", overlay, "./"+path.Dir(m.File))
}

// examine runs the corpus on one mutant. The error says that it could not be asked.
func (l *lab) examine(ctx context.Context, m mutant) (verdict, error) {
	overlay, err := l.overlay(m)
	if err != nil {
		return verdict{}, err
	}
	if m.Test != "" {
		return l.test(ctx, overlay, m.Test)
	}
	program := filepath.Join(l.dir, m.ID+".exe")
	if err := l.build(ctx, "-overlay", overlay, "-ldflags=-s -w", "-o", program, command); err != nil {
		return verdict{}, fmt.Errorf("%s: %w", m.ID, err)
	}
	defer os.Remove(program) //nolint:errcheck // the folder is removed as a whole
	if l.quick {
		if v, err := l.run(ctx, program, append([]string{"test", "-o", "json"}, families(m.ID)...)...); err != nil || v.caught() {
			return v, err
		}
	}
	return l.run(ctx, program, "test", "-o", "json", corpus)
}

// likely says which families of rules the breakages are about, by how their ids begin; the first line that fits counts.
var likely = []struct {
	prefix   string
	families []string
}{
	{"retry-", []string{"retry"}},
	{"drop-", []string{"stage", "telemetry"}},
	{"replay-", []string{"retry", "stage"}},
	{"refresh-", []string{"refresh"}},
	{"session-", []string{"refresh", "credential"}},
	{"auth-", []string{"auth"}},
	{"send-", []string{"send", "call"}},
	{"class-", []string{"send"}},
	{"kind-", []string{"send", "call"}},
	{"call-", []string{"call", "stage"}},
	{"hop-", []string{"call"}},
	{"error-map-", []string{"error-map"}},
	{"error-", []string{"call"}},
	{"stage-", []string{"stage", "pipeline"}},
	{"redact-", []string{"log", "send"}},
	{"log-", []string{"log"}},
	{"validate-", []string{"validate"}},
	{"headers-", []string{"headers"}},
	{"span-", []string{"telemetry"}},
	{"trace-", []string{"telemetry"}},
	{"file-", []string{"pipeline"}},
	{"idempotency-", []string{"idempotency-key"}},
	{"buffer-", []string{"pipeline"}},
	{"", []string{"credential", "send"}},
}

// families returns the folders of the corpus that are most likely to notice a mutant.
func families(id string) (dirs []string) {
	for _, l := range likely {
		if strings.HasPrefix(id, l.prefix) {
			for _, family := range l.families {
				dirs = append(dirs, path.Join(corpus, family))
			}
			break
		}
	}
	return dirs
}

// examineUnbroken asks who is to notice the mutants, the corpus and the tests that they name, about the implementation as it is: all must
// pass, or nothing that a mutant fails means anything.
func (l *lab) examineUnbroken(ctx context.Context, mutants []mutant) (verdict, error) {
	sum, asked := verdict{}, map[string]bool{}
	for _, m := range mutants {
		if asked[m.Test] {
			continue
		}
		asked[m.Test] = true
		v, err := l.unbroken(ctx, m.Test)
		switch who := cmp.Or(m.Test, corpus); {
		case err != nil:
			return v, err
		case v.caught():
			return v, fmt.Errorf("%s fails without any breakage: %s", who, v)
		case v.passed == 0:
			return v, fmt.Errorf("no scenario of %s passed: is it empty?", who)
		}
		sum.passed += v.passed
	}
	return sum, nil
}

func (l *lab) unbroken(ctx context.Context, test string) (verdict, error) {
	if test != "" {
		return l.test(ctx, "", test)
	}
	program := filepath.Join(l.dir, "unbroken.exe")
	if err := l.build(ctx, "-o", program, command); err != nil {
		return verdict{}, err
	}
	return l.run(ctx, program, "test", "-o", "json", corpus)
}

// test runs a Go test on one mutant; without an overlay, on the implementation as it is.
func (l *lab) test(ctx context.Context, overlay, test string) (verdict, error) {
	pkg, name, _ := strings.Cut(test, " ")
	bounded, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	args := []string{"test", "-count=1", "-overlay", overlay, "-run", "^" + name + "$", "./" + pkg}
	if l.drawsAtRandom(pkg) {
		args = append(args, "-rapid.nofailfile") // it would stand in the checkout
	}
	cmd := exec.CommandContext(bounded, "go", args...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = l.root, &out, &out, grace
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return verdict{}, context.Cause(ctx)
	case bounded.Err() != nil:
		return verdict{trouble: fmt.Sprintf("hang (%s)", l.limit)}, nil
	case strings.Contains(out.String(), "[build failed]"), strings.Contains(out.String(), "no tests to run"):
		return verdict{}, fmt.Errorf("%s can't be asked:\n%s", test, bytes.TrimSpace(out.Bytes()))
	case err == nil:
		return verdict{passed: 1}, nil
	}
	return verdict{failed: 1, files: []string{test}}, nil
}

// drawsAtRandom reports whether the tests of a package know the flags of rapid.
func (l *lab) drawsAtRandom(pkg string) bool {
	files, _ := filepath.Glob(filepath.Join(l.root, filepath.FromSlash(pkg), "*_test.go"))
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && bytes.Contains(text, []byte(`"pgregory.net/rapid"`))
	})
}

// overlay writes the broken file, and the file that tells the compiler of it, whose path it returns.
func (l *lab) overlay(m mutant) (string, error) {
	source, err := m.apply(l.root)
	if err != nil {
		return "", err
	}
	broken, list := filepath.Join(l.dir, m.ID+".go"), filepath.Join(l.dir, m.ID+".json")
	if err := os.WriteFile(broken, source, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(l.root, filepath.FromSlash(m.File)): broken}})
	if err != nil {
		return "", err
	}
	return list, os.WriteFile(list, text, 0o600)
}

func (l *lab) build(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir, cmd.WaitDelay = l.root, grace
	ownGroup(cmd)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("it does not compile: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// run runs the program within the limit and judges what it says. The error is ctx's, or says that the program could not be started.
func (l *lab) run(ctx context.Context, program string, args ...string) (verdict, error) {
	bounded, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	cmd := exec.CommandContext(bounded, program, args...) //nolint:gosec // the program was built a moment ago
	var out, complaints bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = l.root, &out, &complaints, grace
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return verdict{}, context.Cause(ctx)
	case bounded.Err() != nil:
		return verdict{trouble: fmt.Sprintf("hang (%s)", l.limit)}, nil
	case cmd.ProcessState == nil:
		return verdict{}, fmt.Errorf("run %s: %w", strings.Join(args, " "), err)
	}
	return judge(out.Bytes(), complaints.Bytes(), cmd.ProcessState.ExitCode()), nil
}
