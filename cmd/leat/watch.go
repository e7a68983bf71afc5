package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/fsnotify/fsnotify"

	"github.com/leatdev/leat/conformance/scenario"
)

// watchTests runs the tests, and again after each change, until ctx ends, which is no error.
func (a *app) watchTests(ctx context.Context, paths []string, f testFlags) error {
	if _, err := scenario.Find(paths...); err != nil {
		return &exitError{exitUsage, err}
	}
	w, err := newWatcher(paths)
	if err != nil {
		return err
	}
	defer w.events.Close() //nolint:errcheck // nobody watches any more
	for first := true; ; first = false {
		if err := w.follow(); err != nil { // first: what changes from here on is seen
			return err
		}
		w.seen = w.look()
		found, err := a.findTests(paths)
		w.tested(found)
		if err == nil {
			var cases []testCase
			if cases, err = found.chosen(f); err == nil {
				err = a.runTests(ctx, cases, f)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		a.report(ctx, err)
		if first {
			fmt.Fprintln(a.std.out, paint(a.std.out, color.Faint, "watching for changes; Ctrl-C ends it"))
		}
		changed, err := w.wait(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.std.out, "\n%s\n", paint(a.std.out, color.Faint, harmless(changed))); err != nil {
			return err
		}
	}
}

// watcher knows the content of the test files, of the pipelines files that they name, and of the files beside both.
type watcher struct {
	events  *fsnotify.Watcher
	paths   []string          // the command's arguments
	near    map[string]bool   // folders in which any file counts
	watched map[string]bool   // folders whose events are seen
	seen    map[string]string // the files, and what tells one content from another
}

func newWatcher(paths []string) (*watcher, error) {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	return &watcher{events: events, paths: paths, near: map[string]bool{}, watched: map[string]bool{}}, nil
}

// follow watches the folders in which test files are or may come to be, and those that are near one. Folders are watched and not files,
// because editors put a new file in place of the old one.
func (w *watcher) follow() error {
	files, _ := scenario.Find(w.paths...) // what was there before may be gone
	for _, f := range files {
		w.nearTo(f)
	}
	folders := slices.Collect(maps.Keys(w.near))
	for _, path := range w.paths {
		_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || !d.IsDir():
				return nil //nolint:nilerr // it vanished: nothing is there to be watched
			case name != path && scenario.LeftOut(d.Name()):
				return filepath.SkipDir
			}
			folders = append(folders, name)
			return nil
		})
	}
	for _, name := range folders {
		if err := w.watch(filepath.Clean(name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) watch(folder string) error {
	if w.watched[folder] {
		return nil
	}
	err := w.events.Add(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	w.watched[folder] = true
	return nil
}

// nearTo has every file beside this one count, and beside the one that it may be a link to.
func (w *watcher) nearTo(file string) {
	w.near[filepath.Dir(file)] = true
	if target, err := filepath.EvalSymlinks(file); err == nil {
		w.near[filepath.Dir(target)] = true
	}
}

// tested adds the pipelines files of what was found.
func (w *watcher) tested(found testSet) {
	before := len(w.near)
	for _, s := range found.suites {
		w.nearTo(s.Pipelines())
	}
	if len(w.near) > before {
		_ = w.follow() // tried again, and told, in the next round
		now := w.look()
		maps.Copy(now, w.seen) // what changed in the meantime is still to be seen
		w.seen = now
	}
}

// look takes down the content of all files that count. Those whose names begin with a dot or end with ~ are editors' own.
func (w *watcher) look() map[string]string {
	seen := map[string]string{}
	for folder := range w.near {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			name := e.Name()
			if !e.IsDir() && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "~") {
				note(seen, filepath.Join(folder, name))
			}
		}
	}
	files, _ := scenario.Find(w.paths...)
	for _, f := range files {
		note(seen, filepath.Clean(f))
	}
	return seen
}

// maxHashed bounds the size of a file that is read to see whether it changed.
const maxHashed = 1 << 20

func note(seen map[string]string, name string) {
	info, err := os.Stat(name)
	switch {
	case err != nil || !info.Mode().IsRegular():
	case info.Size() > maxHashed:
		seen[name] = fmt.Sprint(info.Size(), info.ModTime())
	default:
		if text, err := os.ReadFile(name); err == nil {
			seen[name] = fmt.Sprintf("%x", sha256.Sum256(text))
		}
	}
}

// quiet is how long nothing may happen before a change counts: an editor makes one in several steps.
const quiet = 100 * time.Millisecond

// wait returns once the content of a file has changed, and says which, or when ctx ends.
func (w *watcher) wait(ctx context.Context) (string, error) {
	calm := time.NewTimer(quiet) // something may have changed while the tests ran
	defer calm.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case err := <-w.events.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return "", fmt.Errorf("watch for changes: %w", err)
			}
			calm.Reset(quiet)
		case e := <-w.events.Events:
			if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				delete(w.watched, filepath.Clean(e.Name)) // a folder of this name may come back
			}
			if e.Op != fsnotify.Chmod && (w.near[filepath.Dir(e.Name)] || strings.HasSuffix(e.Name, scenario.Suffix) || e.Has(fsnotify.Create)) {
				calm.Reset(quiet)
			}
		case <-calm.C:
			if err := w.follow(); err != nil {
				return "", err
			}
			if changed := w.changed(); changed != "" {
				return changed, nil
			}
		}
	}
}

// changed says what is not as it was, "" if nothing is.
func (w *watcher) changed() string {
	now := w.look()
	var names []string
	for name := range now {
		if w.seen[name] != now[name] {
			names = append(names, name)
		}
	}
	for name := range w.seen {
		if _, there := now[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " changed"
	}
	return fmt.Sprintf("%s and %s changed", names[0], plural(len(names)-1, "other file"))
}
