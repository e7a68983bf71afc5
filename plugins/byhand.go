package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/served"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// The exit codes of a plugin that is run by hand, as the command leat has them.
const (
	exitUsage    = 2  // the command line is wrong
	exitInternal = 70 // the program itself is wrong (EX_SOFTWARE of sysexits.h)
)

// byHand answers somebody who runs the program, and returns its exit code.
func (p *program) byHand(args []string) int {
	switch {
	case len(args) == 0, len(args) == 1 && slices.Contains([]string{"--help", "-h", "help"}, args[0]):
		fmt.Fprint(p.stdout, p.help())
		return 0
	case len(args) == 1 && slices.Contains([]string{"--version", "version"}, args[0]):
		fmt.Fprintf(p.stdout, "%s %s, leat %s\n", p.name, p.version, served.SDKVersion())
		return 0
	case len(args) == 1 && args[0] == "describe":
		return p.describe()
	}
	word := args[0]
	if slices.Contains([]string{"--help", "-h", "help", "--version", "version", "describe"}, word) {
		word = args[1]
	}
	fmt.Fprintf(p.stderr, "%s: unknown argument %q\n  it takes describe, --version or --help; a program that runs pipelines starts it by itself\n", p.name, word)
	return exitUsage
}

// help says what the program is, and how a file uses it.
func (p *program) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s is a plugin for leat: a program that runs pipelines starts it, and ends it.\n\nIt serves\n", p.name, p.version)
	width := 0
	for _, f := range p.factories {
		width = max(width, len(f.Type()))
	}
	for _, f := range p.factories {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, f.Type(), served.Doc(f)), " ") + "\n")
	}
	name, typ := p.tableName(), p.factories[0].Type()
	command, _ := json.Marshal([]string{p.path()}) // a TOML string is written as JSON's
	fmt.Fprintf(&b, `
To use it, write into pipelines.toml

  [plugins.%s]
  command = %s

  [stages.%s]
  use = "%s/%s"

and name %q among the stages of a pipeline. The program sees only the environment variables that env = ["NAME"] of its table names.

  %s describe    prints what it serves as JSON: types, JSON Schemas of their configs, needs, defaults
  %[7]s --version   prints its version

To look at it in a debugger: leat plugin dev %[1]s
`, name, command, typ, name, typ, typ, p.name)
	return b.String()
}

// tableName returns a name for the plugin's table: what follows "leat-plugin-", if the program is named so.
func (p *program) tableName() string {
	name := strings.TrimPrefix(p.name, "leat-plugin-")
	if strings.Trim(name, typeLetters) != "" || name == "" {
		return "mine"
	}
	return name
}

func (p *program) path() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	path, _ := filepath.Abs(os.Args[0])
	return path
}

// description is what describe prints.
type description struct {
	Name     string     `json:"name"`
	Version  string     `json:"version"`
	SDK      string     `json:"sdk"`
	Protocol int        `json:"protocol"`
	Types    []typeInfo `json:"types"`
}

type typeInfo struct {
	Name     string          `json:"name"`
	Doc      string          `json:"doc,omitempty"`
	Schema   json.RawMessage `json:"schema"`
	Needs    pipeline.Needs  `json:"needs"`
	Defaults map[string]any  `json:"defaults"`
}

func (p *program) describe() int {
	answer, err := p.server().Describe(context.Background(), &wire.DescribeRequest{})
	if err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
		return exitInternal
	}
	d := description{Name: answer.GetName(), Version: answer.GetVersion(), SDK: answer.GetSdk(), Protocol: wire.ProtocolVersion, Types: []typeInfo{}}
	for i, t := range answer.GetTypes() {
		f := p.factories[i]
		d.Types = append(d.Types, typeInfo{t.GetName(), t.GetDoc(), t.GetSchema(), f.MostNeeds(), served.Defaults(f)})
	}
	enc := json.NewEncoder(p.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
		return exitInternal
	}
	return 0
}

// mainVersion returns the version of the program's module as the Go tool stamped it, or "devel".
func mainVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
