package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// Lock is what stands beside a file, in pipelines.lock for pipelines.toml: what each of its plugins was when somebody last looked at it and
// agreed. It lets a file be checked without running a plugin, and an upgrade that wants more be seen.
type Lock struct {
	Plugins map[string]*Locked // by the name in the file
}

// Locked is one plugin of a lock.
type Locked struct {
	// Programs are the SHA-256 digests of the program, in hex, by platform ("linux/amd64"), so that one lock serves a team. A program that
	// comes from PATH has none: it is an interpreter or a tool, which is upgraded apart from the file.
	Programs map[string]string
	// Files are the SHA-256 digests, in hex, of the files that the arguments of the command name, such as the script of an interpreter, by
	// argument as it is written. Only those beside the TOML file, or in a folder there, have one. They are the same on every platform.
	Files map[string]string
	// Interface is what it said about itself.
	Interface *Interface
}

// lockVersion is the only version of the lock's format so far.
const lockVersion = 1

// maxLock is how many bytes a lock may have.
const maxLock = 16 << 20

// LockName returns the path of the lock that belongs to a file.
func LockName(file string) string { return strings.TrimSuffix(file, ".toml") + ".lock" }

// LockPath returns the path of the lock that belongs to the file of a plugin.
func LockPath(p pipeline.PluginPlan) string {
	return filepath.Join(p.Dir, LockName(filepath.Base(p.File)))
}

// ReadLock reads the lock at path; where there is none, it returns one without plugins.
func ReadLock(path string) (*Lock, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Lock{Plugins: map[string]*Locked{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the lock: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxLock+1))
	if err != nil {
		return nil, fmt.Errorf("read the lock: %w", err)
	}
	if len(data) > maxLock {
		return nil, fmt.Errorf("%s has more than %d bytes", filepath.Base(path), maxLock)
	}
	l, err := parseLock(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return l, nil
}

// The lock as it is written.
type (
	lockFile struct {
		Version int                   `json:"version"`
		Plugins map[string]lockPlugin `json:"plugins"`
	}
	lockPlugin struct {
		Program map[string]string   `json:"program,omitempty"`
		Files   map[string]string   `json:"files,omitempty"`
		Name    string              `json:"name,omitempty"`
		Version string              `json:"version,omitempty"`
		SDK     string              `json:"sdk,omitempty"`
		Types   map[string]lockType `json:"types"`
	}
	lockType struct {
		Doc    string          `json:"doc,omitempty"`
		Needs  pipeline.Needs  `json:"needs"`
		Schema json.RawMessage `json:"schema"`
	}
)

func parseLock(data []byte) (*Lock, error) {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("it is no lock: %w", err)
	}
	if v.Version != lockVersion {
		return nil, fmt.Errorf("version %d of the lock is not known: this leat reads version %d; one that is newer has written it", v.Version, lockVersion)
	}
	var file lockFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("it is no lock: %w", err)
	}
	l := &Lock{Plugins: map[string]*Locked{}}
	for name, p := range file.Plugins {
		i := &Interface{Name: p.Name, Version: p.Version, SDK: p.SDK}
		for _, typ := range sorted(p.Types) {
			t := p.Types[typ]
			if err := t.Needs.Validate(); err != nil {
				return nil, fmt.Errorf("plugin %s, type %s: needs: %w", name, typ, err)
			}
			schema, err := canonical(t.Schema)
			if err != nil {
				return nil, fmt.Errorf("plugin %s, type %s: schema: %w", name, typ, err)
			}
			i.Types = append(i.Types, Type{Name: typ, Doc: t.Doc, Needs: t.Needs, Schema: schema})
		}
		l.Plugins[name] = &Locked{Programs: p.Program, Files: p.Files, Interface: i}
	}
	return l, nil
}

// text writes the lock: names in order, one thing a line, so that a change of it can be read as a change.
func (l *Lock) text() ([]byte, error) {
	file := lockFile{Version: lockVersion, Plugins: map[string]lockPlugin{}}
	for name, p := range l.Plugins {
		out := lockPlugin{Program: p.Programs, Files: p.Files, Name: p.Interface.Name, Version: p.Interface.Version, SDK: p.Interface.SDK, Types: map[string]lockType{}}
		for _, t := range p.Interface.Types {
			out.Types[t.Name] = lockType{t.Doc, t.Needs, t.Schema}
		}
		file.Plugins[name] = out
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(file); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Write writes the lock to path: the whole of it or nothing. It reports whether that changed the file.
func (l *Lock) Write(path string) (changed bool, err error) {
	text, err := l.text()
	if err != nil {
		return false, fmt.Errorf("write the lock: %w", err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return false, nil
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return false, fmt.Errorf("write the lock: %w", err)
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return false, fmt.Errorf("write the lock: %w", err)
	}
	return true, nil
}

// platform is where this process runs, as a lock names it.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// ProgramFile returns the file that a plugin's command names; ok is false for one that is looked for in PATH.
func ProgramFile(p pipeline.PluginPlan) (path string, ok bool) {
	if len(p.Config.Command) == 0 || !strings.ContainsRune(p.Config.Command[0], '/') {
		return "", false
	}
	if path = filepath.FromSlash(p.Config.Command[0]); !filepath.IsAbs(path) {
		path = filepath.Join(p.Dir, path)
	}
	return path, true
}

// Digest returns the SHA-256 of a file in hex.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	digest, _, err := digestOf(f)
	return digest, err
}

// NewLocked makes the entry of a plugin: what it said, the digests of the files that its arguments name, and that of its program on this
// platform, beside those that old, which may be nil, has for others.
func NewLocked(p pipeline.PluginPlan, i *Interface, old *Locked) (*Locked, error) {
	files, err := argumentDigests(p)
	if err != nil {
		return nil, err
	}
	l := &Locked{Files: files, Interface: i}
	path, ok := ProgramFile(p)
	if !ok {
		return l, nil
	}
	digest, err := Digest(path)
	if err != nil {
		return nil, fmt.Errorf("digest of the program: %w", err)
	}
	l.Programs = map[string]string{}
	if old != nil && len(old.Interface.Changes(i)) == 0 { // another interface is another program, everywhere
		maps.Copy(l.Programs, old.Programs)
	}
	l.Programs[platform()] = digest
	return l, nil
}

// Changes lists in plain words how l differs from an older entry, which may be nil.
func (l *Locked) Changes(old *Locked) []string {
	if old == nil {
		return []string{"new: " + strings.Join(l.Interface.names(), ", ")}
	}
	all := l.Interface.Changes(old.Interface)
	was, is := old.Programs[platform()], l.Programs[platform()]
	switch {
	case was == is:
	case was == "":
		all = append(all, "digest for "+platform()+": "+clipDigest(is))
	case is == "":
		all = append(all, "no digest: the program comes from PATH")
	default:
		all = append(all, fmt.Sprintf("another program: digest %s, was %s", clipDigest(is), clipDigest(was)))
	}
	for _, name := range sorted(old.Files) {
		if _, ok := l.Files[name]; !ok {
			all = append(all, "no digest of "+name+" any more")
		}
	}
	for _, name := range sorted(l.Files) {
		if was, is := old.Files[name], l.Files[name]; was == "" {
			all = append(all, "digest of "+name+": "+clipDigest(is))
		} else if was != is {
			all = append(all, fmt.Sprintf("another %s: digest %s, was %s", name, clipDigest(is), clipDigest(was)))
		}
	}
	return all
}

func clipDigest(s string) string { return s[:min(12, len(s))] + "…" }
