//go:build linux || darwin

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatdev/leat/internal/testenv"
	"github.com/leatdev/leat/plugins/scaffold"
)

// paths has found programs come first in PATH.
func paths(t *testing.T, dir string, programs map[string]string) []string {
	t.Helper()
	for name, path := range programs {
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return append(os.Environ(), "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// TestPluginNew does with a project of each language what its README says, by the command as it is built.
func TestPluginNew(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command, and projects")
	}
	bin := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "leat"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, lang := range scaffold.Languages() {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			programs := map[string]string{"leat": filepath.Join(bin, "leat")}
			switch lang {
			case "python":
				programs["python3"] = testenv.Python(t)
			case "node":
				if _, err := exec.LookPath("npm"); err != nil {
					testenv.Missing(t, "there is no npm: apt-get install nodejs npm")
				}
			}
			env := append(paths(t, t.TempDir(), programs), "npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false", "npm_config_ignore_scripts=true", "PYTHONDONTWRITEBYTECODE=1")
			home := t.TempDir()
			run := func(dir, line string) (string, error) {
				cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
				cmd.Dir, cmd.Env = dir, env
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := run(home, "leat plugin new my-plugin -o json --lang "+lang)
			var made struct {
				Dir  string   `json:"dir"`
				Next []string `json:"next"`
			}
			if err != nil || json.Unmarshal([]byte(out), &made) != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if made.Dir != "my-plugin" || made.Next[0] != "cd my-plugin" {
				t.Errorf("got %+v", made)
			}
			for _, line := range made.Next[1:] {
				out, err := run(filepath.Join(home, made.Dir), line)
				if err != nil && line == "npm ci" && strings.Contains(out, "network") {
					testenv.Missing(t, "npm reaches no registry:\n"+out)
				}
				if err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
				if strings.Contains(line, " send ") && !strings.Contains(out, `"X-Client":"acme"`) {
					t.Errorf("%s printed\n%s", line, out)
				}
			}
			out, err = run(filepath.Join(home, made.Dir), "leat send demo GET /echo -q --set stages.mark.expect=text/csv")
			if err == nil || !strings.Contains(out, "validation: the answer is of type") {
				t.Errorf("an answer of another type: %v\n%s", err, out)
			}
			out, err = run(filepath.Join(home, made.Dir), `leat check --plugins --set stages.mark.client=""`)
			if err == nil || !strings.Contains(out, "who calls?") || !strings.Contains(out, `client = "acme"`) {
				t.Errorf("a config that the stage refuses: %v\n%s", err, out)
			}
			if out, err := run(home, "leat plugin new my-plugin --lang "+lang); err == nil || !strings.Contains(out, "the folder my-plugin is there already, and nothing in it is overwritten") {
				t.Errorf("over one that is there: %v\n%s", err, out)
			}
		})
	}
}

func TestPluginNew_refuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for want, line := range map[string]string{
		"NAME is missing": "",
		"which language? --lang go, or --lang python, or --lang node": "x",
		"--lang pythn: did you mean python?":                          "x --lang pythn",
		"--lang typescript: did you mean node?":                       "x --lang typescript",
		"--lang cobol: there are SDKs for go, python, node;":          "x --lang cobol",
		`"a_b" is no name for a plugin`:                               "a_b --lang go",
		"--sdk is for --lang go":                                      "x --lang node --sdk .",
		"--sdk: " /* the folder */ :                                   "x --lang go --sdk .",
	} {
		args := append([]string{"plugin", "new"}, strings.Fields(line)...)
		if code, _, errs := command(t.Context(), "pipelines.toml", args...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: got exit code %d, %q, want %q", line, code, errs, want)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("it wrote %v, %v", entries, err)
	}
}

func TestModuleFor(t *testing.T) {
	checkout := builtIn()
	if checkout == "" {
		t.Skip("the test was built with -trimpath")
	}
	for _, c := range []struct{ version, checkout, sdk, want string }{
		{"v0.6.0", checkout, "", "v0.6.0"},
		{"devel", checkout, "", checkout},
		{"v0.6.1-0.20261123031346-a4c8f54aaaaa+dirty", checkout, "", checkout},
		{"v0.6.0", "", checkout, checkout},
	} {
		if m, err := moduleFor(c.version, c.checkout, c.sdk); err != nil || m.Version+m.SDK != c.want {
			t.Errorf("%+v: got %+v, %v", c, m, err)
		}
	}
	for _, gone := range []string{"", t.TempDir()} {
		if _, err := moduleFor("devel", gone, ""); err == nil || !strings.Contains(err.Error(), "this leat (devel) is no release") || !strings.Contains(err.Error(), "--sdk DIR names one") {
			t.Errorf("got %v", err)
		}
	}
}
