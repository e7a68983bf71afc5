package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// check judges a file that begins with `version = 1`.
func check(t *testing.T, src string, overlays ...config.Overlay) (*pipeline.Plan, config.Diagnostics) {
	t.Helper()
	f, _ := config.Read("t.toml", []byte("version = 1\n"+src), overlays...)
	registry, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pipeline.Check(f, registry)
	diags, _ := errors.AsType[config.Diagnostics](err)
	if err != nil && diags == nil {
		t.Fatalf("not diagnostics: %v", err)
	}
	return plan, diags
}

func TestCheck_places_each_mistake(t *testing.T) {
	const p = "[pipelines.p]\nbase_url = \"https://h\"\n"
	const credential = "[credentials.c]\ntype = \"bearer\"\norigins = [\"https://h\"]\n"
	for _, tc := range []struct {
		name, src string
		at        string // line:column of the file, its first line being `version = 1`
		says      string
		hint      string
	}{
		{"unknown_stage", p + "stages = [\"rety\"]", "4:11", `unknown stage type "rety"`, "did you mean retry?"},
		{"unknown_stage_of_a_table", "[stages.x]\nuse = \"rety\"\n" + p + "stages = [\"x\"]", "3:7", `unknown stage type "rety"`, "did you mean retry?"},
		{"unknown_stage_that_nobody_lists", "[stages.rety]\n" + p, "2:2", `unknown stage type "rety"`, "did you mean retry?"},
		{"stage_of_a_plugin", p + "stages = [\"signer/hmac\"]", "4:11", `there is no plugin signer`, "add a table [plugins.signer]"},
		{"stage_twice", p + "stages = [\"retry\", \"retry\"]", "4:20", "", ""},
		{"value_of_a_stage", "[stages.retry]\nmax_attempts = 0\n" + p + "stages = [\"retry\"]", "3:16", "max_attempts", ""},
		{"override_of_a_stage", p + "stages = [\"retry\"]\n[pipelines.p.override.retry]\nmax_attempts = -1", "6:16", "max_attempts", ""},
		{"unknown_key", p + "timeot = \"1s\"", "4:1", "timeot", "timeout"},
		{"number_for_a_duration", p + "timeout = 5", "4:11", "", ""},
		{"no_deadline", p + "timeout = \"0s\"", "4:11", "timeout must be more than 0", "no deadline can be switched off"},
		{"expression", "[stages.retry]\nwhen = 'request.metod == \"GET\"'\n" + p + "stages = [\"retry\"]", "3:17", "unknown name request.metod; did you mean method?", ""},
		{"response_in_when", "[stages.retry]\nwhen = 'response.status == 200'\n" + p + "stages = [\"retry\"]", "3:9", "response", ""},
		{"unknown_credential", credential + "token = { env = \"T\" }\n" + p + "credential = \"d\"", "8:14", `unknown credential "d"`, ""},
		{"no_credential_at_all", p + "credential = \"d\"", "4:14", `unknown credential "d"`, "the file has no credentials yet"},
		{"auth_without_a_credential", p + "stages = [\"auth\"]", "2:2", "no credential is named", "credential = \"NAME\""},
		{"unknown_transport", p + "transport = \"mtsl\"\n[transports.mtls]", "4:13", `unknown transport "mtsl"`, "did you mean mtls?"},
		{"transport_of_a_credential", credential + "token = { env = \"T\" }\ntransport = \"x\"\n" + p, "6:13", `unknown transport "x"`, ""},
		{"half_a_client_certificate", "[transports.m]\ncert = \"a\"\n" + p, "2:2", "cert and key belong together", ""},
		{"credential_type", "[credentials.c]\ntype = \"barer\"\norigins = [\"https://h\"]\n" + p, "3:8", `unknown credential type "barer"`, "did you mean bearer?"},
		{"credential_without_a_type", "[credentials.c]\norigins = [\"https://h\"]\n" + p, "2:2", "type is missing", "bearer"},
		{"credential_without_origins", "[credentials.c]\ntype = \"bearer\"\ntoken = { env = \"T\" }\n" + p, "2:2", "a credential needs origins", ""},
		{"plain_http", "[credentials.c]\ntype = \"bearer\"\ntoken = { env = \"T\" }\norigins = [\"https://h\", \"http://h\"]\n" + p, "5:25", "must not travel over plain http", "insecure = true"},
		{"origin_with_a_path", "[credentials.c]\ntype = \"bearer\"\ntoken = { env = \"T\" }\norigins = [\"https://h/v1\"]\n" + p, "5:12", "only scheme, host and port", ""},
		{"literal_secret", credential + "token = \"hunter2hunter2\"\n" + p, "5:9", "a secret is never written into the file", "env"},
		{"unknown_shared_secret", "[secrets.db]\nenv = \"DB\"\n" + credential + "token = { secret = \"dp\" }\n" + p, "7:", `unknown secret "dp"`, "did you mean db?"},
		{"no_shared_secret", credential + "token = { secret = \"dp\" }\n" + p, "5:", `unknown secret "dp"`, "the file has no secrets yet"},
		{"shared_secret_of_a_text", "[credentials.c]\ntype = \"basic\"\norigins = [\"https://h\"]\nuser = { secret = \"u\" }\npassword = { env = \"P\" }\n" + p, "5:", `unknown secret "u"`, ""},
		{"shared_secret_in_fields", "[credentials.c]\ntype = \"login\"\norigins = [\"https://h\"]\nlogin = { path = \"/l\", send = { deep = { p = { secret = \"u\" } } } }\n" + p, "5:", `unknown secret "u"`, ""},
		{"secret_that_is_another_secret", "[secrets.a]\nsecret = \"b\"\n[secrets.b]\nenv = \"B\"\n" + p, "3:10", "a shared secret can not be another shared secret", "env, file or cmd"},
		{"secret_of_two_places", "[secrets.a]\nenv = \"A\"\nfile = \"a\"\n" + p, "2:2", "exactly one key", ""},
		{"base_url_that_is_relative", "[pipelines.p]\nbase_url = \"/v1\"", "3:12", "absolute http or https URL", ""},
		{"base_url_with_a_query", "[pipelines.p]\nbase_url = \"https://h?x=1\"", "3:12", "query", ""},
		{"base_url_with_a_password", "[pipelines.p]\nbase_url = \"https://ada:hunter2hunter2@h\"", "3:12", "must not hold a user or password", ""},
		{"extends_nobody", "[pipelines.p]\nbase_url = \"https://h\"\nextends = \"base\"", "4:11", "base", ""},
		{"extends_itself", "[pipelines.p]\nbase_url = \"https://h\"\nextends = \"p\"", "4:11", "", ""},
		{"plugin_without_command", "[plugins.x]\n" + p, "2:2", "a plugin needs a command", "command = ["},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, diags := check(t, tc.src)
			if len(diags) != 1 {
				t.Fatalf("%d diagnostics, want 1:\n%v", len(diags), diags)
			}
			d := diags[0]
			at := fmt.Sprintf("%d:%d", d.Line, d.Column)
			if !strings.HasPrefix(at, tc.at) || !strings.Contains(d.Message, tc.says) || !strings.Contains(d.Hint, tc.hint) || d.File != "t.toml" {
				t.Errorf("got\n%v\nwant %s: %s\n  %s", d, tc.at, tc.says, tc.hint)
			}
			if strings.Contains(d.Error(), "hunter2") {
				t.Errorf("the secret shows:\n%v", d)
			}
		})
	}
}

func TestCheck_finds_every_mistake_at_once_and_an_inherited_one_once(t *testing.T) {
	_, diags := check(t, `[stages.retry]
max_attempts = 0
jitter = "some"
[pipelines.base]
stages = ["retry", "nothing"]
timeout = "0s"
[pipelines.a]
extends = "base"
base_url = "https://a"
[pipelines.b]
extends = "base"
base_url = "ftp://b"
`)
	var got []string
	for _, d := range diags {
		got = append(got, fmt.Sprintf("%d:%d", d.Line, d.Column))
	}
	if want := "3:16 4:10 6:20 7:11 13:12"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s:\n%v", got, want, diags)
	}
}

func TestPlan_knows_templates_stages_and_origins_of_values(t *testing.T) {
	overlays := config.FromEnviron([]string{"LEAT_PIPELINES__A__TIMEOUT=7s"})
	set, err := config.ParseSet("pipelines.a.attempt_timeout=3s")
	if err != nil {
		t.Fatal(err)
	}
	plan, diags := check(t, `[pipelines.base]
stages = ["retry", "log"]
[pipelines.a]
extends = "base"
base_url = "https://a"
stages = ["...", "validate"]
[pipelines.alone]
`, append(overlays, set)...)
	if diags != nil {
		t.Fatal(diags)
	}
	var got []string
	for _, p := range plan.Pipelines {
		text := fmt.Sprintf("%s template=%v", p.Name, p.Template)
		for _, s := range p.Stages {
			text += " " + s.Type
		}
		got = append(got, text)
	}
	if want := "base template=true retry log|a template=false retry log validate|alone template=false"; strings.Join(got, "|") != want {
		t.Errorf("got %s", strings.Join(got, "|"))
	}
	a := plan.Pipelines[1]
	if a.Config.Timeout.String() != "7s" || a.Config.AttemptTimeout.String() != "3s" || a.Config.BodyIdleTimeout.String() != "10s" {
		t.Errorf("got %+v", a.Config)
	}
	for key, want := range map[string]string{"timeout": "env LEAT_", "attempt_timeout": "--set", "base_url": "pipelines.a", "body_idle_timeout": "default"} {
		if from := a.Section.Origin(key).From; !strings.HasPrefix(from, want) {
			t.Errorf("%s comes from %q, want %q", key, from, want)
		}
	}
}
