package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// variable is a place of a stage's config that says in which environment variable its plugin finds a secret: key = { env = "NAME" }.
type variable struct {
	name string
	path string // as in "keys[0].env"
}

// variables returns those of a config. Where nothing is known of the plugin, every table of that form is such a place.
func (c *StageConfig) variables() []variable {
	var config any
	if err := json.Unmarshal(c.JSON(), &config); err != nil {
		return nil
	}
	return c.variablesIn(config)
}

func (c *StageConfig) variablesIn(config any) []variable {
	var all []variable
	var find func(v any, path []string, shown string)
	find = func(v any, path []string, shown string) {
		switch v := v.(type) {
		case []any:
			for i := range v {
				at := strconv.Itoa(i)
				find(v[i], append(slices.Clip(path), at), shown+"["+at+"]")
			}
		case map[string]any:
			if name, ok := v["env"].(string); ok && len(v) == 1 && (c.schema == nil || c.Secret(path...)) {
				all = append(all, variable{name, joinKey(shown, "env")})
				return
			}
			for _, name := range sorted(v) {
				find(v[name], append(slices.Clip(path), name), joinKey(shown, name))
			}
		}
	}
	find(config, nil, "")
	return all
}

// passed says what becomes of an environment variable: whether the file lets it through to a plugin, and the value that it has there.
func passed(p pipeline.PluginConfig, name string) (value string, named, set bool) {
	for _, entry := range p.Env {
		switch own, fixed, is := strings.Cut(entry, "="); {
		case own != name:
		case is:
			value, named, set = fixed, true, true
		default:
			named = true
			if v, ok := os.LookupEnv(name); ok {
				value, set = v, true
			}
		}
	}
	return value, named, set
}

// learnVariables has a redactor know the secrets that a plugin gets by its environment: what it says of them is masked like those of the host.
func learnVariables(r *redact.Redactor, p pipeline.PluginConfig, list []variable) {
	for _, v := range list {
		if value, _, set := passed(p, v.name); set {
			r.Learn(redact.NewSecret(value))
		}
	}
}

// Learn has r know the secrets that a plugin gets by its environment, as far as the table of one of its stages says where it finds them:
// key = { env = "NAME" }. For programs that show what a plugin says outside of every pipeline; see [WithRedactor].
func Learn(r *redact.Redactor, p pipeline.PluginPlan, table any) {
	learnVariables(r, p.Config, new(StageConfig).variablesIn(table))
}

// unset returns the names that the file lets through, and that are not set.
func unset(p pipeline.PluginConfig, list []variable) []string {
	var names []string
	for _, v := range list {
		if _, named, set := passed(p, v.name); named && !set && !slices.Contains(names, v.name) {
			names = append(names, v.name)
		}
	}
	return names
}

// kept returns the mistakes of a config that wants variables which the file does not let through.
func (c *StageConfig) kept() error {
	if c.plugin == nil {
		return nil
	}
	var errs []error
	for _, v := range c.variables() {
		if _, named, _ := passed(c.plugin.Config, v.name); !named {
			errs = append(errs, &mistake{ConfigError: pipeline.ConfigError{
				Path: v.path, Message: "the plugin is not given " + v.name, Advice: fmt.Sprintf("add it to env of [plugins.%s]", key(c.plugin.Name)),
			}, offset: -1})
		}
	}
	return errors.Join(errs...)
}

// Unset returns the names of the environment variables in which stages of a plugin are told to find secrets, that the file lets through to it,
// and that are not set: the plugin will say that it lacks them. It starts nothing.
func (h *Host) Unset(p pipeline.PluginPlan, stages []StageToCheck) []string {
	if h.known.free[p.Name] { // who starts it knows what it has
		return nil
	}
	var all []variable
	for _, s := range stages {
		all = append(all, s.Config.variables()...)
	}
	return unset(p.Config, all)
}

// environment is what a stage knows of the environment of its plugin.
type environment struct {
	plugin    pipeline.PluginConfig
	variables []variable
}

func (g environment) learn(r *redact.Redactor) { learnVariables(r, g.plugin, g.variables) }

// hint says what a plugin that could not make the stage may lack; "" where that is nothing.
func (g environment) hint() string {
	names := unset(g.plugin, g.variables)
	switch len(names) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" (%s is let through by env, and is not set in this program's environment)", names[0])
	}
	return fmt.Sprintf(" (%s are let through by env, and are not set in this program's environment)", strings.Join(names, ", "))
}
