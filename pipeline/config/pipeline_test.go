package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe writes pipelines as text: every value with its origin.
func describe(f *File) string {
	var b strings.Builder
	keys := func(indent string, s Section) {
		for _, k := range s.Keys() {
			v, _ := s.Value(k)
			o := s.Origin(k)
			fmt.Fprintf(&b, "%s%s = %v  (%s:%d)\n", indent, k, v, o.From, o.Position.Line)
		}
	}
	for _, p := range f.Pipelines() {
		fmt.Fprintf(&b, "%s\n", p.Name)
		keys("  ", p.Section)
		for _, s := range p.Stages {
			fmt.Fprintf(&b, "  [%s %s]  (%s:%d)\n", s.Name, s.Use, s.Origin.From, s.Origin.Position.Line)
			keys("    ", s.Section)
		}
	}
	return b.String()
}

const inheriting = `version = 1
[stages.retry]
max_attempts = 4
base = "1s"
hints = ["a", "b"]
nest = { x = 1, y = 2 }
[stages.sign]
use = "signer/hmac"
when = "true"
[pipelines.api]
extends = "base"
timeout = "10s"
labels = { team = "b" }
stages = ["first", "...", "sign"]
[pipelines.api.override.retry]
max_attempts = 2
nest = { y = 3 }
[pipelines.base]
timeout = "30s"
base_url = "https://api.example.com"
labels = { env = "prod", team = "a" }
stages = ["auth", "retry"]
[pipelines.base.override.retry]
base = "2s"
hints = ["c"]
[pipelines.child]
extends = "api"
[pipelines.own]
extends = "api"
stages = ["retry"]
`

func TestPipelines_inherit(t *testing.T) {
	want := trim(`
api
  timeout = 10s  (pipelines.api:12)
  base_url = https://api.example.com  (pipelines.base:20)
  labels = map[env:prod team:b]  (pipelines.api:13)
  [first first]  (pipelines.api:14)
  [auth auth]  (pipelines.base:22)
  [retry retry]  (pipelines.base:22)
    max_attempts = 2  (pipelines.api.override.retry:16)
    base = 2s  (pipelines.base.override.retry:24)
    hints = [c]  (pipelines.base.override.retry:25)
    nest = map[x:1 y:3]  (pipelines.api.override.retry:17)
  [sign signer/hmac]  (pipelines.api:14)
    when = true  (stages.sign:9)
base
  timeout = 30s  (pipelines.base:19)
  base_url = https://api.example.com  (pipelines.base:20)
  labels = map[env:prod team:a]  (pipelines.base:21)
  [auth auth]  (pipelines.base:22)
  [retry retry]  (pipelines.base:22)
    max_attempts = 4  (stages.retry:3)
    base = 2s  (pipelines.base.override.retry:24)
    hints = [c]  (pipelines.base.override.retry:25)
    nest = map[x:1 y:2]  (stages.retry:6)
child
  timeout = 10s  (pipelines.api:12)
  base_url = https://api.example.com  (pipelines.base:20)
  labels = map[env:prod team:b]  (pipelines.api:13)
  [first first]  (pipelines.api:14)
  [auth auth]  (pipelines.base:22)
  [retry retry]  (pipelines.base:22)
    max_attempts = 2  (pipelines.api.override.retry:16)
    base = 2s  (pipelines.base.override.retry:24)
    hints = [c]  (pipelines.base.override.retry:25)
    nest = map[x:1 y:3]  (pipelines.api.override.retry:17)
  [sign signer/hmac]  (pipelines.api:14)
    when = true  (stages.sign:9)
own
  timeout = 10s  (pipelines.api:12)
  base_url = https://api.example.com  (pipelines.base:20)
  labels = map[env:prod team:b]  (pipelines.api:13)
  [retry retry]  (pipelines.own:30)
    max_attempts = 2  (pipelines.api.override.retry:16)
    base = 2s  (pipelines.base.override.retry:24)
    hints = [c]  (pipelines.base.override.retry:25)
    nest = map[x:1 y:3]  (pipelines.api.override.retry:17)
`)
	if diff := cmp.Diff(want, trim(describe(mustRead(t, inheriting)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPipelines_values_in_a_merged_table_keep_their_origins(t *testing.T) {
	p := mustRead(t, inheriting).Pipelines()[0]
	for path, want := range map[string]string{"env": "pipelines.base", "team": "pipelines.api"} {
		if got := p.Section.Origin("labels", path).From; got != want {
			t.Errorf("labels.%s is from %s, want %s", path, got, want)
		}
	}
	if got := p.Section.Origin("attempt_timeout"); got != (Origin{From: "default"}) {
		t.Errorf("got %v", got)
	}
}

func TestPipelines_diagnostics(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"unknown parent, without anything that follows from it", `
[pipelines.base]
[pipelines.api]
extends = "bass"
stages = ["...", "retry"]
[pipelines.api.override.auth]
[pipelines.child]
extends = "api"
stages = ["..."]
[pipelines.child.override.auth]
`, `
p.toml:4:11: there is no pipeline bass
  extends = "bass"
            ^^^^^^
  did you mean base?`},
		{"a circle is told once", `
[pipelines.a]
extends = "b"
[pipelines.b]
extends = "c"
[pipelines.c]
extends = "a"
[pipelines.d]
extends = "a"
stages = ["x"]
[pipelines.d.override.y]
[pipelines.e]
extends = "e"
`, `
p.toml:7:11: pipelines extend each other in a circle: a → b → c → a
  extends = "a"
            ^^^
  let one of them stand alone

p.toml:11:2: pipeline d has no stage y to override
  [pipelines.d.override.y]
   ^^^^^^^^^^^^^^^^^^^^^^
  its stages: x

p.toml:13:11: pipelines extend each other in a circle: e → e
  extends = "e"
            ^^^
  let one of them stand alone`},
		{"lists", `
[pipelines.base]
stages = ["auth", "retry", "auth"]
[pipelines.api]
extends = "base"
stages = ["retry", "...", 5, "..."]
[pipelines.x]
stages = ["..."]
[pipelines.y]
stages = "retry"
`, `
p.toml:3:28: auth already stands in this list
  stages = ["auth", "retry", "auth"]
                             ^^^^^^
  give a second one a name of its own, and a table [stages.NAME] with use = "auth"

p.toml:6:20: retry comes with "..." too
  stages = ["retry", "...", 5, "..."]
                     ^^^^^
  give a second one a name of its own, and a table [stages.NAME] with use = "retry"

p.toml:6:27: expected the name of a stage, found the integer 5
  stages = ["retry", "...", 5, "..."]
                            ^

p.toml:6:30: "..." may stand in the list once
  stages = ["retry", "...", 5, "..."]
                               ^^^^^

p.toml:8:11: "..." stands for the stages of the pipeline that is extended, and there is none
  stages = ["..."]
            ^^^^^
  say which pipeline with extends

p.toml:10:10: expected an array of stage names, found the string "retry"
  stages = "retry"
           ^^^^^^^
  write ["auth", "retry"]`},
		{"overrides", `
[pipelines.api]
stages = ["retry"]
extends = 5
[pipelines.b]
stages = ["retry"]
override.log = 3
[pipelines.b.override.retyr]
[pipelines.b.override.retry]
use = "x"
[pipelines.c]
override = 1
`, `
p.toml:4:11: expected a string, found the integer 5
  extends = 5
            ^
  write the name of one pipeline

p.toml:7:16: expected a table, found the integer 3
  override.log = 3
                 ^
  write [pipelines.b.override.log]

p.toml:8:2: pipeline b has no stage retyr to override
  [pipelines.b.override.retyr]
   ^^^^^^^^^^^^^^^^^^^^^^^^^^
  did you mean retry?

p.toml:10:1: an override can not change what a stage is
  use = "x"
  ^^^
  use stands in [stages.retry]

p.toml:12:12: expected a table, found the integer 1
  override = 1
             ^
  write [pipelines.c.override.STAGE]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := read(t, "version = 1"+tt.src)
			if diff := cmp.Diff(trim(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelines_bounds(t *testing.T) {
	var chain strings.Builder
	chain.WriteString("version = 1\n")
	for i := range 500 {
		fmt.Fprintf(&chain, "[pipelines.p%d]\nextends = \"p%d\"\n", i, i+1)
	}
	chain.WriteString("[pipelines.p500]\nstages = [\"retry\"]\n")
	if _, got := read(t, chain.String()); !strings.Contains(got, "more than 32 pipelines extend each other") {
		t.Errorf("got %s", got)
	}
	list := make([]string, 101)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprint("s", i))
	}
	if _, got := read(t, "version = 1\n[pipelines.a]\nstages = ["+strings.Join(list, ", ")+"]\n"); !strings.Contains(got, "101 stages are too many: at most 100") {
		t.Errorf("got %s", got)
	}
}

func TestStage_without_a_table_is_diagnosed_where_the_list_names_it(t *testing.T) {
	p := mustRead(t, "version = 1\n[pipelines.a]\nstages = [\n  \"auth\",\n]\n").Pipelines()[0]
	d := p.Stages[0].Section.Diagnose([]string{"credential"}, "", "needs a credential")
	if d.Line != 4 || d.Column != 3 || d.Length != 6 || d.Path != "stages.auth.credential" {
		t.Errorf("got %+v", d)
	}
}
