//go:build !unix

package credential

import "os/exec"

// ownGroup does nothing where processes have no groups: cancelling ends the command alone.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = cmd.Process.Kill()
	}
}
