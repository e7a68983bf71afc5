package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// plugins is a host whose plugins are in this process: each serves the type "tag", whose config is any table.
type plugins struct {
	built   []*tag
	factory func(p pipeline.PluginPlan, typ string) error // what is wrong with a type
	probe   func(p pipeline.PluginPlan) error
}

// tagConfig takes every table.
type tagConfig struct{ values map[string]any }

func (c *tagConfig) UnmarshalConfig(value any) error {
	c.values = value.(map[string]any)
	if name, ok := c.values["wrong"].(string); ok {
		return errors.Join(pipeline.Invalid(name, "this is wrong"), pipeline.Invalid("", "so is the table"))
	}
	return nil
}

// tag is a stage that has to be started.
type tag struct {
	plugin   string
	values   map[string]any
	settings pipeline.Settings
	starts   int
	fails    error
}

func (s *tag) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

func (s *tag) Start(context.Context) error {
	s.starts++
	return s.fails
}

func (h *plugins) Factory(p pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	if h.factory != nil {
		if err := h.factory(p, typ); err != nil {
			return pipeline.Factory{}, err
		}
	}
	return pipeline.Define(typ, tagConfig{}, func(c tagConfig, s pipeline.Settings) (*tag, error) {
		stage := &tag{plugin: p.Name, values: c.values, settings: s}
		h.built = append(h.built, stage)
		return stage, nil
	}), nil
}

func (h *plugins) Probe(p pipeline.PluginPlan) error {
	if h.probe == nil {
		return nil
	}
	return h.probe(p)
}

// checkPlugins judges a file that begins with `version = 1` for a program that runs plugins.
func checkPlugins(t *testing.T, h pipeline.PluginHost, src string) (*pipeline.Plan, []string) {
	t.Helper()
	f, _ := config.Read("t.toml", []byte("version = 1\n"+src))
	registry, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	registry.UsePlugins(h)
	plan, err := pipeline.Check(f, registry)
	diags, _ := errors.AsType[config.Diagnostics](err)
	if err != nil && diags == nil {
		t.Fatalf("not diagnostics: %v", err)
	}
	return plan, diagnosed(diags)
}

func diagnosed(diags config.Diagnostics) []string {
	var all []string
	for _, d := range diags {
		text := fmt.Sprintf("%d:%d %s", d.Line, d.Column, d.Message)
		if d.Hint != "" {
			text += " (" + d.Hint + ")"
		}
		all = append(all, text)
	}
	return all
}

const (
	signerTable  = "[plugins.signer]\ncommand = [\"signer\"]\n"
	signPipeline = "[pipelines.p]\nbase_url = \"https://h\"\nstages = [\"sign\"]\n[stages.sign]\nuse = \"signer/tag\"\n" // its table begins in line 6 behind signerTable
)

func TestCheck_places_each_mistake_about_plugins(t *testing.T) {
	refusing := func(err error) *plugins {
		return &plugins{factory: func(pipeline.PluginPlan, string) error { return err }}
	}
	for _, tc := range []struct {
		name string
		host *plugins
		src  string
		want []string
	}{
		{name: "right", src: signerTable + signPipeline},
		{name: "command", src: "[plugins.a]\ncommand = []\n", want: []string{`2:2 a plugin needs a command (command = ["./bin/leat-plugin-signer"])`}},
		{name: "slash", src: "[plugins.\"a/b\"]\ncommand = [\"a\"]\n", want: []string{"2:2 a plugin's name can not hold a slash (a stage is used as NAME/TYPE)"}},
		{
			name: "every_key", src: signerTable + "env = [\"A\", \"B=c\", \"\", \"D E\"]\nsha256 = \"12\"\nstart_timeout = \"0s\"\nmax_in_flight = 0\ntls = 1\nargs = []\n",
			want: []string{
				"4:20 an entry of env is NAME or NAME=value", "4:24 an entry of env is NAME or NAME=value",
				"5:10 sha256 is 64 hexadecimal digits (as `sha256sum` prints them)",
				"6:17 start_timeout must be more than 0 (no deadline can be switched off; choose a long one)",
				"7:17 max_in_flight must be from 1 to 65536",
				"8:7 expected true or false, found the integer 1",
				"9:1 unknown key args (known keys: command, env, grants, max_in_flight, sha256, start_timeout, tls)",
			},
		},
		{
			name: "grants", src: signerTable + "[plugins.signer.grants]\nretri = true\n[plugins.signer.grants.request]\nbody = \"stream\"\nedit = [\"x-a\", \"Host\"]\ncall = [\"sub\"]\n",
			want: []string{
				"5:1 unknown key retri (did you mean retry?)",
				`7:8 body mode stream is not supported yet (write "full" with a body_limit, or "digest")`,
				"8:16 Host belongs to the connection: no stage of another process may change it (leave it out; the body's length follows the body)",
				`9:9 unknown word "sub" (one of subject, operation, labels, idempotency_key)`,
			},
		},
		{name: "no_such_plugin", src: signerTable + "[stages.x]\nuse = \"sgner/tag\"\n", want: []string{"5:7 there is no plugin sgner (did you mean signer/tag?)"}},
		{name: "no_type", src: signerTable + "[stages.x]\nuse = \"signer/\"\n", want: []string{"5:7 which type of plugin signer is meant? (write signer/TYPE)"}},
		{name: "listed_without_a_table", src: signerTable + "[pipelines.p]\nbase_url = \"https://h\"\nstages = [\"signr/tag\"]\n", want: []string{"6:11 there is no plugin signr (did you mean signer/tag?)"}},
		{
			name: "type", host: refusing(&pipeline.ConfigError{Message: `plugin signer serves no type "tag"`, Advice: "it serves hmac"}), src: signerTable + signPipeline,
			want: []string{`8:7 plugin signer serves no type "tag" (it serves hmac)`},
		},
		{
			name: "the_plugin's_table", host: refusing(&pipeline.PluginError{Err: pipeline.Invalid("command", "another program")}), src: signerTable + signPipeline,
			want: []string{"3:11 another program"},
		},
		{
			name: "the_plugin's_table_once", host: refusing(fmt.Errorf("it is %w", &pipeline.PluginError{Err: pipeline.Invalid("grants", "too narrow")})),
			src:  signerTable + signPipeline + "[stages.other]\nuse = \"signer/tag\"\n",
			want: []string{"2:2 too narrow"},
		},
		{name: "config", src: signerTable + signPipeline + "wrong = \"key\"\nkey = [1]\n", want: []string{"7:2 so is the table", "10:7 this is wrong"}},
		{name: "config_of_an_override", src: signerTable + signPipeline + "[pipelines.p.override.sign]\nkey = 1\nwrong = \"key\"\n", want: []string{"7:2 so is the table", "10:7 this is wrong"}},
		{name: "when", src: signerTable + signPipeline + "when = 'request.metod'\n", want: []string{"9:17 unknown name request.metod; did you mean method?"}},
		{name: "timeout", src: signerTable + signPipeline + "timeout = 5\n", want: []string{`9:11 a duration needs a unit: "5s" (write "5s")`}},
		{name: "no_timeout", src: signerTable + signPipeline + "timeout = \"0s\"\n", want: []string{"9:11 timeout must be more than 0 (no deadline can be switched off; choose a long one)"}},
		{name: "role", src: signerTable + signPipeline + "role = \"secure\"\n", want: []string{`9:8 unknown role "secure" (one of security)`}},
		{
			name: "skips_security", src: signerTable + signPipeline + "role = \"security\"\non_failure = \"skip\"\n",
			want: []string{`10:14 a stage whose role is "security" must not be skipped when it fails (write on_failure = "fail"; unsafe = true insists on skipping)`},
		},
		{name: "insists_on_skipping_security", src: signerTable + signPipeline + "role = \"security\"\non_failure = \"skip\"\nunsafe = true\n"},
		{name: "unsafe_beside_role_is_ours", src: signerTable + signPipeline + "role = \"security\"\nunsafe = 1\n", want: []string{"10:10 expected true or false, found the integer 1"}},
		{name: "unsafe_elsewhere_is_the_type's", src: signerTable + signPipeline + "unsafe = 1\n"},
		{
			name: "on_failure", src: signerTable + signPipeline + "on_failure = \"skp\"\n",
			want: []string{`9:14 unknown on_failure "skp" (did you mean skip? one of fail, skip, { respond = 503 })`},
		},
		{name: "keys_of_remote_stages_on_a_built-in", src: "[stages.retry]\non_failure = \"skip\"\n", want: []string{"3:1 unknown key on_failure (known keys: attempt_header, base, budget, hints, host_cooldown, idempotent, jitter, max_attempts, max_delay, max_elapsed, max_retry_after, multiplier, nested_header, rules, unsafe, when)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			host := tc.host
			if host == nil {
				host = &plugins{}
			}
			_, got := checkPlugins(t, host, tc.src)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheck_reads_the_keys_of_the_host_and_leaves_the_others_to_the_plugin(t *testing.T) {
	for _, tc := range []struct {
		name, keys string
		remote     string // "timeout on_failure role unsafe"
		values     map[string]any
	}{
		{"defaults", "", `5s "fail"  false`, map[string]any{}},
		{"all", "timeout = \"1s\"\non_failure = { respond = 503 }\nrole = \"security\"\nunsafe = true\nkey = 1\nwhen = 'true'", "1s { respond = 503 } security true", map[string]any{"key": int64(1)}},
		{"skip", "on_failure = \"skip\"\nunsafe = true", `5s "skip"  false`, map[string]any{"unsafe": true}},
		{"fail", "on_failure = \"fail\"", `5s "fail"  false`, map[string]any{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, diags := checkPlugins(t, &plugins{}, signerTable+signPipeline+tc.keys)
			if diags != nil {
				t.Fatal(diags)
			}
			s := plan.Pipelines[0].Stages[0]
			if got := fmt.Sprintf("%s %s %s %t", s.Remote.Timeout, s.Remote.OnFailure, s.Remote.Role, s.Remote.Unsafe); got != tc.remote {
				t.Errorf("got %s, want %s", got, tc.remote)
			}
			if diff := cmp.Diff(tc.values, s.Config.(*tagConfig).values); diff != "" {
				t.Error(diff)
			}
			if p := plan.Plugins[0]; p.Name != "signer" || p.File != "t.toml" || p.Config.MaxInFlight != 256 || p.Config.StartTimeout.Seconds() != 10 {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestOnFailure_refuses(t *testing.T) {
	for _, tc := range []struct{ value, at, message string }{
		{`{ respond = 99 }`, "9:26", "respond is a status from 200 to 599"},
		{`{ respond = 600 }`, "9:26", "respond is a status from 200 to 599"},
		{`{ respond = "503" }`, "9:14", "a table of on_failure has one key, respond, with a status"},
		{`{ respond = 503, body = "" }`, "9:14", "a table of on_failure has one key, respond, with a status"},
		{`{}`, "9:14", "a table of on_failure has one key, respond, with a status"},
		{`503`, "9:14", "on_failure is a word or a table"},
		{`["skip"]`, "9:14", "on_failure is a word or a table"},
	} {
		t.Run(tc.value, func(t *testing.T) {
			_, got := checkPlugins(t, &plugins{}, signerTable+signPipeline+"on_failure = "+tc.value)
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.at+" "+tc.message) {
				t.Errorf("got %q, want %s %s", got, tc.at, tc.message)
			}
		})
	}
}

// openPlugins opens a file that has the pipeline p through signer/tag, and one without.
func openPlugins(t *testing.T, opts ...pipeline.Option) *pipeline.Runner {
	t.Helper()
	r, err := pipeline.OpenBytes(t.Context(), "t.toml", []byte("version = 1\n"+signerTable+signPipeline+"key = 1\n[pipelines.plain]\nbase_url = \"https://h\"\nstages = []\n"),
		append([]pipeline.Option{pipeline.WithEnviron(nil), pipeline.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestRunner_without_a_host_runs_the_pipelines_that_need_none(t *testing.T) {
	r := openPlugins(t)
	if _, err := r.Pipeline("plain"); err != nil {
		t.Error(err)
	}
	_, err := r.Pipeline("p")
	const want = "pipeline p: needs signer/tag, and this program runs no plugins: open the file with pipeline.WithPlugins(host.New())"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRunner_gives_a_stage_of_a_plugin_its_settings(t *testing.T) {
	host := &plugins{}
	r := openPlugins(t, pipeline.WithPlugins(host))
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pipeline.StageInfo{{Name: "sign", Type: "signer/tag"}}, p.Stages()); diff != "" {
		t.Error(diff)
	}
	if len(host.built) != 1 {
		t.Fatalf("%d stages were built", len(host.built))
	}
	s := host.built[0]
	if s.plugin != "signer" || s.settings.Stage != "sign" || s.settings.Pipeline != "p" || s.settings.Remote == nil || s.values["key"] != int64(1) {
		t.Errorf("got %+v", s)
	}
	if s.starts != 0 {
		t.Error("it was started by opening the file")
	}
}

func TestPipeline_Start_starts_its_stages_and_tells_what_fails(t *testing.T) {
	host := &plugins{}
	r := openPlugins(t, pipeline.WithPlugins(host))
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil || host.built[0].starts != 1 {
		t.Errorf("started %d times: %v", host.built[0].starts, err)
	}
	host.built[0].fails = errors.New("no such program")
	if err := p.Start(t.Context()); !errors.Is(err, host.built[0].fails) {
		t.Errorf("got %v", err)
	}
	plain, err := r.Pipeline("plain")
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Start(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProbe_judges_programs_and_builds_no_stage_of_a_plugin(t *testing.T) {
	for _, tc := range []struct {
		name string
		host pipeline.PluginHost
		want []string
	}{
		{"none_linked", nil, nil},
		{"right", &plugins{}, nil},
		{"wrong", &plugins{probe: func(p pipeline.PluginPlan) error {
			return pipeline.Invalid("command[0]", "there is no program %s", p.Config.Command[0])
		}}, []string{"3:12 there is no program signer"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, diags := checkPlugins(t, tc.host, signerTable+signPipeline)
			if diags != nil {
				t.Fatal(diags)
			}
			if diff := cmp.Diff(tc.want, diagnosed(pipeline.Probe(plan))); diff != "" {
				t.Error(diff)
			}
			if h, ok := tc.host.(*plugins); ok && len(h.built) > 0 {
				t.Error("a stage was built")
			}
		})
	}
}
