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

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	tutorialPage   = "../../docs/tutorial.md"
	tutorialFolder = "../../docs/tutorial"
	tutorialModule = "github.com/leatdev/leat/docs/tutorial/"
)

// TestTutorial makes a script of each step of docs/tutorial.md and runs it, so that the page can't say what the command doesn't:
//
//   - a toml block is merged into pipelines.toml, key by key, as the page tells its reader to;
//   - a go block must stand like that in the file of docs/tutorial that its first line names;
//   - a console block is run, and must print what it shows.
//
// UPDATE_SCRIPTS=1 rewrites the console blocks that differ; shorten their long lines again with "…", which stands for anything.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("a step waits for ten seconds, as its reader does")
	}
	page, err := os.ReadFile(tutorialPage)
	if err != nil {
		t.Fatal(err)
	}
	tut := &tutorial{t: t, dir: t.TempDir(), page: string(page), got: map[string]string{}}
	tut.write()
	whole, err := os.ReadFile(filepath.Join(tutorialFolder, "pipelines.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := tut.file.String(); got != string(whole) {
		t.Errorf("the steps come to another file than docs/tutorial/pipelines.toml:\n%s", got)
	}
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs+"/", tutorialModule+"...")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("step", func(t *testing.T) { // ends when its parallel scripts have
		testscript.Run(t, testscript.Params{
			Files: tut.scripts,
			Setup: func(env *testscript.Env) error { env.Setenv("PROGRAMS", programs); return nil },
			Cmds:  map[string]func(*testscript.TestScript, bool, []string){"screen": tut.screen},
		})
	})
	tut.update()
}

// tutorial is the page while its scripts are written and run.
type tutorial struct {
	t       *testing.T
	dir     string
	page    string
	file    tables // pipelines.toml as it has become
	scripts []string

	mu  sync.Mutex
	got map[string]string // console blocks that printed something else, by what they show
}

var (
	stepHeading = regexp.MustCompile(`(?m)^## .*$`)
	fence       = regexp.MustCompile("(?ms)^```(\\w+)([^\n]*)\n(.*?)^```$")
)

// write writes a script for each step.
func (tut *tutorial) write() {
	starts := stepHeading.FindAllStringIndex(tut.page, -1)
	for i, start := range starts {
		end := len(tut.page)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		title := tut.page[start[0]+3 : start[1]]
		var script, files strings.Builder
		fmt.Fprintf(&files, "-- pipelines.toml --\n%s", &tut.file)
		for n, block := range fence.FindAllStringSubmatch(tut.page[start[1]:end], -1) {
			switch language, info, text := block[1], strings.TrimSpace(block[2]), block[3]; language {
			case "toml":
				tut.file.merge(text)
				fmt.Fprintf(&script, "cp file%d pipelines.toml\n", n)
				fmt.Fprintf(&files, "-- file%d --\n%s", n, &tut.file)
			case "go":
				tut.excerpt(info, text)
			case "console":
				fmt.Fprintf(&script, "screen block%d\n", n)
				fmt.Fprintf(&files, "-- block%d --\n%s", n, text)
			}
		}
		name := filepath.Join(tut.dir, regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(title), "_")+".txtar")
		if err := os.WriteFile(name, []byte(script.String()+files.String()), 0o600); err != nil {
			tut.t.Fatal(err)
		}
		tut.scripts = append(tut.scripts, name)
	}
	if len(starts) < 8 {
		tut.t.Fatalf("the page has %d steps", len(starts))
	}
}

func (tut *tutorial) excerpt(name, text string) {
	source, err := os.ReadFile(filepath.Join(tutorialFolder, name))
	if err != nil {
		tut.t.Fatal(err)
	}
	if !strings.Contains("\n"+string(source), "\n"+text) {
		tut.t.Errorf("docs/tutorial/%s has no such lines:\n%s", name, text)
	}
}

// screen runs the commands of a console block and compares what they print, both streams as one, with what it shows.
func (tut *tutorial) screen(ts *testscript.TestScript, _ bool, args []string) {
	shown := ts.ReadFile(args[0])
	var got strings.Builder
	for line := range strings.Lines(shown) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			got.WriteString(line + runShown(ts, strings.TrimSpace(command)))
		}
	}
	if sameScreen(got.String(), shown) {
		return
	}
	tut.mu.Lock()
	defer tut.mu.Unlock()
	tut.got[shown] = got.String()
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
	var words []string
	for _, m := range regexp.MustCompile(`'([^']*)'|[^' ]+`).FindAllStringSubmatch(line, -1) {
		words = append(words, strings.Trim(m[0], "'"))
	}
	goes := len(words) > 2 && words[0] == "go"
	if goes {
		words[2] = strings.TrimPrefix(words[2], "../docs/tutorial/")
	}
	var cmd *exec.Cmd
	switch {
	case goes && words[1] == "test": // in the module, where the reader's folder is
		cmd = exec.Command("go", "test", tutorialModule+words[2])
	case goes:
		cmd = exec.Command(filepath.Join(ts.Getenv("PROGRAMS"), words[2]), words[3:]...)
	default:
		cmd = exec.Command(words[0], words[1:]...)
	}
	if !goes || words[1] != "test" {
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "DEMO_PASSWORD=" + ts.Getenv("DEMO_PASSWORD")}
	}
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

var (
	measured = regexp.MustCompile(`\d+(\.\d+)? ?ms|(waits|·) [\d.]+s`)
	spaces   = regexp.MustCompile(` +`)
)

// sameScreen compares two screens: durations that were measured and widths don't matter, and "…" in want stands for anything.
func sameScreen(got, want string) bool {
	plain := func(s string) []string {
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			lines[i] = strings.TrimSpace(spaces.ReplaceAllString(measured.ReplaceAllString(l, "T"), " "))
		}
		return lines
	}
	return slices.EqualFunc(plain(got), plain(want), func(got, want string) bool {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
		return regexp.MustCompile("^" + pattern + "$").MatchString(got)
	})
}

// update rewrites the page's blocks that printed something else.
func (tut *tutorial) update() {
	if os.Getenv("UPDATE_SCRIPTS") == "" || len(tut.got) == 0 {
		return
	}
	for shown, got := range tut.got {
		tut.page = strings.ReplaceAll(tut.page, "\n"+shown+"```", "\n"+got+"```")
	}
	if err := os.WriteFile(tutorialPage, []byte(tut.page), 0o644); err != nil {
		tut.t.Fatal(err)
	}
}

// tables is a small TOML file as lines, enough to follow the page's instruction for changing it.
type tables []*oneTable

type oneTable struct {
	header  string // "" before the first
	entries []entry
}

type entry struct{ key, text string }

// merge puts each entry in the place of the one with its key in its table, or adds it.
func (ts *tables) merge(text string) {
	var in *oneTable
	at := -1
	for line := range strings.Lines(text) {
		key, _, assigns := strings.Cut(line, " = ")
		switch {
		case strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "["):
			in, at = ts.named(strings.TrimSpace(line)), -1
		case assigns && !strings.HasPrefix(line, " "):
			if in == nil {
				in = ts.named("")
			}
			at = slices.IndexFunc(in.entries, func(e entry) bool { return e.key == key })
			if at < 0 {
				at, in.entries = len(in.entries), append(in.entries, entry{key: key})
			}
			in.entries[at].text = line
		default: // a value that goes on
			in.entries[at].text += line
		}
	}
}

func (ts *tables) named(header string) *oneTable {
	i := slices.IndexFunc(*ts, func(t *oneTable) bool { return t.header == header })
	if i < 0 {
		i, *ts = len(*ts), append(*ts, &oneTable{header: header})
	}
	return (*ts)[i]
}

func (ts *tables) String() string {
	var b strings.Builder
	for i, t := range *ts {
		if i > 0 {
			b.WriteString("\n" + t.header + "\n")
		}
		for _, e := range t.entries {
			b.WriteString(e.text)
		}
	}
	return b.String()
}
