// Package testenv finds what tests need beside Go.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// Missing says what a test lacks, and skips it. Where LEAT_CI=1 promises that it is there, it fails the test.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LEAT_CI") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Python returns the path of a Python that has what the SDK needs. A test for which there is none ends as [Missing] says.
func Python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} { // the first may be one without Debian's packages
		path, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(t.Context(), path, "-c", "import grpc, google.protobuf").Run() == nil {
			return path
		}
	}
	Missing(t, "no python3 has gRPC: apt-get install python3-grpcio")
	return ""
}
