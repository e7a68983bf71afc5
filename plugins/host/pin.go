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
	"strings"

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

// program is the file that is run. Where it must have a digest it is kept open, and what was read is what is run.
type program struct {
	path string
	by   string
	file *os.File    // nil: any will do
	was  os.FileInfo // when it was judged
}

// openProgram judges a program by its digest. With a command such as `go run` or a script, that is the digest of the program that the
// command names first, not of what that reads.
func openProgram(path, pin, by string) (*program, error) {
	p := &program{path: path, by: by}
	if pin == "" {
		return p, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, startProblem(path, err)
	}
	p.file = f
	h := sha256.New()
	if p.was, err = f.Stat(); err == nil {
		_, err = io.Copy(h, f)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s for its digest: %w", path, err), f.Close())
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.ToLower(pin) {
		advice := "if it is the right one, write its digest into the file"
		if by != "sha256" {
			advice = "if it is the right one, run `leat plugin lock`"
		}
		return nil, errors.Join(lasting{fmt.Errorf("%s is not run: its SHA-256 is %s, by %s it must be %s; that is the digest of this very file, whatever it goes on to run; %s",
			path, got, by, pin, advice)}, f.Close())
	}
	return p, nil
}

// run has cmd run what was judged.
func (p *program) run(cmd *exec.Cmd) {
	if p.file != nil {
		runOpened(cmd, p)
	}
}

// unchanged looks, once the program runs, whether the file is still what was judged.
func (p *program) unchanged() error {
	if p.file == nil {
		return nil
	}
	is, err := os.Stat(p.path)
	if err != nil {
		return fmt.Errorf("look at %s again: %w", p.path, err)
	}
	if !os.SameFile(is, p.was) || is.Size() != p.was.Size() || !is.ModTime().Equal(p.was.ModTime()) {
		return fmt.Errorf("%s was replaced while it was started: it was not the program that %s names any more", p.path, p.by)
	}
	return nil
}

func (p *program) close() {
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}
