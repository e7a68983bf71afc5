//go:build linux || darwin

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/leatdev/leat/internal/testenv"
)

// Foreign returns the command of a program in another language: "python" or "node". path is from the folder plugins. A test that lacks what
// it needs ends as [testenv.Missing] says.
func Foreign(t *testing.T, language, path string) []string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	if language == "python" {
		return []string{testenv.Python(t), program}
	}
	_, err = os.Stat("../node/node_modules/@grpc/grpc-js")
	node, errNode := exec.LookPath("node")
	if err != nil || errNode != nil {
		testenv.Missing(t, "Node's SDK can't run: install Node 18 or newer, and run npm ci --prefix plugins/node")
	}
	return []string{node, program}
}
