package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/config"
)

// PluginConfig is what a [plugins.NAME] table holds: a program whose stages other tables use as "NAME/TYPE". It is started when a pipeline
// first needs one of its stages, and ends with the last that does.
type PluginConfig struct {
	// Command is the program and its arguments. A program with a slash in it is looked for beside the file, one without in PATH. Required.
	Command []string `toml:"command"`
	// Env are the names of the environment variables that the program gets; "NAME=value" sets one. It sees no others. Default none.
	Env []string `toml:"env"`
	// SHA256 is the digest of the program, in hex: another file is not run. Default: what `leat plugin lock` has written, else any.
	SHA256 string `toml:"sha256"`
	// Grants limits what the program's stages see and may do; what it does not name is refused. Default: what they ask for.
	Grants *Needs `toml:"grants"`
	// TLS has both sides prove who they are to each other by certificates of one day, on a socket that others can't open anyway. Default false.
	TLS bool `toml:"tls"`
	// StartTimeout bounds the start, up to the first answer. Making a stage, and judging its config, may each take as long. Default "10s".
	StartTimeout time.Duration `toml:"start_timeout"`
	// MaxInFlight is how many exchanges the program may work on at once; the others wait. Those that are in next or wait hold up no
	// other. Default 256.
	MaxInFlight int `toml:"max_in_flight"`
}

func defaultPluginConfig() PluginConfig {
	return PluginConfig{StartTimeout: 10 * time.Second, MaxInFlight: 256}
}

// Validate refuses what can't be started.
func (c *PluginConfig) Validate() error {
	var errs []error
	if len(c.Command) == 0 || c.Command[0] == "" {
		errs = append(errs, &ConfigError{Path: "", Message: "a plugin needs a command", Advice: `command = ["./bin/leat-plugin-signer"]`})
	}
	for i, entry := range c.Env {
		if name, _, _ := strings.Cut(entry, "="); name == "" || strings.ContainsAny(name, " \x00") {
			errs = append(errs, Invalid(indexed("env", i), "an entry of env is NAME or NAME=value"))
		}
	}
	if c.SHA256 != "" && (len(c.SHA256) != 64 || strings.Trim(strings.ToLower(c.SHA256), "0123456789abcdef") != "") {
		errs = append(errs, &ConfigError{Path: "sha256", Message: "sha256 is 64 hexadecimal digits", Advice: "as `sha256sum` prints them"})
	}
	errs = append(errs, positive("start_timeout", c.StartTimeout))
	if c.MaxInFlight < 1 || c.MaxInFlight > 65536 {
		errs = append(errs, Invalid("max_in_flight", "max_in_flight must be from 1 to 65536"))
	}
	return errors.Join(errs...)
}

// PluginPlan is one plugin of a plan.
type PluginPlan struct {
	Name    string
	Config  PluginConfig
	Section config.Section
	File    string // the name of the file that declares it
	Dir     string // where relative paths of the file start
}

// PluginHost makes the stages of plugins; the package plugins/host has the one that runs them as processes. See [WithPlugins].
type PluginHost interface {
	// Factory returns the factory of a type that plugin p serves. It starts nothing: where it can't know what the plugin serves, it
	// returns a factory that takes any config. The configs of its factories read themselves: they have UnmarshalConfig. What
	// it builds finds the keys that the framework has read for it in Settings.Remote. An error stands where the file names the type; a
	// *PluginError in the plugin's table.
	Factory(p PluginPlan, typ string) (Factory, error)
}

// PluginError is a mistake in a [plugins.NAME] table that shows when one of its types is used, such as grants that are too narrow for it.
type PluginError struct {
	// Err is placed as an error of a config's Validate is: at its ConfigPath in the table.
	Err error
}

// Error returns the text of Err.
func (e *PluginError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *PluginError) Unwrap() error { return e.Err }

// RemoteConfig is what the table of a stage in another process holds beside the keys of its type.
type RemoteConfig struct {
	// Timeout bounds what the stage takes by itself for one exchange: time that it spends in next, waiting or reading a body is not
	// counted. Default "5s".
	Timeout time.Duration `toml:"timeout"`
	// OnFailure says what comes of a request whose stage fails with its process: "fail" is an error of kind plugin, "skip" goes on
	// without the stage, { respond = 503 } answers so. Default "fail".
	OnFailure OnFailure `toml:"on_failure"`
	// Role "security" says that others rely on the stage, so that skipping it needs unsafe.
	Role Role `toml:"role"`
	// Unsafe lets a stage be skipped whose role is "security". It is read in a table with a role only; elsewhere
	// the key is the type's own. Default false.
	Unsafe bool `toml:"unsafe"`
}

// remoteKeysOf returns the keys of a stage's table that a RemoteConfig reads. unsafe is one of them only beside role: some types have
// a key of that name themselves, as retry has.
func remoteKeysOf(s config.Section) []string {
	keys := []string{"timeout", "on_failure", "role"}
	if s.Has("role") {
		keys = append(keys, "unsafe")
	}
	return keys
}

func defaultRemoteConfig() RemoteConfig { return RemoteConfig{Timeout: 5 * time.Second} }

// Validate refuses a security stage that is skipped without saying so.
func (c *RemoteConfig) Validate() error {
	errs := []error{positive("timeout", c.Timeout)}
	if c.Role == RoleSecurity && c.OnFailure.Skip && !c.Unsafe {
		errs = append(errs, &ConfigError{
			Path: "on_failure", Message: `a stage whose role is "security" must not be skipped when it fails`,
			Advice: `write on_failure = "fail"; unsafe = true insists on skipping`,
		})
	}
	return errors.Join(errs...)
}

// Role says what others rely on a stage for.
type Role string

// RoleSecurity is the role of a stage that must not be left out.
const RoleSecurity Role = "security"

// UnmarshalText accepts the known roles.
func (r *Role) UnmarshalText(text []byte) error {
	if string(text) != string(RoleSecurity) {
		return unknownWord("role", string(text), []string{string(RoleSecurity)})
	}
	*r = RoleSecurity
	return nil
}

// OnFailure says what comes of a request whose stage failed with its process. The zero value fails it.
type OnFailure struct {
	Skip    bool // go on without the stage; where it has called next, with what next gave
	Respond int  // answer with this status; 0: don't
}

const onFailureAdvice = `write "fail", "skip" or { respond = 503 }`

// UnmarshalConfig reads "fail", "skip" or { respond = STATUS }.
func (o *OnFailure) UnmarshalConfig(value any) error {
	switch v := value.(type) {
	case string:
		switch v {
		case "fail":
			*o = OnFailure{}
			return nil
		case "skip":
			*o = OnFailure{Skip: true}
			return nil
		}
		return unknownWord("on_failure", v, []string{"fail", "skip", "{ respond = 503 }"})
	case map[string]any:
		status, ok := v["respond"].(int64)
		if !ok || len(v) != 1 {
			return &ConfigError{Message: "a table of on_failure has one key, respond, with a status", Advice: onFailureAdvice}
		}
		if status < 200 || status > 599 {
			return &ConfigError{Path: "respond", Message: "respond is a status from 200 to 599"}
		}
		*o = OnFailure{Respond: int(status)}
		return nil
	}
	return &ConfigError{Message: "on_failure is a word or a table", Advice: onFailureAdvice}
}

// String returns o as the file writes it.
func (o OnFailure) String() string {
	switch {
	case o.Skip:
		return `"skip"`
	case o.Respond != 0:
		return fmt.Sprintf("{ respond = %d }", o.Respond)
	}
	return `"fail"`
}

// Starter is what a stage implements that needs something to be running before its first request: see [Pipeline.Start].
type Starter interface {
	Stage

	// Start returns once the stage can work, or with why it can't. It may be called by several goroutines, and again.
	Start(ctx context.Context) error
}

// Start starts what the pipeline's stages need, such as plugins, and returns once all of it runs. Nobody has to call it: the first
// request that comes to a stage starts it too, and waits for it within its own deadline. A program calls Start to have that over with,
// or to hear of a mistake early.
func (p *Pipeline) Start(ctx context.Context) error {
	for _, s := range p.chain.Load().starters {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pluginTables reads the [plugins.NAME] tables.
func (c *checker) pluginTables() {
	for _, s := range c.file.Tables("plugins") {
		cfg := defaultPluginConfig()
		if wrong := s.Decode(&cfg); len(wrong) > 0 {
			c.broken = append(c.broken, s.Name())
			c.add(wrong...)
		}
		if strings.Contains(s.Name(), "/") {
			c.add(s.Diagnose(nil, "a stage is used as NAME/TYPE", "a plugin's name can not hold a slash"))
		}
		c.plan.Plugins = append(c.plan.Plugins, PluginPlan{Name: s.Name(), Config: cfg, Section: s, File: c.file.Name(), Dir: c.file.Dir()})
	}
}

// remote finds the factory of a type "PLUGIN/TYPE". ok is false where there is none; a zero factory with ok: the program runs no plugins.
func (c *checker) remote(s config.Stage) (f Factory, ok bool) {
	name, typ, _ := strings.Cut(s.Use, "/")
	var names []string
	for _, p := range c.plan.Plugins {
		if p.Name != name {
			names = append(names, p.Name)
			continue
		}
		if typ == "" {
			c.add(c.atUse(s, "write "+name+"/TYPE", "which type of plugin "+name+" is meant?"))
			return f, false
		}
		if c.registry.plugins == nil {
			return f, true
		}
		f, err := c.registry.plugins.Factory(p, typ)
		if err == nil {
			return f, true
		}
		if wrong, ok := errors.AsType[*PluginError](err); ok {
			c.add(p.Section.DiagnoseError(wrong.Err)...)
		} else {
			c.add(c.atUse(s, hintOf(err), err.Error()))
		}
		return f, false
	}
	hint := "add a table [plugins." + name + "]"
	if near, found := config.Nearest(name, names); found {
		hint = "did you mean " + near + "/" + typ + "?"
	}
	c.add(c.atUse(s, hint, "there is no plugin "+name))
	return f, false
}
