package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline/config"
)

func (c *checker) unknownStage(s config.Stage) config.Diagnostic {
	known := c.registry.StageTypes()
	hint := "known types: " + strings.Join(known, ", ") + "; a stage of your own is linked in Go with pipeline.WithStages, or served by a plugin: use = \"PLUGIN/TYPE\""
	switch near, ok := config.Nearest(s.Use, known); {
	case ok:
		hint = fmt.Sprintf("did you mean %s?", near)
	case len(known) == 0:
		hint = "the program links no stages: open the file with pipeline.WithStages(stages.All()...)"
	}
	return c.atUse(s, hint, fmt.Sprintf("unknown stage type %q", s.Use))
}

// atUse places a diagnostic where the file says what type a stage is of.
func (c *checker) atUse(s config.Stage, hint, message string) config.Diagnostic {
	if table, ok := c.file.Table("stages", s.Name); ok {
		if table.Has("use") {
			return table.Diagnose([]string{"use"}, hint, "%s", message)
		}
		return table.Diagnose(nil, hint, "%s", message)
	}
	return c.listed(s, hint, message)
}

// listed places a diagnostic at the list entry that names the stage.
func (c *checker) listed(s config.Stage, hint, message string) config.Diagnostic {
	table := strings.TrimPrefix(s.Origin.From, "pipelines.")
	if section, ok := c.file.Table("pipelines", table); ok {
		if list, ok := section.Value("stages"); ok {
			if entries, ok := list.([]any); ok {
				if i := slices.Index(entries, any(s.Name)); i >= 0 {
					return section.Diagnose([]string{"stages", "[" + strconv.Itoa(i) + "]"}, hint, "%s", message)
				}
			}
		}
	}
	return c.file.Diagnose([]string{"stages"}, hint, "%s", message)
}

func (c *checker) unknown(s config.Section, key, what, got string, known []string) config.Diagnostic {
	if got == "" {
		return s.Diagnose(nil, what+"s: "+strings.Join(known, ", "), "%s is missing", key)
	}
	return c.unknownAt(s, []string{key}, what, got, known)
}

func (c *checker) unknownAt(s config.Section, path []string, what, got string, known []string) config.Diagnostic {
	hint := what + "s: " + strings.Join(known, ", ")
	if len(known) == 0 {
		hint = fmt.Sprintf("the file has no %ss yet", what)
	}
	if near, ok := config.Nearest(got, known); ok {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return s.Diagnose(path, hint, "unknown %s %q", what, got)
}
