package config

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "\ufeffversion = 1\r\n", inheriting, overlaid, "[stages.a]\nx = \"\"\"\n\\\n", "a = [1, {b = 2, }, [", "a.b.c = 1\n[a]\n[[a.b]]\n",
		"[stages.a]\npassword = 'x'\nwhen = \"\\u00e9 bad\"\nrules = [{match='bad'}]\n", "x = \xff\n", "\"\\u0000\".a = 1", "[a]]\n[stages.a]\nx = 1 2\n\ty", "\"〨",
	} {
		f.Add(seed, "stages.a.max_attempts=5")
	}
	f.Fuzz(func(t *testing.T, src, set string) {
		var overlays []Overlay
		if o, err := ParseSet(set); err == nil {
			overlays = append(overlays, o)
		}
		overlays = append(overlays, FromEnviron([]string{"LEAT_" + set})...)
		file, err := Read("p.toml", []byte(src), overlays...)
		var ds Diagnostics
		if err != nil && !errors.As(err, &ds) {
			t.Fatalf("an error that is no Diagnostics: %v", err)
		}
		if file != nil {
			for _, p := range file.Pipelines() {
				ds = append(ds, p.Section.Decode(&sample{})...)
				for _, s := range p.Stages {
					ds = append(ds, s.Section.Decode(&sample{}, "when")...)
				}
			}
			for _, s := range file.Tables("stages") {
				ds = append(ds, s.Decode(&sample{})...)
				s.Value()
			}
		}
		lines := strings.Split(strings.TrimPrefix(src, "\ufeff"), "\n")
		for _, d := range ds {
			_ = d.Error()
			if d.Line == 0 && (d.File != "p.toml" || len(src) > MaxSize) {
				continue
			}
			if d.Line < 1 || d.Line > len(lines) {
				t.Fatalf("%+v is not in the file", d)
			}
			line := strings.TrimSuffix(lines[d.Line-1], "\r")
			if n := utf8.RuneCountInString(line); d.Column < 1 || d.Column > n+1 || d.Length < 1 || utf8.RuneCountInString(d.Source) != n {
				t.Fatalf("%+v is not in line %q", d, line)
			}
		}
	})
}
