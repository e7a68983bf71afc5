package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/conformance/scenario"
)

//go:embed init.toml
var firstFile []byte

//go:embed init_test.toml
var firstTest []byte

func (a *app) initVerb() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:               "init [FILE]",
		Short:             "Write a first file, with comments, and a first test of it",
		Args:              between(1),
		ValidArgsFunction: tomlFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.file = args[0]
			}
			return a.init(force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

func (a *app) init(force bool) error {
	test := strings.TrimSuffix(a.file, ".toml") + scenario.Suffix
	for _, name := range []string{a.file, test} { // neither is written if one is there
		if _, err := os.Lstat(name); err == nil && !force {
			return thereAlready(name)
		}
	}
	if err := writeNew(a.file, firstFile, force); err != nil {
		return err
	}
	names := fmt.Sprintf("file    = %q", filepath.Base(a.file))
	if err := writeNew(test, bytes.Replace(firstTest, []byte(`file    = "pipelines.toml"`), []byte(names), 1), force); err != nil {
		return err
	}
	if a.json() {
		return a.writeJSON(map[string]any{"ok": true, "file": a.file, "test": test})
	}
	option := ""
	if a.file != defaultFile {
		option = " -c " + a.file
	}
	_, err := fmt.Fprintf(a.std.out, `wrote %[1]s and %[3]s

Next:
  1. put your API's address into origins and base_url
  2. leat check %[1]s
  3. leat test %[3]s
  4. export API_TOKEN=…
  5. leat send%[2]s api GET /…
`, a.file, option, test)
	return err
}

func thereAlready(name string) error {
	return &exitError{exitUsage, fmt.Errorf("%s is there already: choose another name, or replace it with --force", name)}
}

// writeNew writes a file that is not there yet, or any with force. A link is not followed to what is not there.
func writeNew(name string, data []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o644) //nolint:gosec // it holds no secrets, and others may read it
	switch {
	case errors.Is(err, fs.ErrExist):
		return thereAlready(name)
	case err != nil:
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
