//go:build linux || darwin

package host

import (
	"errors"
	"os"
	"syscall"
)

var errNotOurs = errors.New("it is somebody else's")

// lockFolder takes the lock of a folder; the lock goes with this process, however it ends. With wait it waits for another holder to
// let go. An error that is os.ErrNotExist: the folder is gone.
func lockFolder(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != os.Getuid() {
		return nil, errors.Join(errNotOurs, f.Close())
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(f.Fd()), how)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	now, err := os.Lstat(path)
	if err == nil && !os.SameFile(info, now) {
		err = os.ErrNotExist
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writable(dir string) bool {
	const write = 2
	return syscall.Access(dir, write) == nil
}
