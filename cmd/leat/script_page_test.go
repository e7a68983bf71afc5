package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// page is one of docs/ whose reader writes files and runs commands, while scripts that do the same are written and run. So it can't say
// what the command doesn't:
//
//   - a toml block is put into the file that it names, as the page tells its reader to;
//   - a console block is run, and must print what it shows, where "…" stands for anything.
//
// UPDATE_SCRIPTS=1 rewrites the console blocks that differ; shorten them again with "…".
type page struct {
	t        *testing.T
	path     string
	text     string
	measured *regexp.Regexp // what differs from run to run
	files    []*pageFile    // in the reader's folder, as they have become
	dir      string         // of the scripts
	scripts  []string

	mu  sync.Mutex
	got map[string]string // console blocks that printed something else, by what they show
}

func readPage(t *testing.T, path, measured string) *page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &page{t: t, path: path, text: string(text), measured: regexp.MustCompile(measured), dir: t.TempDir(), got: map[string]string{}}
}

// pageFile is a file that the reader writes.
type pageFile struct {
	name   string
	tables tables // of a file of pipelines: blocks change single lines
	text   string // of a file of tests: blocks are added
}

func (f *pageFile) String() string { return f.tables.String() + f.text }

func (p *page) file(name string) *pageFile {
	i := slices.IndexFunc(p.files, func(f *pageFile) bool { return f.name == name })
	if i < 0 {
		i, p.files = len(p.files), append(p.files, &pageFile{name: name})
	}
	return p.files[i]
}

// put has the reader do what a toml block says.
func (p *page) put(name, text string) *pageFile {
	f := p.file(name)
	switch {
	case !strings.HasSuffix(name, ".test.toml"):
		f.tables.merge(text)
	case f.text != "":
		f.text += "\n" + text
	default:
		f.text = text
	}
	return f
}

// fence is a fenced block: language, what stands behind it, text.
var fence = regexp.MustCompile("(?ms)^```(\\w+)([^\n]*)\n(.*?)^```$")

// script makes a script of a part of the page. Its blocks in other languages than toml and console are for other.
func (p *page) script(title, part string, other func(language, info, text string)) {
	var script, files strings.Builder
	for _, f := range p.files {
		fmt.Fprintf(&files, "-- reader/%s --\n%s", f.name, f)
	}
	for n, block := range fence.FindAllStringSubmatch(part, -1) {
		switch language, info, text := block[1], strings.TrimSpace(block[2]), block[3]; {
		case language == "toml" && info != "":
			f := p.put(info, text)
			fmt.Fprintf(&script, "cp $WORK/file%d %s\n", n, f.name)
			fmt.Fprintf(&files, "-- file%d --\n%s", n, f)
		case language == "console":
			fmt.Fprintf(&script, "screen $WORK/block%d\n", n)
			fmt.Fprintf(&files, "-- block%d --\n%s", n, text)
		default:
			other(language, info, text)
		}
	}
	name := filepath.Join(p.dir, regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(title), "_")+".txtar")
	if err := os.WriteFile(name, []byte(script.String()+files.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.scripts = append(p.scripts, name)
}

// run runs the scripts, in a folder beside which the project's own pipelines.toml is.
func (p *page) run(programs string) {
	own, err := os.ReadFile("../../pipelines.toml")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Run("page", func(t *testing.T) { // ends when its parallel scripts have
		testscript.Run(t, testscript.Params{
			Files: p.scripts,
			Setup: func(env *testscript.Env) error {
				env.Setenv("PROGRAMS", programs)
				env.Cd = filepath.Join(env.WorkDir, "reader")
				return errors.Join(os.MkdirAll(env.Cd, 0o700), os.WriteFile(filepath.Join(env.WorkDir, "pipelines.toml"), own, 0o600))
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){"screen": p.screen},
		})
	})
	p.update()
}

// screen runs the commands of a console block and compares what they print, both streams as one, with what it shows.
func (p *page) screen(ts *testscript.TestScript, _ bool, args []string) {
	shown := ts.ReadFile(args[0])
	var got strings.Builder
	for part := range strings.SplitSeq("\n"+shown, "\n$ ") {
		line, output, _ := strings.Cut(part, "\n")
		if line == "" {
			continue
		}
		before, _, stopped := strings.Cut(output, "^C\n")
		if !stopped {
			got.WriteString("$ " + line + "\n" + runShown(ts, line))
			continue
		}
		got.WriteString("$ " + line + "\n" + interruptShown(ts, line, func(so string) bool { return p.same(so, before) }) + "^C\n")
	}
	if p.same(got.String(), shown) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got[shown] = got.String()
	if os.Getenv("UPDATE_SCRIPTS") == "" {
		ts.Fatalf("the page shows\n%s\nit prints\n%s", shown, got.String())
	}
}

// runShown runs one command line and returns what a person sees of it.
func runShown(ts *testscript.TestScript, line string) string {
	if assignment, ok := strings.CutPrefix(line, "export "); ok {
		name, value, _ := strings.Cut(assignment, "=")
		ts.Setenv(name, value)
		return ""
	}
	line, code := strings.CutSuffix(line, "; echo $?")
	cmd, goes := shownCommand(ts, line)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		ts.Fatalf("%s: %v", line, err)
	}
	if goes && err != nil {
		fmt.Fprintln(&out, "exit status", cmd.ProcessState.ExitCode()) // as go run does
	}
	if code {
		fmt.Fprintln(&out, cmd.ProcessState.ExitCode())
	}
	return out.String()
}

// shownCommand is the command of a line, and whether the go command runs it.
func shownCommand(ts *testscript.TestScript, line string) (cmd *exec.Cmd, goes bool) {
	var words []string
	for _, m := range regexp.MustCompile(`'([^']*)'|[^' ]+`).FindAllStringSubmatch(line, -1) {
		words = append(words, strings.Trim(m[0], "'"))
	}
	goes = len(words) > 2 && words[0] == "go"
	if goes && words[1] == "test" { // in the module, where the reader's folder is
		return exec.Command("go", append([]string{"test"}, inModule(words[2:])...)...), goes
	}
	if goes {
		cmd = exec.Command(filepath.Join(ts.Getenv("PROGRAMS"), filepath.Base(words[2])), words[3:]...)
	} else {
		cmd = exec.Command(words[0], words[1:]...)
	}
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "DEMO_PASSWORD=" + ts.Getenv("DEMO_PASSWORD")}
	return cmd, goes
}

// inModule writes the packages that a reader names from a folder of the module's root as from this one.
func inModule(words []string) []string {
	for i, w := range words {
		if strings.HasPrefix(w, "../docs/") {
			words[i] = "../" + w
		}
	}
	return words
}

// interruptShown runs a command until it has printed what is wanted, or for ten seconds, and then as after Ctrl-C.
func interruptShown(ts *testscript.TestScript, line string, enough func(string) bool) string {
	cmd, _ := shownCommand(ts, line)
	out := &screenBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	ts.Check(cmd.Start())
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && !enough(out.String()); {
		time.Sleep(5 * time.Millisecond)
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	ts.Check(cmd.Wait())
	return out.String()
}

// screenBuffer is read while it is written.
type screenBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screenBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screenBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var spaces = regexp.MustCompile(` +`)

// same compares two screens: what is measured and widths don't matter, and "…" in want stands for anything, for any number of lines
// where it is alone in one.
func (p *page) same(got, want string) bool {
	plain := func(s string) (lines []string) {
		for l := range strings.Lines(s) {
			lines = append(lines, strings.TrimSpace(spaces.ReplaceAllString(p.measured.ReplaceAllString(l, "T"), " ")))
		}
		return lines
	}
	var pattern strings.Builder
	for _, l := range plain(want) {
		if l == "…" {
			pattern.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(l), "…", `[^\n]*`) + `\n`)
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(strings.Join(plain(got), "\n") + "\n")
}

// update rewrites the page's blocks that printed something else.
func (p *page) update() {
	if os.Getenv("UPDATE_SCRIPTS") == "" || len(p.got) == 0 {
		return
	}
	for shown, got := range p.got {
		p.text = strings.ReplaceAll(p.text, "\n"+shown+"```", "\n"+got+"```")
	}
	if err := os.WriteFile(p.path, []byte(p.text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}
