package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// open makes a stage that is granted what it asks for.
func (s *session) open(st Stage) (*instance, error) {
	in, o, err := s.opens(st, nil)
	switch {
	case err != nil:
		return nil, err
	case len(o.GetMistakes()) > 0:
		m := o.GetMistakes()[0]
		s.c.adviseOpen(st, m.GetMessage())
		return nil, breach("wire.open", "the config of stage %s was refused by Open: %s: %s", st.Name, m.GetPath(), m.GetMessage())
	case o.GetFailure() != "":
		s.c.adviseOpen(st, o.GetFailure())
		return nil, breach("wire.open", "stage %s could not be made: %s", st.Name, o.GetFailure())
	}
	s.c.compare(st, in.own)
	s.c.kept("wire.open")
	return in, nil
}

// opens sends Open. Without an instance Opened says why there is none.
func (s *session) opens(st Stage, granted *pipeline.Needs) (*instance, *wire.Opened, error) {
	s.mu.Lock()
	s.opened++
	number := s.opened
	s.mu.Unlock()
	w := st.open(number)
	if granted != nil {
		w.Granted = wire.NeedsTo(*granted)
	}
	f, err := s.ask("wire.open", "Open", &wire.Frame{Kind: &wire.Frame_Open{Open: w}})
	if err != nil {
		return nil, nil, err
	}
	o := f.GetOpened()
	if o == nil {
		return nil, nil, breach("wire.open", "Open of %s was answered with %s", st.Name, kindOf(f))
	}
	if len(o.GetMistakes()) > 0 || o.GetFailure() != "" {
		return nil, o, nil
	}
	needs, err := wire.NeedsFrom(o.GetNeeds())
	if err != nil {
		return nil, nil, breach("wire.open", "the needs of stage %s can't be used: %v", st.Name, err)
	}
	if t, ok := s.c.iface.Type(st.Type); ok {
		if more := needs.Beyond(t.Needs); len(more) > 0 {
			return nil, nil, breach("wire.describe", "stage %s asks for %v, beyond what Describe says of its type", st.Name, more)
		}
	}
	in := &instance{number: number, stage: st, own: needs, needs: needs}
	if granted != nil {
		in.needs = needs.Within(*granted)
	}
	return in, o, nil
}

// open writes Open of a stage.
func (st Stage) open(number uint32) *wire.Open {
	return &wire.Open{Instance: number, Type: st.Type, Config: st.Config, Pipeline: st.Pipeline, Stage: st.Name, Credential: st.Credential, Dir: st.Dir}
}

// compare holds the needs that Check answered of a stage against those of Opened.
func (c *checker) compare(st Stage, opened pipeline.Needs) {
	said, ok := c.said[st.Name]
	if !ok {
		return
	}
	if lacks := opened.Beyond(said); len(lacks) > 0 {
		c.broken("wire.check", "the needs that Check answered of stage %s are not those of Opened: they lack %s", st.Name, strings.Join(lacks, ", "))
	}
	if more := said.Beyond(opened); len(more) > 0 {
		c.broken("wire.check", "the needs that Check answered of stage %s are not those of Opened: beyond them is %s", st.Name, strings.Join(more, ", "))
	}
}

// adviseOpen says what to do where a stage of the file could not be made.
func (c *checker) adviseOpen(st Stage, said string) {
	if st.Assumed {
		return
	}
	advice := "mend the config in the file, or what Open makes of it; where it can't make the stage all the same, `leat plugin logs " + c.plan.Name + "` shows all that it says"
	env := c.plan.Config.Env
	said = strings.ToLower(said)
	named := slices.DeleteFunc(slices.Clone(env), func(e string) bool { return !strings.Contains(said, strings.ToLower(e)) })
	for _, name := range slices.Concat(named, references(st.Config)) {
		if text := c.lacks(name); text != "" {
			advice = text
			break
		}
	}
	c.advise("wire.open", advice)
}

// lacks says what to do so that the plugin has a variable; "": it has.
func (c *checker) lacks(name string) string {
	env := c.plan.Config.Env
	lets := slices.Contains(env, name)
	_, there := os.LookupEnv(name)
	switch {
	case lets && there, slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }):
		return ""
	case lets:
		return fmt.Sprintf("set %s in the environment of leat: env of [plugins.%s] lets it through, and it is not set", name, c.plan.Name)
	case c.plan.Section.Name() == "":
		return fmt.Sprintf("try it with a file that has %q in env of the plugin's table, and set %s: a plugin sees no other variables", name, name)
	case there:
		return fmt.Sprintf("write %q into env of [plugins.%s]: the plugin sees no other variables", name, c.plan.Name)
	}
	return fmt.Sprintf("write %q into env of [plugins.%s], for the plugin sees no other variables, and set it", name, c.plan.Name)
}

// references returns the variables that a config refers to, as in {"env": "NAME"}.
func references(config []byte) (names []string) {
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if name, ok := v["env"].(string); ok && len(v) == 1 {
				names = append(names, name)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	var value any
	if err := json.NewDecoder(bytes.NewReader(config)).Decode(&value); err == nil {
		walk(value)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
