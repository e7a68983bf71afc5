package node_test

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/internal/testenv"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/node"
)

func TestSDK(t *testing.T) {
	t.Run("passes_its_own_tests", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it starts some thirty processes")
		}
		npm(t)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		files, err := filepath.Glob("test/*.test.js")
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests: %v", err)
		}
		cmd := exec.CommandContext(ctx, "node", append([]string{"--test"}, files...)...)
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("node --test: %v\n%s", err, out)
		}
		if !strings.Contains(string(out), "# pass") && !strings.Contains(string(out), "ℹ pass") {
			t.Errorf("no test ran:\n%s", out)
		}
	})
	t.Run("is_embedded_as_a_project_needs_it", func(t *testing.T) {
		for _, path := range []string{"package.json", "index.d.ts", "testing.d.ts", "README.md", "src/index.js", "src/testing.js", "src/wire/plugin.js"} {
			if _, err := fs.Stat(node.SDK(), path); err != nil {
				t.Error(err)
			}
		}
		err := fs.WalkDir(node.SDK(), ".", func(path string, _ fs.DirEntry, err error) error {
			if strings.Contains(path, "node_modules") || strings.HasPrefix(path, "test/") {
				t.Errorf("%s is no part of the SDK", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// npm makes sure that Node is there, and the packages that the SDK depends on.
func npm(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		testenv.Missing(t, "node is not installed: install Node.js 18 or later")
	}
	for _, name := range []string{"@grpc/grpc-js", "typescript"} {
		if _, err := os.Stat("node_modules/" + name); err != nil {
			testenv.Missing(t, "the packages of the SDK are not installed: run npm ci in plugins/node")
		}
	}
}

// TestHidden holds the list by which the SDK's test kit is tested against what a host says.
func TestHidden(t *testing.T) {
	text, err := os.ReadFile("test/fixtures/hidden.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := redact.New(redact.Rules{})
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		want := name + " shown"
		if r.Hides(http.CanonicalHeaderKey(name)) {
			want = name + " hidden"
		}
		if got := strings.TrimSpace(line); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
