// Package scaffold writes the project of a new plugin: a stage that runs, its test, a file to try it with, and the SDK where no registry has it. It
// is what `leat plugin new` does.
package scaffold

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/leatdev/leat/plugins/node"
	"github.com/leatdev/leat/plugins/python"
)

//go:embed templates
var templates embed.FS

// Project is a plugin to be. It is a value: writing it changes nothing in it.
type Project struct {
	// Name is the plugin's, in its file and in that of the pipelines: letters, digits and hyphens, a letter first.
	Name string
	// Language is one of [Languages].
	Language string
	// Module is where a project in Go has its SDK from.
	Module Module
	// Leat is what runs the command, as the lines of the README have it. Default "leat".
	Leat string
}

// Part is a file of a project that its author should know.
type Part struct{ Name, About string }

// language is what differs from one to the next.
type language struct {
	name    string // as people write it
	command func(name string) []string
	stage   string // the file with the stage
	parts   []Part
	before  []Step // up to its own test
	notes   []string
}

// Step is a line to paste, and why.
type Step struct{ Line, About string }

// Lines writes steps for people: each with its reason as a shell's comment.
func Lines(steps []Step) []string {
	const most = 44 // a longer line does not push the reasons of the others to the right
	width := 0
	for _, s := range steps {
		if len(s.Line) <= most {
			width = max(width, len(s.Line))
		}
	}
	lines := make([]string, len(steps))
	for i, s := range steps {
		if lines[i] = s.Line; s.About != "" {
			lines[i] = fmt.Sprintf("%-*s   # %s", width, s.Line, s.About)
		}
	}
	return lines
}

func languages() map[string]language {
	return map[string]language{
		"go": {
			name: "Go", stage: "mark.go", command: func(name string) []string { return []string{"./bin/" + name} },
			parts:  []Part{{"mark.go", "the stage, with its config and its needs"}, {"mark_test.go", "its test, over leat's protocol, without a process"}, {"main.go", "the program"}},
			before: []Step{{"go test ./...", "the stage's own test"}, {"go build -o bin/NAME .", ""}},
		},
		"python": {
			name: "Python", stage: "plugin.py", command: func(string) []string { return []string{"python3", "plugin.py"} },
			parts: []Part{{"plugin.py", "the program, with its stage"}, {"test_plugin.py", "its test, without leat and without a process"}, {"leat_plugin/", "the SDK, a copy: it comes anew with the next leat"}},
			before: []Step{
				{"python3 -c 'import grpc, google.protobuf'", "must work; else: apt-get install python3-grpcio, or pip install -r requirements.txt"},
				{"python3 -m unittest", "the stage's own test"},
			},
			notes: []string{"**A virtual environment.** Name its interpreter in `pipelines.toml`: `command = [\".venv/bin/python\", \"plugin.py\"]`."},
		},
		"node": {
			name: "JavaScript", stage: "plugin.js", command: func(string) []string { return []string{"node", "plugin.js"} },
			parts:  []Part{{"plugin.js", "the program, with its stage"}, {"plugin.test.js", "its test, without leat and without a process"}, {"vendor/leat-plugin/", "the SDK with its types, a copy: it comes anew with the next leat"}},
			before: []Step{{"npm ci", "gRPC, from npm"}, {"npm test", "the stage's own test"}},
			notes:  []string{"**Cannot find package.** That is `npm ci`, forgotten: it comes first wherever the folder was copied or cloned, for `node_modules` is not committed."},
		},
	}
}

// Languages lists the languages that a project can be in.
func Languages() []string { return []string{"go", "python", "node"} }

var (
	goodName = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)
	// longestName keeps the names of sockets and packages in bounds.
	longestName = 50
)

// CheckName says what is wrong with the name of a plugin.
func CheckName(name string) error {
	switch {
	case !goodName.MatchString(name):
		return fmt.Errorf("%q is no name for a plugin: it is made of letters, digits and single hyphens, and begins with a letter", name)
	case len(name) > longestName:
		return fmt.Errorf("%q is too long for a name: at most %d letters", name, longestName)
	}
	return nil
}

// Steps are what an author does next, in the project's folder.
func (p Project) Steps() []Step {
	var steps []Step
	if p.Language == "go" && p.Module.SDK == "" {
		steps = append(steps, Step{"go mod tidy", "fetches the SDK"})
	}
	for _, s := range languages()[p.Language].before {
		steps = append(steps, Step{strings.ReplaceAll(s.Line, "NAME", p.Name), s.About})
	}
	leat := p.Leat
	if leat == "" {
		leat = "leat"
	}
	return append(steps, Step{leat + " check --plugins", "has the plugin judge pipelines.toml"},
		Step{leat + " send demo GET /echo", "sends a request through it, to leat's demo server"},
		Step{leat + " plugin check", "holds it against the rules of the protocol"})
}

// Parts are the files that an author should know.
func (p Project) Parts() []Part {
	return append(slices.Clone(languages()[p.Language].parts), Part{"pipelines.toml", "a file to try it with"})
}

// values are what the templates show.
type values struct {
	Project

	LanguageName, Command, StageFile, Package string
	Steps                                     []string
	Notes                                     []string
}

// Files returns the project: texts by their slashed path.
func (p Project) Files() (map[string][]byte, error) {
	if err := CheckName(p.Name); err != nil {
		return nil, err
	}
	lang, ok := languages()[p.Language]
	if !ok {
		return nil, fmt.Errorf("no language %q: it is one of %s", p.Language, strings.Join(Languages(), ", "))
	}
	command, err := json.Marshal(lang.command(p.Name)) // a TOML array is written as JSON's
	if err != nil {
		return nil, err
	}
	v := values{
		Project: p, LanguageName: lang.name, Command: strings.ReplaceAll(string(command), ",", ", "), StageFile: lang.stage, Package: strings.ToLower(p.Name),
		Steps: Lines(p.Steps()), Notes: lang.notes,
	}
	files := map[string][]byte{}
	for _, dir := range []string{"templates", "templates/" + p.Language} {
		if err := v.fill(files, dir); err != nil {
			return nil, err
		}
	}
	switch p.Language {
	case "go":
		err = p.Module.add(files, p.Name)
	case "python":
		err = copyAll(files, "", python.SDK())
	case "node":
		err = addNode(files)
	}
	return files, err
}

// fill adds what the templates of a folder give.
func (v values) fill(files map[string][]byte, dir string) error {
	entries, err := templates.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		t, err := template.New(e.Name()).Option("missingkey=error").ParseFS(templates, path.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, v); err != nil {
			return err
		}
		name := strings.TrimSuffix(e.Name(), ".tmpl")
		if name == "gitignore" {
			name = ".gitignore"
		}
		files[name] = text.Bytes()
	}
	return nil
}

// copyAll adds the files of an SDK below a folder.
func copyAll(files map[string][]byte, below string, sdk fs.FS) error {
	return fs.WalkDir(sdk, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(sdk, name)
		files[path.Join(below, name)] = text
		return err
	})
}

const nodeSDK = "vendor/leat-plugin"

// addNode adds the SDK for Node. What only its own development needs would be installed with it, for npm takes it for a project.
func addNode(files map[string][]byte) error {
	if err := copyAll(files, nodeSDK, node.SDK()); err != nil {
		return err
	}
	name := nodeSDK + "/package.json"
	text, err := without(files[name], "devDependencies", "scripts")
	files[name] = text
	return err
}

// without removes keys from an object in JSON, and leaves the order of the others.
func without(text []byte, keys ...string) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if slices.Contains(keys, fmt.Sprint(key)) {
			continue
		}
		if out.Len() > 0 {
			out.WriteString(",")
		}
		fmt.Fprintf(&out, "%q:%s", key, value)
	}
	var pretty bytes.Buffer
	err := json.Indent(&pretty, []byte("{"+out.String()+"}"), "", "  ")
	return append(pretty.Bytes(), '\n'), err
}

// ErrThere is why a project is not written over something else.
var ErrThere = errors.New("it is there already")

// Write writes the project into a folder, which is made. One that holds anything is [ErrThere]. It returns the names of the files, sorted and slashed.
func (p Project) Write(dir string) ([]string, error) {
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case len(entries) > 0:
		return nil, fmt.Errorf("%s: %w", dir, ErrThere)
	}
	var names []string
	for name, text := range files {
		names = append(names, name)
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // others may read a project
			return nil, err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // likewise
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}
