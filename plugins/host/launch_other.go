//go:build !linux && !darwin

package host

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// supported is false where nobody has tested that a plugin ends with its host.
const supported = false

func attributes() *syscall.SysProcAttr        { return nil }
func ownThread() (unlock func())              { return func() {} }
func reap(cmd *exec.Cmd)                      { _ = cmd.Wait() }
func signalGroup(int, bool)                   {}
func signalTo(int, syscall.Signal)            {}
func describeEnd(s *os.ProcessState) string   { return fmt.Sprintf("exited with code %d", s.ExitCode()) }
func startProblem(path string, e error) error { return fmt.Errorf("run %s: %w", path, e) }
func runOpened(*exec.Cmd, *program)           {}
