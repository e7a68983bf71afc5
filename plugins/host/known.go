package host

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

// known is what a host knows of the interfaces of plugins, from locks and from plugins that were asked. It starts nothing, and is safe for
// concurrent use. The zero value is ready.
type known struct {
	unlocked bool            // locks are not looked at
	free     map[string]bool // plugins that somebody else starts: neither locks nor programs are looked at

	mu      sync.Mutex
	live    map[string]*Interface       // what a plugin said, by lock and name
	locks   map[[sha256.Size]byte]*Lock // by their text
	schemas map[string]*schema          // by their text
}

func (k *known) id(p pipeline.PluginPlan) string { return LockPath(p) + "\x00" + p.Name }

// locked returns what the lock says of a plugin; nil where it says nothing.
func (k *known) locked(p pipeline.PluginPlan) (*Locked, error) {
	if k.unlocked || k.free[p.Name] {
		return nil, nil
	}
	l, err := k.lock(LockPath(p))
	if err != nil {
		return nil, &pipeline.PluginError{Err: &pipeline.ConfigError{
			Message: err.Error(), Advice: "`leat plugin lock` writes it anew", Err: err,
		}}
	}
	return l.Plugins[p.Name], nil
}

// lock reads a lock; one that was read before is parsed once.
func (k *known) lock(path string) (*Lock, error) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) > maxLock {
		return ReadLock(path) // which says why, or that there is none
	}
	sum := sha256.Sum256(text)
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.locks[sum]; l != nil {
		return l, nil
	}
	l, err := parseLock(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if k.locks == nil {
		k.locks = map[[sha256.Size]byte]*Lock{}
	}
	k.locks[sum] = l
	return l, nil
}

// learn notes what a plugin said when it was asked.
func (k *known) learn(p pipeline.PluginPlan, i *Interface) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.live == nil {
		k.live = map[string]*Interface{}
	}
	k.live[k.id(p)] = i
}

// accept judges what a plugin said at its start against what its lock has accepted.
func (k *known) accept(p pipeline.PluginPlan, i *Interface) error {
	locked, err := k.locked(p)
	if err != nil || locked == nil {
		return err
	}
	more := i.More(locked.Interface)
	if len(more) == 0 {
		return nil
	}
	return &pipeline.PluginError{Err: &pipeline.ConfigError{
		Path:    "command",
		Message: fmt.Sprintf("the plugin asks for more than %s has: %s", filepath.Base(LockPath(p)), strings.Join(more, "; ")),
		Advice:  "if that is right, `leat plugin lock` accepts it",
	}}
}

// of returns the interface of a plugin: what it said itself, else what its lock says, whose name is by; nil where neither is there.
func (k *known) of(p pipeline.PluginPlan) (i *Interface, by string, err error) {
	k.mu.Lock()
	live := k.live[k.id(p)]
	k.mu.Unlock()
	if live != nil {
		return live, "", k.accept(p, live)
	}
	locked, err := k.locked(p)
	if err != nil || locked == nil {
		return nil, "", err
	}
	return locked.Interface, filepath.Base(LockPath(p)), nil
}

// asLocked completes the hint of a mistake that is none to another version of the plugin, where its interface is that of a lock.
func asLocked(hint, lock string) string {
	if lock == "" {
		return hint
	}
	between := "; "
	if strings.HasSuffix(hint, "?") {
		between = " "
	}
	return hint + between + "the interface is that of " + lock + ": if the plugin is newer, run `leat plugin lock`"
}

// config returns the empty config of a type, with what is known of it. The error is about the type, or, as a PluginError, about the
// plugin's table.
func (k *known) config(p pipeline.PluginPlan, typ string) (StageConfig, error) {
	c := StageConfig{typ: typ}
	i, by, err := k.of(p)
	if err != nil || i == nil {
		return c, err
	}
	t, ok := i.Type(typ)
	if !ok {
		hint := "it serves " + strings.Join(i.names(), ", ")
		if near, found := config.Nearest(typ, i.names()); found {
			hint = "did you mean " + p.Name + "/" + near + "?"
		}
		return c, &pipeline.ConfigError{Message: fmt.Sprintf("plugin %s serves no type %q", p.Name, typ), Advice: asLocked(hint, by)}
	}
	if err := granted(p, t); err != nil {
		return c, err
	}
	if !k.free[p.Name] {
		c.plugin = &p
	}
	c.lock = by
	c.schema, err = k.schema(t.Schema)
	if err != nil {
		return c, &pipeline.PluginError{Err: fmt.Errorf("the schema of %s/%s: %w", p.Name, typ, err)}
	}
	return c, nil
}

// schema compiles a schema once.
func (k *known) schema(text []byte) (*schema, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.schemas[string(text)]; s != nil {
		return s, nil
	}
	s, err := compile(text)
	if err != nil {
		return nil, err
	}
	if k.schemas == nil {
		k.schemas = map[string]*schema{}
	}
	k.schemas[string(text)] = s
	return s, nil
}

// limit returns the most that the stages of a type may see and do: what the file grants and the lock has accepted; nil: what they ask for.
func (k *known) limit(p pipeline.PluginPlan, typ string) (*pipeline.Needs, error) {
	most := p.Config.Grants
	locked, err := k.locked(p)
	if err != nil || locked == nil {
		return most, err
	}
	t, ok := locked.Interface.Type(typ)
	if !ok {
		return most, nil
	}
	needs := t.Needs
	if most != nil {
		needs = needs.Within(*most)
	}
	return &needs, nil
}

// pins returns the digests that the files of a plugin's command must have.
func (k *known) pins(p pipeline.PluginPlan) (pinned, error) {
	v := pinned{program: strings.ToLower(p.Config.SHA256), by: "sha256"}
	locked, err := k.locked(p)
	if err != nil || locked == nil {
		return v, err
	}
	v.lock, v.files = filepath.Base(LockPath(p)), locked.Files
	if v.program == "" {
		v.program, v.by = strings.ToLower(locked.Programs[platform()]), v.lock
	}
	return v, nil
}

// probe judges, without running it, whether a plugin's program is there, and whether that and the files that its arguments name are those
// that the file or its lock means. The errors place themselves in the plugin's table.
func (k *known) probe(p pipeline.PluginPlan) error {
	if k.free[p.Name] {
		return nil
	}
	pins, err := k.pins(p)
	if err != nil {
		return nil //nolint:nilerr // a lock that can't be read is told where the types are judged
	}
	return errors.Join(append(probeArguments(p, pins), probeProgram(p, pins))...)
}

func probeProgram(p pipeline.PluginPlan, pins pinned) error {
	path, ok := ProgramFile(p)
	if !ok {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return &pipeline.ConfigError{Path: "command[0]", Message: "there is no program " + p.Config.Command[0], Advice: "a relative path begins beside the file; build or install it"}
	}
	if pins.program == "" {
		return nil
	}
	digest, err := Digest(path)
	switch {
	case err != nil:
		return &pipeline.ConfigError{Path: "command[0]", Message: "the program can't be read: " + err.Error(), Err: err}
	case digest == pins.program:
		return nil
	case pins.by == "sha256":
		return &pipeline.ConfigError{Path: "sha256", Message: fmt.Sprintf("the program %s has another digest: %s", p.Config.Command[0], digest), Advice: "if it is the right one, write its digest here"}
	}
	return &pipeline.ConfigError{
		Path: "command[0]", Message: fmt.Sprintf("the program %s is not the one that %s was written for", p.Config.Command[0], pins.by),
		Advice: "if it is the right one, run `leat plugin lock`",
	}
}

// granted compares what a type asks for with what the file grants.
func granted(p pipeline.PluginPlan, t Type) error {
	if p.Config.Grants == nil {
		return nil
	}
	missing := asked(t.Needs, *p.Config.Grants).Beyond(*p.Config.Grants)
	if len(missing) == 0 {
		return nil
	}
	return &pipeline.PluginError{Err: &pipeline.ConfigError{
		Path:    "grants",
		Message: fmt.Sprintf("%s/%s asks for %s, which grants do not allow", p.Name, t.Name, strings.Join(missing, ", ")),
		Advice:  "write " + grantsText(missing) + " if it may have that; else use another plugin",
	}}
}

// asked leaves out the "*" of needs where grants name something there: whoever asks for all takes what there is.
func asked(n, grants pipeline.Needs) pipeline.Needs {
	some := func(asked, allowed []string) []string {
		if len(allowed) == 0 {
			return asked
		}
		return slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return name == "*" })
	}
	n.Request.Headers = some(n.Request.Headers, grants.Request.Headers)
	n.Request.Edit = some(n.Request.Edit, grants.Request.Edit)
	n.Credentials = some(n.Credentials, grants.Credentials)
	if n.Response != nil && grants.Response != nil {
		r := *n.Response
		r.Headers = some(r.Headers, grants.Response.Headers)
		r.Edit = some(r.Edit, grants.Response.Edit)
		n.Response = &r
	}
	return n
}

// grantsText writes what is missing as keys of grants: request.edit = ["x-signature"].
func grantsText(missing []string) string {
	values := map[string][]string{}
	var order []string
	for _, m := range missing {
		what, value, _ := strings.Cut(m, " ")
		if _, ok := values[what]; !ok {
			order = append(order, what)
		}
		values[what] = append(values[what], value)
	}
	var parts []string
	for _, what := range order {
		value := values[what]
		switch {
		case what == "response":
			parts = append(parts, "response = {…}")
		case value[0] == "":
			parts = append(parts, what+" = true")
		case strings.HasSuffix(what, "body_limit"):
			parts = append(parts, fmt.Sprintf("%s = %q", what, value[0]))
		case strings.HasSuffix(what, "body"):
			parts = append(parts, what+" = "+value[0])
		default:
			parts = append(parts, what+" = ["+strings.Join(value, ", ")+"]")
		}
	}
	return strings.Join(parts, ", ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
