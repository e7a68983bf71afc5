package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// relock is what to do about a file that is not as the lock says.
const relock = "if that is right, run `leat plugin lock`"

// arguments are those of a plugin's command.
func arguments(p pipeline.PluginPlan) []string {
	return p.Config.Command[min(1, len(p.Config.Command)):]
}

// argumentFile returns the file that an argument of a plugin's command names, such as the script of an interpreter; ok is false where it names
// none that stands beside the TOML file or in a folder there.
func argumentFile(p pipeline.PluginPlan, argument string) (path string, ok bool) {
	local := filepath.FromSlash(argument)
	if !filepath.IsLocal(local) {
		return "", false
	}
	path = filepath.Join(p.Dir, local)
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular()
}

// argumentDigests returns the digests of the files that the arguments of a plugin's command name, by argument; nil where they name none.
func argumentDigests(p pipeline.PluginPlan) (map[string]string, error) {
	var all map[string]string
	for _, argument := range arguments(p) {
		path, ok := argumentFile(p, argument)
		if !ok {
			continue
		}
		digest, err := Digest(path)
		if err != nil {
			return nil, fmt.Errorf("digest of %s: %w", argument, err)
		}
		if all == nil {
			all = map[string]string{}
		}
		all[argument] = digest
	}
	return all, nil
}

// judgeArgument holds the file that an argument names, if it does, against the lock; nil where there is nothing to judge. Where the lock lists
// files, one that it does not is refused, too: it would be another script than the locked one.
func judgeArgument(p pipeline.PluginPlan, pins pinned, argument string) (*judged, error) {
	if len(pins.files) == 0 {
		return nil, nil
	}
	path, is := argumentFile(p, argument)
	want, listed := pins.files[argument]
	switch {
	case !is && !listed:
		return nil, nil
	case !is:
		return nil, fmt.Errorf("there is no file %s, of which %s has the digest", argument, pins.lock)
	case !listed:
		return nil, fmt.Errorf("%s has no digest of the file %s", pins.lock, argument)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file %s can't be read: %w", argument, err)
	}
	defer func() { _ = f.Close() }()
	got, was, err := digestOf(f)
	if err != nil {
		return nil, fmt.Errorf("the file %s can't be read: %w", argument, err)
	}
	if !strings.EqualFold(got, want) {
		return nil, fmt.Errorf("the SHA-256 of the file %s is %s, by %s it must be %s", argument, got, pins.lock, want)
	}
	return &judged{path: path, by: pins.lock, was: was}, nil
}

// judgeArguments holds the files that the arguments of a command name against the lock. The program opens them by their names, and what they
// go on to read is nobody's to know.
func judgeArguments(p pipeline.PluginPlan, pins pinned) ([]*judged, error) {
	var all []*judged
	for _, argument := range arguments(p) {
		j, err := judgeArgument(p, pins, argument)
		if err != nil {
			return nil, lasting{fmt.Errorf("it is not run: %w; %s", err, relock)}
		}
		if j != nil {
			all = append(all, j)
		}
	}
	return all, nil
}

// probeArguments is judgeArguments for people: every mistake, placed in the plugin's table.
func probeArguments(p pipeline.PluginPlan, pins pinned) (errs []error) {
	for i, argument := range arguments(p) {
		if _, err := judgeArgument(p, pins, argument); err != nil {
			errs = append(errs, &pipeline.ConfigError{Path: fmt.Sprintf("command[%d]", i+1), Message: err.Error(), Advice: relock, Err: err})
		}
	}
	return errs
}
