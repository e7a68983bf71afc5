package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/leatdev/leat/pipeline"
)

// resolve returns the path of the program that a plugin's command names: one with a slash in it begins beside the file, another is
// looked for in this process's PATH.
func resolve(p pipeline.PluginPlan) (string, error) {
	path, ok := ProgramFile(p)
	if !ok {
		name := p.Config.Command[0]
		found, err := exec.LookPath(name)
		if errors.Is(err, exec.ErrDot) {
			return "", fmt.Errorf("%s was found in the current folder, which is in PATH: write ./%s for a program beside the file", name, name)
		}
		if err != nil {
			return "", fmt.Errorf("there is no program %s in PATH: install it, or write ./%s for one beside the file", name, name)
		}
		path = found
	}
	return filepath.Abs(path)
}

// pinned are the digests that the files of a plugin's command must have, in lower-case hex.
type pinned struct {
	program, by string            // of the program, and the key or file that says so; "" is any
	files       map[string]string // of the files that arguments name, by the lock; empty: any
	lock        string            // its name
}

// judged is a file whose digest was held against a pin.
type judged struct {
	path, by string
	was      os.FileInfo
}

// unchanged looks, once the program runs, whether the file is still what was judged.
func (j *judged) unchanged() error {
	is, err := os.Stat(j.path)
	if err != nil {
		return fmt.Errorf("look at %s again: %w", j.path, err)
	}
	if !os.SameFile(is, j.was) || is.Size() != j.was.Size() || !is.ModTime().Equal(j.was.ModTime()) {
		return fmt.Errorf("%s was replaced while it was started: it was not the file that %s names any more", j.path, j.by)
	}
	return nil
}

// digestOf returns the SHA-256 of an open file in hex, and what it was then.
func digestOf(f *os.File) (digest string, was os.FileInfo, err error) {
	if was, err = f.Stat(); err != nil {
		return "", nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", nil, err
	}
	return hex.EncodeToString(h.Sum(nil)), was, nil
}

// program is the file that is run. Where it must have a digest it is kept open, and what was read is what is run.
type program struct {
	judged

	file *os.File // nil: any will do
}

// openProgram judges a program by its digest. With a command such as `go run` or a script, that is the digest of the program that the
// command names first, not of what that reads.
func openProgram(path string, pins pinned) (*program, error) {
	p := &program{judged: judged{path: path, by: pins.by}}
	if pins.program == "" {
		return p, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, startProblem(path, err)
	}
	p.file = f
	got, was, err := digestOf(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s for its digest: %w", path, err), f.Close())
	}
	p.was = was
	if got != pins.program {
		advice := "if it is the right one, write its digest into the file"
		if pins.by != "sha256" {
			advice = "if it is the right one, run `leat plugin lock`"
		}
		return nil, errors.Join(lasting{fmt.Errorf("%s is not run: its SHA-256 is %s, by %s it must be %s; that is the digest of this very file, whatever it goes on to run; %s",
			path, got, pins.by, pins.program, advice)}, f.Close())
	}
	return p, nil
}

// run has cmd run what was judged.
func (p *program) run(cmd *exec.Cmd) {
	if p.file != nil {
		runOpened(cmd, p)
	}
}

func (p *program) unchanged() error {
	if p.file == nil {
		return nil
	}
	return p.judged.unchanged()
}

func (p *program) close() {
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}
