package host

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// socketPrefix begins the names of the folders in which plugins make their sockets.
const socketPrefix = "leat-plugin-"

// longestSocket is how long the path of a socket may be, in bytes: macOS has 104, the zero byte at its end included.
const longestSocket = 103

// socketFolder is where one process makes its socket: nobody else can enter it. The host holds a lock on it for as long as it lives, by
// which other hosts see that it is in use, and systemd-tmpfiles too.
type socketFolder struct {
	path string
	lock *os.File
	once sync.Once
}

var errRemoved = errors.New("it was taken for one that is left over, again and again")

// newSocketFolder makes a folder.
func newSocketFolder() (*socketFolder, error) {
	base, err := socketBase()
	if err != nil {
		return nil, err
	}
	for range 10 { // another host may sweep it away before it is locked
		path, err := os.MkdirTemp(base, socketPrefix+"*") // 0700
		if err != nil {
			return nil, err
		}
		lock, err := lockFolder(path, true)
		if err == nil {
			return &socketFolder{path: path, lock: lock}, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, errors.Join(err, os.Remove(path))
		}
	}
	return nil, errRemoved
}

// remove removes the folder with all that is in it, once: another host may take its name.
func (f *socketFolder) remove() {
	f.once.Do(func() {
		_ = os.RemoveAll(f.path) // what is left is swept by the next host
		_ = f.lock.Close()
	})
}

// socketBases are the folders that may hold ours, best first.
func socketBases() []string {
	bases := []string{os.TempDir(), "/tmp"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && runtime.GOOS == "linux" {
		bases = append([]string{dir}, bases...)
	}
	return bases
}

// socketBase returns the first of them that is there, and short enough for the path of a socket.
func socketBase() (string, error) {
	const name = len("/" + socketPrefix + "4294967295/plugin4294967295")
	for _, base := range socketBases() {
		if info, err := os.Stat(base); err == nil && info.IsDir() && len(base)+name <= longestSocket && writable(base) {
			return base, nil
		}
	}
	return "", errors.New("neither XDG_RUNTIME_DIR, TMPDIR nor /tmp is a folder that can be written to and whose path is short enough for sockets")
}

// sweepAll removes the folders of hosts that are dead.
func sweepAll() {
	seen := map[string]bool{}
	for _, base := range socketBases() {
		if base = filepath.Clean(base); !seen[base] {
			seen[base] = true
			sweep(base)
		}
	}
}

func sweep(base string) {
	found, err := os.ReadDir(base)
	if err != nil { // then there is nothing that can be swept
		return
	}
	for _, entry := range found {
		if !strings.HasPrefix(entry.Name(), socketPrefix) {
			continue
		}
		path := filepath.Join(base, entry.Name())
		if lock, err := lockFolder(path, false); err == nil {
			(&socketFolder{path: path, lock: lock}).remove()
		}
	}
}
