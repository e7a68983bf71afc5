// Package filestore keeps tokens in a folder, for one process after another or for several processes of one host.
//
// The folder holds a file per credential and subject, NAME.token, and beside it NAME.lock, whose lock (flock) is the turn to renew: the kernel
// frees it when its holder dies, however that happens. Who is stopped, though, keeps it: the others wait, as long as a renewal may last. NAME is a readable part and a hash, so that credentials and subjects
// may be called anything. A file is never changed in place: a new one is written beside it as NAME.tmp, forced to disk and
// renamed. A process that is killed in between leaves the old record, or a complete new one that the next who has the turn
// finds and puts in its place; half a one is removed.
//
// The folder is made with mode 0700, the files with 0600; a folder that others may read is refused. The lock files stay: to delete one
// while a process runs gives away its turn. Logged-out credentials keep a small file that says so.
//
// A .token file that is damaged is not lost silently and stops nobody for good: who only reads it gets an error that names it; the next one who
// has the turn, or saves, renames it to NAME.unreadable, logs that, and goes on as if there were no record. A record that is sealed with
// a key which is not configured, or that a newer version wrote, is left alone: every use fails until the key is there.
//
// All this needs a file system whose locks, renames and syncs mean what they say: a local disk, or a volume that one host mounts. On NFS, locks depend
// on server and mount options, and a host that is cut off may keep or lose its turn unnoticed; the comparison of generations
// is then made under such a lock, too. Several hosts share a store of another type.
package filestore

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/leatdev/leat/pipeline/credential"
)

// Config is a [stores.NAME] table of type "file".
type Config struct {
	// Dir is the folder that keeps the tokens, of this store alone; a relative path counts from the pipeline file. It is made, with mode
	// 0700, when the first token is stored. Required.
	Dir string `toml:"dir"`
}

// Validate asks for dir.
func (c *Config) Validate() error {
	if c.Dir == "" {
		return &configError{"dir", "a store of type file needs dir: the folder that keeps the tokens", `dir = "tokens"`}
	}
	return nil
}

// Factory makes stores of type "file".
func Factory() credential.StoreFactory {
	return credential.DefineStore("file", Config{}, func(c Config, s credential.StoreSettings) (credential.Store, error) {
		return New(c, s)
	})
}

// Store keeps records in a folder. It is safe for concurrent use, by any number of processes, and holds nothing open between calls, so
// that there is nothing to close. It is an Inspector but no Notifier: a session that waits for its turn looks for news by itself.
type Store struct {
	name   string
	dir    string
	codec  *credential.Codec
	logger *slog.Logger
	saves  [shards]chan struct{}    // one saver of this process at a time waits for a shard's lock
	before func(step, string) error // nil but in tests
}

// New returns the store of c's folder, which it does not touch yet: what is wrong with it, the methods say. Of the settings, Codec and
// Logger may be nil: records are then plain, and nothing is logged.
func New(c Config, s credential.StoreSettings) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dir := c.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.Dir, dir)
	}
	st := &Store{name: s.Name, dir: dir, codec: cmp.Or(s.Codec, credential.NewCodec(s.Secrets)), logger: cmp.Or(s.Logger, slog.New(slog.DiscardHandler))}
	for i := range st.saves {
		st.saves[i] = make(chan struct{}, 1)
	}
	return st, nil
}

// step is what a write does next, for tests that fail it, or end the process, before that.
type step string

const (
	stepCreate  step = "create"  // the temporary file
	stepWrite   step = "write"   // to it; it is empty
	stepSync    step = "sync"    // it
	stepRename  step = "rename"  // it; it is complete
	stepDurable step = "durable" // make the rename so
)

func (s *Store) at(which step, path string) error {
	if s.before == nil {
		return nil
	}
	if err := s.before(which, path); err != nil {
		return &os.PathError{Op: string(which), Path: path, Err: err}
	}
	return nil
}

// configError is a mistake in the file; the loader asks it for position and hint.
type configError struct{ path, text, hint string }

// Error says what is wrong.
func (e *configError) Error() string { return e.text }

// ConfigPath returns the key.
func (e *configError) ConfigPath() string { return e.path }

// Hint returns what to write.
func (e *configError) Hint() string { return e.hint }
