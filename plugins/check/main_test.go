//go:build linux || darwin

package check

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is its own plugin, and the process in which the contract is tried.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as-plugin" {
		beRaw(os.Args[2])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "as-judge" {
		Judge()
	}
	goleak.VerifyTestMain(m)
}
