package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func mustSet(t *testing.T, s string) Overlay {
	t.Helper()
	o, err := ParseSet(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFromEnviron(t *testing.T) {
	got := FromEnviron([]string{
		"PATH=/bin", "LEAT_CONFIG=x", "LEAT_STAGES__RETRY__MAX_ATTEMPTS=3", "LEAT_PIPELINES__API__TIMEOUT=a=b", "LEAT_X__Y", "XLEAT_A__B=1",
	})
	want := []Overlay{
		{From: "env LEAT_PIPELINES__API__TIMEOUT", Path: []string{"PIPELINES", "API", "TIMEOUT"}, Text: "a=b"},
		{From: "env LEAT_STAGES__RETRY__MAX_ATTEMPTS", Path: []string{"STAGES", "RETRY", "MAX_ATTEMPTS"}, Text: "3"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Overlay{})); diff != "" {
		t.Error(diff)
	}
}

func TestParseSet(t *testing.T) {
	for arg, want := range map[string]Overlay{
		"pipelines.api.timeout=5s":   {From: "--set pipelines.api.timeout", Path: []string{"pipelines", "api", "timeout"}, Text: "5s"},
		`stages."my.stage".x=a=b`:    {From: `--set stages."my.stage".x`, Path: []string{"stages", "my.stage", "x"}, Text: "a=b"},
		`stages."a=b".'c"d'.x = [1]`: {From: `--set stages."a=b"."c\"d".x`, Path: []string{"stages", "a=b", `c"d`, "x"}, Text: " [1]"},
	} {
		got, err := ParseSet(arg)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Overlay{})); err != nil || diff != "" {
			t.Errorf("ParseSet(%s): %v %s", arg, err, diff)
		}
	}
	for _, arg := range []string{"", "x", "=1", "a..b=1", `a."b=1`, "a.=1", "[0].x=1"} {
		if o, err := ParseSet(arg); err == nil {
			t.Errorf("ParseSet(%q) = %v, want an error", arg, o)
		}
	}
}

const overlaid = `version = 1
[stages.retry]
max_attempts = 4
base = "1s"
[pipelines.base]
timeout = "30s"
stages = ["auth", "retry"]
[pipelines.my-api]
extends = "base"
[pipelines.my-api.override.retry]
max_attempts = 2
`

func TestOverlays_win_over_everything_in_the_file(t *testing.T) {
	env := FromEnviron([]string{
		"LEAT_STAGES__RETRY__MAX_ATTEMPTS=9",
		"LEAT_PIPELINES__MY_API__TIMEOUT=7s",
		"LEAT_PIPELINES__MY_API__OVERRIDE__RETRY__BASE=3s",
		"LEAT_STAGES__AUTH__CREDENTIAL=demo",
		"LEAT_STAGES__RETRY__BASE=2s",
	})
	f := mustRead(t, overlaid, append(env, mustSet(t, "pipelines.my-api.timeout=8s"))...)
	want := trim(`
base
  timeout = 30s  (pipelines.base:6)
  [auth auth]  (pipelines.base:7)
    credential = demo  (env LEAT_STAGES__AUTH__CREDENTIAL:0)
  [retry retry]  (pipelines.base:7)
    max_attempts = 9  (env LEAT_STAGES__RETRY__MAX_ATTEMPTS:0)
    base = 2s  (env LEAT_STAGES__RETRY__BASE:0)
my-api
  timeout = 8s  (--set pipelines.my-api.timeout:0)
  [auth auth]  (pipelines.base:7)
    credential = demo  (env LEAT_STAGES__AUTH__CREDENTIAL:0)
  [retry retry]  (pipelines.base:7)
    max_attempts = 9  (env LEAT_STAGES__RETRY__MAX_ATTEMPTS:0)
    base = 3s  (env LEAT_PIPELINES__MY_API__OVERRIDE__RETRY__BASE:0)
`)
	if diff := cmp.Diff(want, trim(describe(f))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOverlays_change_lists_and_parents(t *testing.T) {
	f := mustRead(t, overlaid+"[pipelines.other]\n", mustSet(t, `pipelines.base.stages=["retry", "log"]`), mustSet(t, "pipelines.other.extends=base"))
	got := strings.Join(strings.Fields(describe(f)), " ")
	if !strings.Contains(got, "[log log] (--set pipelines.base.stages:0)") || !strings.Contains(got, "other timeout = 30s (pipelines.base:6)") {
		t.Errorf("got %s", got)
	}
}

func TestOverlays_that_match_nothing(t *testing.T) {
	overlays := FromEnviron([]string{"LEAT_PIPELINE__API__TIMEOUT=1s", "LEAT_PIPELINES__API__TIMEOUT=1s", "LEAT_VERSION__X=1", "LEAT_STAGES__RETYR__BASE=1s", "LEAT_STAGES____X=1"})
	for _, s := range []string{
		"version=2", "stages.retry=5", "pipelines.my_api.timeout=5s", "pipelines.my-api.override.retry=1", "pipelines.my-api.override.retri.x=1",
		"stages.retry.base.x=1", "pipelines.base.stages[0]=x", "credentials.demo.type=x",
	} {
		overlays = append(overlays, mustSet(t, s))
	}
	_, got := read(t, overlaid+"[pipelines.x-y]\n[pipelines.x_y]\n", append(overlays, FromEnviron([]string{"LEAT_PIPELINES__X_Y__A=1", "LEAT_PIPELINES__X_y__A=1"})...)...)
	want := trim(`
--set credentials.demo.type: credentials has no table demo

--set pipelines.base.stages[0]: pipelines.base.stages is an array: nothing inside it can be set
  set the whole value

--set pipelines.my-api.override.retri.x: no pipeline has a stage retri
  did you mean retry?

--set pipelines.my-api.override.retry: expected a key of a stage, as in pipelines.my-api.override.STAGE.KEY

--set pipelines.my_api.timeout: pipelines has no table my_api
  did you mean my-api?

--set stages.retry: expected a key of a table, as in stages.NAME.KEY

--set stages.retry.base.x: stages.retry.base is a string: nothing inside it can be set
  set the whole value

--set version: the version can not be set from outside
  write it in the file

env LEAT_PIPELINES__API__TIMEOUT: pipelines has no table API
  known: base, my-api, x-y, x_y

env LEAT_PIPELINES__X_Y__A: pipelines has no table X_Y: it could mean x-y or x_y
  did you mean x-y?

env LEAT_PIPELINES__X_y__A: pipelines has no table X_y: it could mean x-y or x_y
  did you mean x-y?

env LEAT_PIPELINE__API__TIMEOUT: there is no table PIPELINE
  did you mean pipelines?

env LEAT_STAGES__RETYR__BASE: stages has no table RETYR
  did you mean retry?

env LEAT_STAGES____X: stages has no table ""
  known: auth, retry

env LEAT_VERSION__X: there is no table VERSION
  known tables: credentials, pipelines, plugins, secrets, stages, stores, transports`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOverlays_are_read_as_the_type_that_is_wanted(t *testing.T) {
	type nested struct {
		X string `toml:"x"`
	}
	type config struct {
		Text   string            `toml:"text"`
		Int    int               `toml:"int"`
		Bool   bool              `toml:"bool"`
		Wait   time.Duration     `toml:"wait"`
		List   []string          `toml:"list"`
		Map    map[string]string `toml:"map"`
		Nested *nested           `toml:"nested"`
		Any    any               `toml:"any"`
	}
	f := mustRead(t, "version = 1\n[stages.a]\nnested = { x = \"file\" }\n",
		mustSet(t, "stages.a.text=5"), mustSet(t, "stages.a.int=0x10"), mustSet(t, "stages.a.bool=true"), mustSet(t, `stages.a.wait="5s"`),
		mustSet(t, `stages.a.list=["x", 'y']`), mustSet(t, `stages.a.map.Key=true`), mustSet(t, "stages.a.nested.x=1"), mustSet(t, "stages.a.any=no TOML"))
	s, _ := f.Table("stages", "a")
	var got config
	if ds := s.Decode(&got); len(ds) > 0 {
		t.Fatal(ds)
	}
	want := config{"5", 16, true, 5 * time.Second, []string{"x", "y"}, map[string]string{"Key": "true"}, &nested{"1"}, "no TOML"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	f = mustRead(t, "version = 1\n[stages.a]\n", mustSet(t, "stages.a.int=many"), mustSet(t, "stages.a.bool=1"), mustSet(t, "stages.a.wait=5"),
		mustSet(t, "stages.a.list=[1]"), mustSet(t, "stages.a.txet=5"), mustSet(t, "stages.a.nested.y=5"), mustSet(t, "stages.a.map=x\ny=1"))
	s, _ = f.Table("stages", "a")
	wantText := trim(`
--set stages.a.bool: expected true or false, found the integer 1

--set stages.a.int: expected an integer, found a string

--set stages.a.list: expected a string, found the integer 1

--set stages.a.map: expected a table, found a string

--set stages.a.nested.y: unknown key y
  known keys: x

--set stages.a.txet: unknown key txet
  did you mean text?

--set stages.a.wait: a duration needs a unit: "5s"
  write "5s"`)
	if diff := cmp.Diff(wantText, s.Decode(&config{}).Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
