//go:build unix

package filestore

import (
	"errors"
	"os"
	"syscall"
)

const (
	hasModes  = true
	noFollow  = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	lockFlags = os.O_RDWR // some systems lock no file that is open for reading only
)

// syncFolder makes a rename durable, where the file system knows how.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only synced
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
