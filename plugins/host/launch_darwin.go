package host

import (
	"os/exec"
	"syscall"
)

// attributes put a process into a group of its own, so that it can be ended with its children and a terminal's Ctrl-C is not meant for it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// ownThread is needed where the system ends processes with the thread that started them.
func ownThread() (unlock func()) { return func() {} }

// reap waits for a process to end, and ends what it leaves of its group.
func reap(cmd *exec.Cmd) {
	_ = cmd.Wait()
	signalGroup(cmd.Process.Pid, true)
}

// runOpened does nothing: macOS can't run an open file. That it was not replaced is looked at again once it runs.
func runOpened(*exec.Cmd, *program) {}
