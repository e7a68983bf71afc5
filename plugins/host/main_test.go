//go:build linux || darwin

package host

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is its own plugin, and its own host to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "as-plugin" && os.Args[2] == "bench" {
		beBenchPlugin(os.Args[3])
		return
	}
	if len(os.Args) > 1 && (beFault(os.Args[1:]) || beTaped(os.Args[1:])) {
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "as-plugin" {
		bePlugin(os.Args[2], os.Args[3:])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "as-host" {
		beHost(os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}
