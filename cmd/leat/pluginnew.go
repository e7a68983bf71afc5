package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/scaffold"
)

func (a *app) pluginNewVerb() *cobra.Command {
	var lang, dir, sdk string
	cmd := &cobra.Command{
		Use:   "new NAME --lang go|python|node",
		Short: "Write the project of a new plugin, which runs",
		Long: `Write a small project into the folder NAME: a plugin with one stage that has a config, sets a header and judges
the answer; its test; a pipelines.toml to try it with leat's demo server; and a README. What to do next is
printed, each line to paste. Nothing that is there is overwritten.

A project in Python or Node gets a copy of the SDK; what that needs comes from Debian or PyPI (grpcio, protobuf)
or npm (@grpc/grpc-js, protobufjs). One in Go requires the module of this leat's version. A leat that was built
from a checkout has none that Go could fetch: its projects take the SDK from that checkout, or from the one that
--sdk names, by a replace line in go.mod.`,
		Example: `  leat plugin new tenant --lang python
  leat plugin new partner-token --lang node
  leat plugin new signer --lang go --dir plugins/signer`,
		Args: between(1, "NAME"),
		RunE: func(_ *cobra.Command, args []string) error { return a.newPlugin(args[0], lang, dir, sdk) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&lang, "lang", "", "the language: go, python or node")
	flags.StringVar(&dir, "dir", "", "the folder to write into (default: NAME)")
	flags.StringVar(&sdk, "sdk", "", "for Go: a checkout of leat, for projects that use what is not released")
	_ = cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(scaffold.Languages(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.MarkFlagDirname("sdk")
	return cmd
}

func (a *app) newPlugin(name, lang, dir, sdk string) error {
	if err := scaffold.CheckName(name); err != nil {
		return &exitError{exitUsage, err}
	}
	if err := checkLanguage(lang); err != nil {
		return &exitError{exitUsage, err}
	}
	if sdk != "" && lang != "go" {
		return &exitError{exitUsage, fmt.Errorf("--sdk is for --lang go: a project in %s has a copy of the SDK", lang)}
	}
	if dir == "" {
		dir = name
	}
	p := scaffold.Project{Name: name, Language: lang, Leat: "leat"}
	var err error
	if lang == "go" {
		if p.Module, err = moduleFor(version(), builtIn(), sdk); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	files, err := p.Write(dir)
	if errors.Is(err, scaffold.ErrThere) {
		return &exitError{exitUsage, fmt.Errorf("the folder %s is there already, and nothing in it is overwritten: choose another by --dir", dir)}
	}
	if err != nil {
		return err
	}
	p.Leat = callable()
	steps := append([]scaffold.Step{{Line: "cd " + word(dir)}}, p.Steps()...)
	if a.json() {
		var lines []string
		for _, s := range steps {
			lines = append(lines, s.Line)
		}
		return a.writeJSON(map[string]any{"ok": true, "name": name, "language": lang, "dir": dir, "files": files, "sdk": p.Module.SDK, "next": lines})
	}
	w := a.std.out
	fmt.Fprintf(w, "wrote %s\n", paint(w, color.Bold, dir))
	for _, part := range p.Parts() {
		fmt.Fprintf(w, "  %-20s %s\n", part.Name, part.About)
	}
	if p.Module.SDK != "" {
		fmt.Fprintf(w, "  %-20s the SDK is that of the checkout %s: this leat (%s) is no release\n", "go.mod", p.Module.SDK, version())
	}
	fmt.Fprint(w, "\nNext:\n")
	for _, line := range scaffold.Lines(steps) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	_, err = fmt.Fprintf(w, "\n%s explains the rest\n", filepath.Join(dir, "README.md"))
	return err
}

func checkLanguage(lang string) error {
	known := scaffold.Languages()
	if slices.Contains(known, lang) {
		return nil
	}
	if lang == "" {
		return fmt.Errorf("which language? --lang %s", strings.Join(known, ", or --lang "))
	}
	also := map[string]string{"golang": "go", "py": "python", "python3": "python", "js": "node", "javascript": "node", "typescript": "node", "ts": "node", "nodejs": "node"}
	near, ok := also[strings.ToLower(lang)]
	if !ok {
		near, ok = config.Nearest(lang, known)
	}
	if ok {
		return fmt.Errorf("--lang %s: did you mean %s? It is one of %s", lang, near, strings.Join(known, ", "))
	}
	return fmt.Errorf("--lang %s: there are SDKs for %s; for another language docs/plugins.md describes the protocol", lang, strings.Join(known, ", "))
}

// moduleFor decides where a project in Go has the SDK from.
func moduleFor(version, checkout, sdk string) (scaffold.Module, error) {
	if sdk != "" {
		abs, err := filepath.Abs(sdk)
		if err != nil {
			return scaffold.Module{}, err
		}
		if err := scaffold.CheckSDK(abs); err != nil {
			return scaffold.Module{}, fmt.Errorf("--sdk: %w", err)
		}
		return scaffold.Module{SDK: abs}, nil
	}
	if scaffold.Released(version) {
		return scaffold.Module{Version: version}, nil
	}
	if checkout != "" && scaffold.CheckSDK(checkout) == nil {
		return scaffold.Module{SDK: checkout}, nil
	}
	return scaffold.Module{}, fmt.Errorf("this leat (%s) is no release, so go.mod can't name its version, and the checkout that it was built in is not there: "+
		"--sdk DIR names one, or install a release", version)
}

// builtIn returns the checkout that the command was built in, as far as its build tells; "" if not.
func builtIn() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) || strings.Contains(file, "@") { // with -trimpath, or from the module cache
		return ""
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file))) // cmd/leat/pluginnew.go
}

// callable returns how a shell calls this command: by its name where PATH has it.
func callable() string {
	self, err := os.Executable()
	if err != nil {
		return "leat"
	}
	if found, err := exec.LookPath("leat"); err == nil && sameFile(found, self) || strings.Contains(self, "go-build") { // the latter is gone soon
		return "leat"
	}
	return word(self)
}
