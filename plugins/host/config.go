package host

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// hostKeys are the keys of a stage's table that are not the plugin's.
var hostKeys = []string{"use", "when", "timeout", "on_failure", "role"}

// StageConfig is the config of a stage in another process: its table without the keys that the host reads, as the plugin gets it. Where the
// plugin's interface is known, the table is held against its schema.
type StageConfig struct {
	typ    string
	schema *schema              // nil: nobody knows
	lock   string               // that has the schema; "": the plugin itself gave it
	plugin *pipeline.PluginPlan // whose env must let through what the config refers to; nil: it has an environment of its own
	json   []byte
}

// UnmarshalConfig reads the table.
func (c *StageConfig) UnmarshalConfig(value any) error {
	text, err := configJSON(value)
	if err != nil {
		return err
	}
	c.json = text
	if c.schema == nil {
		return nil
	}
	return errors.Join(c.schema.check(text, c.lock), c.kept())
}

// JSON returns the config as the plugin gets it: an object.
func (c *StageConfig) JSON() []byte {
	if c.json == nil {
		return []byte("{}")
	}
	return c.json
}

// Known reports whether the config was held against a schema.
func (c *StageConfig) Known() bool { return c.schema != nil }

func configJSON(value any) ([]byte, error) {
	if path, ok := notFinite(value, ""); ok {
		return nil, pipeline.Invalid(path, "a plugin can't be given a number that is not finite")
	}
	return json.Marshal(value)
}

// notFinite finds a number that JSON can't write.
func notFinite(value any, path string) (string, bool) {
	switch v := value.(type) {
	case float64:
		return path, math.IsInf(v, 0) || math.IsNaN(v)
	case []any:
		for i, item := range v {
			if p, ok := notFinite(item, path+"["+strconv.Itoa(i)+"]"); ok {
				return p, true
			}
		}
	case map[string]any:
		for _, name := range sorted(v) {
			if p, ok := notFinite(v[name], joinKey(path, name)); ok {
				return p, true
			}
		}
	}
	return "", false
}

// mistake is something that a plugin or its schema finds wrong with a config.
type mistake struct {
	pipeline.ConfigError

	offset, length int
	hidden         bool
	ofKey          bool
}

// OfKey tells the loader that the key is wrong, not its value.
func (m *mistake) OfKey() bool { return m.ofKey }

// Offset tells the loader where in the string the mistake is, in runes; -1 is unknown.
func (m *mistake) Offset() int { return m.offset }

// Length tells it how many runes.
func (m *mistake) Length() int { return m.length }

// Secret tells it not to show the line.
func (m *mistake) Secret() bool { return m.hidden }

// mistakesFrom returns what a plugin finds wrong with a config: errors that place themselves in the stage's table, joined; nil for none.
// What the schema, which may be nil, calls a secret is not shown, whatever the plugin says.
func mistakesFrom(list []*wire.Mistake, s *schema) error {
	const most = 100
	var errs []error
	for _, m := range list[:min(len(list), most)] {
		errs = append(errs, &mistake{
			ConfigError: pipeline.ConfigError{Path: line(m.GetPath()), Message: or(line(m.GetMessage()), "the plugin refuses this"), Advice: line(m.GetHint())},
			offset:      int(m.GetOffset()) - 1, length: max(int(m.GetLength()), 0), hidden: m.GetSecret() || s.hides(m.GetPath()),
		})
	}
	return errors.Join(errs...)
}
