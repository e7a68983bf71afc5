//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const supported = true

// signalGroup ends a process and its children. A process that was stopped is woken for it by the system only where it is forced.
func signalGroup(pid int, force bool) {
	sig := syscall.SIGTERM
	if force {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(-pid, sig) // it may be gone
}

// signalTo sends any signal to a process and its children.
func signalTo(pid int, sig syscall.Signal) {
	_ = syscall.Kill(-pid, sig) // it may be gone
}

// describeEnd completes "the process …".
func describeEnd(s *os.ProcessState) string {
	status, ok := s.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%s)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exited with code %d", s.ExitCode())
}

// startProblem says what is wrong with a program that could not be run.
func startProblem(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return lasting{fmt.Errorf("%s can't be run here: it is no program for this platform, or a script without a first line that names its interpreter", path)}
	case errors.Is(err, fs.ErrPermission) && isFolder(path):
		return lasting{fmt.Errorf("%s is a folder: name the program in it", path)}
	case errors.Is(err, fs.ErrPermission):
		return lasting{fmt.Errorf("%s is not executable: chmod +x it", path)}
	case errors.Is(err, fs.ErrNotExist):
		if _, statErr := os.Stat(path); statErr == nil {
			return lasting{fmt.Errorf("%s can't be run: the interpreter that it names, or the folder to run it in, is not there", path)}
		}
		return lasting{fmt.Errorf("there is no %s: build or install it", path)}
	case errors.Is(err, syscall.ETXTBSY):
		return fmt.Errorf("%s is being written", path)
	}
	return fmt.Errorf("run %s: %w", path, err)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
