package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leatdev/leat/conformance/via"
	"github.com/leatdev/leat/plugins"
	"github.com/leatdev/leat/plugins/examples/signer/sign"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"leat":        func() { os.Exit(shipped().start()) },
		"leat-bad":    func() { os.Exit(bad().start()) },
		"leat-plugin": servePlugin,
		"leat-look":   serveLook,
		"leat-signer": func() { plugins.Serve(sign.Factory()) },
		"leat-stages": func() { plugins.Serve(via.Passing()...) },
		"leat-losing": func() { plugins.Serve(losing()...) },
		"leat-hang":   serveHang,
	})
}

// TestScripts runs the command as users do; UPDATE_SCRIPTS=1 rewrites what they compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error { // the project's own file, for scripts that use the demo
			file, err := os.ReadFile("../../pipelines.toml")
			if err != nil {
				return err
			}
			switch filepath.Base(env.WorkDir) {
			case "script-send":
				return os.WriteFile(filepath.Join(env.WorkDir, "pipelines.toml"), file, 0o600)
			case "script-plugin_demo":
				lock, err := os.ReadFile("../../pipelines.lock")
				return errors.Join(err, os.WriteFile(filepath.Join(env.WorkDir, "pipelines.toml"), file, 0o600), os.WriteFile(filepath.Join(env.WorkDir, "pipelines.lock"), lock, 0o600))
			}
			if strings.HasPrefix(filepath.Base(env.WorkDir), "script-credential") {
				return serveTokens(env)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "reads": reads, "until": until, "safe": safe, "server": server, "install": install,
		},
	})
}

// exits runs a program and wants this exit code of it: exits 78 leat check wrong.toml
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}
