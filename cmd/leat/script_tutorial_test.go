package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	tutorialFolder = "../../docs/tutorial"
	tutorialModule = "github.com/leatdev/leat/docs/tutorial/"
)

var stepHeading = regexp.MustCompile(`(?m)^## .*$`)

// TestTutorial makes a script of each step of docs/tutorial.md and runs it. A toml block without a name changes pipelines.toml, key by key; a go
// block must stand like that in the file of docs/tutorial that its first line names.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("a step waits for ten seconds, as its reader does")
	}
	tut := readPage(t, "../../docs/tutorial.md", `\d+(\.\d+)? ?[mµn]s|(waits|·) [\d.]+s`)
	text := strings.ReplaceAll(tut.text, "\n```toml\n", "\n```toml pipelines.toml\n")
	starts := stepHeading.FindAllStringIndex(text, -1)
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		tut.script(text[start[0]+3:start[1]], text[start[1]:end], func(language, info, text string) {
			if language == "go" {
				tut.excerpt(info, text)
			}
		})
	}
	if len(starts) < 8 {
		t.Fatalf("the page has %d steps", len(starts))
	}
	tut.becomes("pipelines.toml", tutorialFolder)
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs+"/", tutorialModule+"...")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tut.run(programs)
}

func (p *page) excerpt(name, text string) {
	source, err := os.ReadFile(filepath.Join(tutorialFolder, name))
	if err != nil {
		p.t.Fatal(err)
	}
	if !strings.Contains("\n"+string(source), "\n"+text) {
		p.t.Errorf("docs/tutorial/%s has no such lines:\n%s", name, text)
	}
}

// becomes compares what the reader's file has become with the one in folder.
func (p *page) becomes(name, folder string) {
	p.t.Helper()
	want, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		p.t.Fatal(err)
	}
	if got := p.file(name).String(); got != string(want) {
		p.t.Errorf("the steps come to another file than %s/%s:\n%s", folder, name, got)
	}
}
