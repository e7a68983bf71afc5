package scaffold

import (
	"encoding/json"
	"errors"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/node"
)

// checkout is the root of this module.
func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFiles(t *testing.T) {
	for _, lang := range Languages() {
		t.Run(lang, func(t *testing.T) {
			p := Project{Name: "Odd-1", Language: lang, Module: Module{SDK: checkout(t)}}
			files, err := p.Files()
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range files {
				own := !strings.HasPrefix(name, nodeSDK) && !strings.HasPrefix(name, "leat_plugin/")
				if strings.HasSuffix(name, ".tmpl") || strings.Contains(name, "__pycache__") || strings.Contains(name, "node_modules") {
					t.Errorf("%s is no file of a project", name)
				}
				if own && (strings.Contains(string(text), "{{") || len(text) == 0 || text[len(text)-1] != '\n') {
					t.Errorf("%s was not filled in, or has no end of line", name)
				}
				if pretty, err := format.Source(text); strings.HasSuffix(name, ".go") && (err != nil || string(pretty) != string(text)) {
					t.Errorf("%s is not formatted: %v", name, err)
				}
			}
			for _, part := range p.Parts() {
				if _, ok := files[part.Name]; !ok && !strings.HasSuffix(part.Name, "/") {
					t.Errorf("there is no %s", part.Name)
				}
			}
			path := filepath.Join(t.TempDir(), "pipelines.toml")
			if err := os.WriteFile(path, files["pipelines.toml"], 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(path); err != nil {
				t.Error(err)
			}
			if readme := string(files["README.md"]); !strings.Contains(readme, "# Odd-1\n") || !strings.Contains(readme, "leat plugin dev Odd-1") {
				t.Errorf("the README does not name the plugin:\n%s", readme)
			}
		})
	}
}

func TestModule(t *testing.T) {
	text := func(m Module) string {
		t.Helper()
		files, err := Project{Name: "x", Language: "go", Module: m}.Files()
		if err != nil {
			t.Fatal(err)
		}
		return string(files["go.mod"])
	}
	if got, want := text(Module{Version: "v0.6.0"}), "module example.com/x\n\ngo 1.26.0\n\nrequire github.com/leatdev/leat v0.6.0\n"; got != want {
		t.Error(cmp.Diff(want, got))
	}
	got := text(Module{SDK: checkout(t)})
	for _, want := range []string{"replace github.com/leatdev/leat => " + checkout(t) + "\n", "\tgoogle.golang.org/grpc v", "// indirect"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	if _, err := (Project{Name: "x", Language: "go"}).Files(); err == nil {
		t.Error("a module without a version")
	}
	own, err := os.ReadFile(filepath.Join(checkout(t), "go.mod"))
	if err != nil || !strings.Contains(string(own), "\ngo "+goVersion+"\n") {
		t.Errorf("the SDK needs another version of Go than %s: %v", goVersion, err)
	}
}

func TestCheckSDK(t *testing.T) {
	if err := CheckSDK(checkout(t)); err != nil {
		t.Error(err)
	}
	empty, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("module github.com/leatdev/leather\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{empty: "has no go.mod", other: "is of another module"} {
		if err := CheckSDK(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReleased(t *testing.T) {
	for version, want := range map[string]bool{
		"v0.6.0": true, "v1.20.3-rc.1": true, "devel": false, "(devel)": false, "": false, "v0.6.0+dirty": false, "v0.0.0-20261123031346-a4c8f54aaaaa": false,
		"v0.6.1-0.20261123031346-a4c8f54aaaaa": false,
	} {
		if got := Released(version); got != want {
			t.Errorf("%q: got %v", version, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, want := range map[string]bool{
		"tenant": true, "my-plugin2": true, "A": true, "": false, "2x": false, "-x": false, "x-": false, "x--y": false, "a_b": false, "a b": false, "../x": false, "é": false,
		strings.Repeat("x", 51): false,
	} {
		if err := CheckName(name); (err == nil) != want {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestWrite(t *testing.T) {
	p := Project{Name: "tenant", Language: "python"}
	t.Run("makes_the_folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a", "b")
		names, err := p.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("overwrites_nothing", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(dir); !errors.Is(err, ErrThere) {
			t.Errorf("got %v", err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("it wrote %v", entries)
		}
	})
}

// TestNode_lock: package-lock.json is that of the SDK's package.json. To make it anew, write a project, remove its lock, run
// `npm install --omit-lockfile-registry-resolved` there, and put the result into templates/node with {{.Package}} for its name.
func TestNode_lock(t *testing.T) {
	type pkg struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	var lock struct {
		Packages map[string]pkg `json:"packages"`
	}
	text, err := templates.ReadFile("templates/node/package-lock.json.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	var sdk pkg
	if text, err = fs.ReadFile(node.SDK(), "package.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &sdk); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sdk.Dependencies, lock.Packages[nodeSDK].Dependencies); diff != "" {
		t.Errorf("the lock is out of date:\n%s", diff)
	}
	if strings.Contains(string(text), "://registry") {
		t.Error("the lock names a registry")
	}
	files, err := Project{Name: "x", Language: "node"}.Files()
	if err != nil {
		t.Fatal(err)
	}
	if text := string(files[nodeSDK+"/package.json"]); strings.Contains(text, "devDependencies") || strings.Contains(text, `"scripts"`) || !strings.HasPrefix(text, "{\n  \"name\": \"@leatdev/plugin\",\n") {
		t.Errorf("the package.json of the SDK is\n%s", text)
	}
}
