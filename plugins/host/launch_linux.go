package host

import (
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put a process into a group of its own, so that it can be ended with its children and a terminal's Ctrl-C is not meant for it;
// and have the system end it with the thread that has started it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// ownThread keeps the calling goroutine to its thread, which then lives as long.
func ownThread() (unlock func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// reap waits for a process to end, ends what it leaves of its group, and reaps it last: its number is its own until then.
func reap(cmd *exec.Cmd) {
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	signalGroup(cmd.Process.Pid, true)
	_ = cmd.Wait()
}

// runOpened has cmd run the file that is open as its descriptor 3, so that nobody can put another one in its place after it was judged.
func runOpened(cmd *exec.Cmd, p *program) {
	cmd.ExtraFiles = append(cmd.ExtraFiles, p.file)
	cmd.Path = "/proc/self/fd/3"
}
