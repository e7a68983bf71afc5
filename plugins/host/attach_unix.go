//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// attachFolder names the folder of AttachPoint, which in /tmp lies beside those of other users.
func attachFolder() string { return "leat-dev-" + strconv.Itoa(os.Getuid()) }

// privateFolder makes a folder that nobody else can enter, or checks that the one that is there is so.
func privateFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("it is no folder: remove it")
	case !ours(info):
		return errors.New("it belongs to another user")
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("other users can enter it: chmod 700 %s", dir)
	}
	return nil
}

// ownSocket refuses what is no socket of this user's.
func ownSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no socket")
	case err != nil:
		return err
	case info.Mode()&os.ModeSocket == 0:
		return errors.New("it is no socket")
	case !ours(info):
		return errors.New("the socket belongs to another user")
	}
	return nil
}

func ours(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}
