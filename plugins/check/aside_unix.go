//go:build unix

package check

import "syscall"

// aside puts a process into a group of its own, so that a terminal's Ctrl-C reaches who started it alone, which then ends it.
func aside() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
