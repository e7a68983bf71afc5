//go:build linux || darwin

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Foreign returns the command of a program in another language: "python" or "node". path is from the folder plugins. A test is skipped, or
// with LEAT_CI set fails, where what it needs is missing.
func Foreign(t *testing.T, language, path string) []string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	missing := t.Skipf
	if os.Getenv("LEAT_CI") != "" {
		missing = t.Fatalf
	}
	if language == "node" {
		_, err := os.Stat("../node/node_modules/@grpc/grpc-js")
		node, errNode := exec.LookPath("node")
		if err != nil || errNode != nil {
			missing("Node's SDK can't run: install Node 18 or newer, and run npm ci --prefix plugins/node")
		}
		return []string{node, program}
	}
	for _, name := range []string{"python3", "/usr/bin/python3"} { // the first may be one without Debian's packages
		python, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(t.Context(), python, "-c", "import grpc, google.protobuf").Run() == nil {
			return []string{python, program}
		}
	}
	missing("Python's SDK can't run: install python3 with grpcio and protobuf (apt-get install python3-grpcio)")
	return nil
}
