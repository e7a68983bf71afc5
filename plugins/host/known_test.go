package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// knowing has what is known make factories, as a Host does.
type knowing struct{ known }

func (k *knowing) Factory(p pipeline.PluginPlan, typ string) (pipeline.Factory, error) {
	c, err := k.config(p, typ)
	if err != nil {
		return pipeline.Factory{}, err
	}
	return pipeline.Define(typ, c, func(StageConfig, pipeline.Settings) (pipeline.Stage, error) { panic("nothing is built") }), nil
}

func (k *knowing) Probe(p pipeline.PluginPlan) error { return k.probe(p) }

// checked writes a file, and its lock if there is to be one, checks it, and returns every mistake.
func checked(t *testing.T, k *knowing, dir, src string) []string {
	t.Helper()
	name := filepath.Join(dir, "pipelines.toml")
	if err := os.WriteFile(name, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := pipeline.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	registry.UsePlugins(k)
	plan, err := pipeline.Check(f, registry)
	if err != nil {
		return cut(name, err.(config.Diagnostics))
	}
	return cut(name, pipeline.Probe(plan))
}

func cut(name string, diags config.Diagnostics) []string {
	all := words(diags)
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], name+":")
	}
	return all
}

func lock(t *testing.T, dir string, l *Locked) {
	t.Helper()
	if _, err := (&Lock{Plugins: map[string]*Locked{"signer": l}}).Write(filepath.Join(dir, "pipelines.lock")); err != nil {
		t.Fatal(err)
	}
}

const signing = "version = 1\n[plugins.signer]\ncommand = [\"signer\"]\n[pipelines.p]\nbase_url = \"https://a.example\"\nstages = [\"sign\"]\n[stages.sign]\n"

// ofLock ends the hints of what a newer plugin may know.
const ofLock = "the interface is that of pipelines.lock: if the plugin is newer, run `leat plugin lock`"

func TestCheck_against_the_lock(t *testing.T) {
	grant := func(grants string) string {
		return strings.Replace(signing, "[pipelines.p]", "grants = { "+grants+" }\n[pipelines.p]", 1) + "use = \"signer/hmac\"\nkey_env = \"K\""
	}
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"right", signing + "use = \"signer/hmac\"\nkey_env = \"K\"", nil},
		{"unknown_type", signing + "use = \"signer/hmca\"", []string{`8:7: plugin signer serves no type "hmca" (did you mean signer/hmac? ` + ofLock + `)`}},
		{"unknown_type_like_none", signing + "use = \"signer/ed25519\"", []string{`8:7: plugin signer serves no type "ed25519" (it serves hmac, nothing; ` + ofLock + `)`}},
		{"config", signing + "use = \"signer/hmac\"\nkeyenv = \"K\"", []string{"7:2: key_env is missing (The variable that holds the key.)", "9:1: unknown key keyenv (did you mean key_env? " + ofLock + ")"}},
		{"unknown_key_like_none", signing + "use = \"signer/hmac\"\nkey_env = \"K\"\nwhatever = 1", []string{"10:1: unknown key whatever (known keys: algorithm, key_env, parts, rounds, value, use, when, timeout, on_failure, role; " + ofLock + ")"}},
		{"unknown_value", signing + "use = \"signer/hmac\"\nkey_env = \"K\"\nalgorithm = \"blake3\"", []string{"10:13: this value is not known (one of sha256, sha512; " + ofLock + ")"}},
		{"grants", grant(`request = { headers = ["date"], body = "full", edit = ["X-Signature"] }`), nil},
		{
			"grants_that_are_too_narrow", grant(`request = { headers = ["date"] }`),
			[]string{`4:10: signer/hmac asks for request.body "digest", request.edit "x-signature", which grants do not allow (write request.body = "digest", request.edit = ["x-signature"] if it may have that; else use another plugin)`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			lock(t, dir, &Locked{Interface: described(t, nil)})
			if diff := cmp.Diff(c.want, checked(t, &knowing{}, dir, c.src)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheck_without_a_lock_takes_what_it_finds(t *testing.T) {
	if got := checked(t, &knowing{}, t.TempDir(), signing+"use = \"signer/whatever\"\ncolour = \"red\""); got != nil {
		t.Error(got)
	}
}

func TestCheck_of_a_lock_that_is_none(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pipelines.lock"), []byte("<<<<<<<"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := checked(t, &knowing{}, dir, signing+"use = \"signer/hmac\"")
	if len(got) != 1 || !strings.HasPrefix(got[0], "2:2: pipelines.lock: it is no lock") || !strings.HasSuffix(got[0], "(`leat plugin lock` writes it anew)") {
		t.Error(got)
	}
}

func TestCheck_sees_that_a_lock_was_written_anew(t *testing.T) {
	dir, k := t.TempDir(), &knowing{}
	src := signing + "use = \"signer/ed25519\""
	lock(t, dir, &Locked{Interface: described(t, nil)})
	if got := checked(t, k, dir, src); len(got) != 1 {
		t.Fatal(got)
	}
	lock(t, dir, &Locked{Interface: described(t, func(d *wire.DescribeResponse) { d.Types = append(d.Types, &wire.Type{Name: "ed25519"}) })})
	if got := checked(t, k, dir, src); got != nil {
		t.Error(got)
	}
}

func TestCheck_of_an_upgrade(t *testing.T) {
	const src = signing + "use = \"signer/hmac\"\nkey_env = \"K\""
	for _, c := range []struct {
		name string
		live func(*wire.DescribeResponse)
		want []string
	}{
		{"the_same", nil, nil},
		{"asks_for_less", func(d *wire.DescribeResponse) { d.Types[1].Needs.Request.Headers = nil }, nil},
		{"has_a_type_more", func(d *wire.DescribeResponse) {
			d.Types = append(d.Types, &wire.Type{Name: "x", Needs: &wire.Needs{Retry: true}})
		}, nil},
		{
			"asks_for_more", func(d *wire.DescribeResponse) {
				d.Types[1].Needs.Request.Headers = []string{"cookie"}
				d.Types[1].Needs.Answer = true
			},
			[]string{"3:11: the plugin asks for more than pipelines.lock has: hmac asks for request.headers \"cookie\" too; hmac asks for answer too (if that is right, `leat plugin lock` accepts it)"},
		},
		{
			"has_other_keys", func(d *wire.DescribeResponse) {
				d.Types[1].Schema = []byte(`{"properties": {"key": {}}, "additionalProperties": false}`)
			},
			[]string{"9:1: unknown key key_env (known keys: key, use, when, timeout, on_failure, role)"},
		},
		{
			"serves_another_type", func(d *wire.DescribeResponse) { d.Types = d.Types[:1] },
			[]string{`8:7: plugin signer serves no type "hmac" (it serves nothing)`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, k := t.TempDir(), &knowing{}
			lock(t, dir, &Locked{Interface: described(t, nil)})
			p := signer(dir)
			k.learn(p, described(t, c.live))
			if diff := cmp.Diff(c.want, checked(t, k, dir, src)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheck_of_the_program(t *testing.T) {
	const src = "version = 1\n[plugins.signer]\ncommand = [\"./bin/signer\"]\n"
	program := func(t *testing.T, dir string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "bin", "signer")
		if err := os.WriteFile(path, []byte("#!/bin/false\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		digest, err := Digest(path)
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	locked := func(t *testing.T, dir, digest string) {
		lock(t, dir, &Locked{Interface: described(t, nil), Programs: map[string]string{platform(): digest}})
	}
	other := strings.Repeat("ab", 32)
	t.Run("missing", func(t *testing.T) {
		want := []string{"3:12: there is no program ./bin/signer (a relative path begins beside the file; build or install it)"}
		if diff := cmp.Diff(want, checked(t, &knowing{}, t.TempDir(), src)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("as_the_lock_says", func(t *testing.T) {
		dir := t.TempDir()
		locked(t, dir, strings.ToUpper(program(t, dir)))
		if got := checked(t, &knowing{}, dir, src); got != nil {
			t.Error(got)
		}
	})
	t.Run("not_as_the_lock_says", func(t *testing.T) {
		dir := t.TempDir()
		program(t, dir)
		locked(t, dir, other)
		want := []string{"3:12: the program ./bin/signer is not the one that pipelines.lock was written for (if it is the right one, run `leat plugin lock`)"}
		if diff := cmp.Diff(want, checked(t, &knowing{}, dir, src)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("as_the_file_says", func(t *testing.T) {
		dir := t.TempDir()
		digest := program(t, dir)
		locked(t, dir, other)
		if got := checked(t, &knowing{}, dir, src+"sha256 = \""+strings.ToUpper(digest)+"\""); got != nil {
			t.Error(got)
		}
	})
	t.Run("not_as_the_file_says", func(t *testing.T) {
		dir := t.TempDir()
		digest := program(t, dir)
		want := []string{"4:10: the program ./bin/signer has another digest: " + digest + " (if it is the right one, write its digest here)"}
		if diff := cmp.Diff(want, checked(t, &knowing{}, dir, src+"sha256 = \""+other+"\"")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("locked_on_another_platform_only", func(t *testing.T) {
		dir := t.TempDir()
		program(t, dir)
		lock(t, dir, &Locked{Interface: described(t, nil), Programs: map[string]string{"plan9/mips": other}})
		if got := checked(t, &knowing{}, dir, src); got != nil {
			t.Error(got)
		}
	})
}

func TestCheck_of_files_of_the_command(t *testing.T) {
	const src = "version = 1\n[plugins.signer]\ncommand = [\"python3\", \"-u\", \"sign.py\", \"lib/more.py\"]\n"
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for _, c := range []struct {
		name  string
		files map[string]string // by the lock; "" is the digest of the file that is there
		src   string
		want  []string
	}{
		{"as_the_lock_says", map[string]string{"sign.py": "", "lib/more.py": ""}, src, nil},
		{"of_a_lock_without_files", nil, src, nil},
		{"others", map[string]string{"sign.py": a, "lib/more.py": b}, src, []string{
			"3:29: the SHA-256 of the file sign.py is DIGEST, by pipelines.lock it must be " + a + " (if that is right, run `leat plugin lock`)",
			"3:40: the SHA-256 of the file lib/more.py is DIGEST, by pipelines.lock it must be " + b + " (if that is right, run `leat plugin lock`)",
		}},
		{"one_that_is_not_locked", map[string]string{"sign.py": ""}, src, []string{
			"3:40: pipelines.lock has no digest of the file lib/more.py (if that is right, run `leat plugin lock`)",
		}},
		{"one_that_is_gone", map[string]string{"gone.py": a}, strings.NewReplacer("sign.py", "gone.py", "more", "none").Replace(src), []string{
			"3:29: there is no file gone.py, of which pipelines.lock has the digest (if that is right, run `leat plugin lock`)",
		}},
		{"one_that_became_a_folder", map[string]string{"lib": a}, strings.Replace(src, "/more.py", "", 1), []string{
			"3:29: pipelines.lock has no digest of the file sign.py (if that is right, run `leat plugin lock`)",
			"3:40: there is no file lib, of which pipelines.lock has the digest (if that is right, run `leat plugin lock`)",
		}},
		{"locked_and_not_named_any_more", map[string]string{"sign.py": "", "lib/more.py": "", "old.py": a}, src, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "lib"), 0o700); err != nil {
				t.Fatal(err)
			}
			digest := ""
			for _, name := range []string{"sign.py", "lib/more.py"} {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte("pass"), 0o600); err != nil {
					t.Fatal(err)
				}
				var err error
				if digest, err = Digest(path); err != nil {
					t.Fatal(err)
				}
			}
			for name := range c.files {
				if c.files[name] == "" {
					c.files[name] = strings.ToUpper(digest)
				}
			}
			lock(t, dir, &Locked{Interface: described(t, nil), Files: c.files})
			got := checked(t, &knowing{}, dir, c.src)
			for i := range got {
				got[i] = strings.Replace(got[i], digest, "DIGEST", 1)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProbe_of_no_command_finds_nothing(t *testing.T) { // what is wrong is told where the table is read
	if err := new(known).probe(pipeline.PluginPlan{Name: "signer", Dir: t.TempDir()}); err != nil {
		t.Error(err)
	}
}

// TestExample_is_as_locked fails where an example was changed: run `leat plugin lock` in its folder.
func TestExample_is_as_locked(t *testing.T) {
	p := signer(filepath.Join("..", "examples", "tenant"))
	p.Name, p.Config.Command = "tenant", []string{"python3", "tenant.py"}
	l, err := new(known).locked(p)
	if err != nil || l == nil || len(l.Files) != 1 {
		t.Fatalf("got %+v, %v", l, err)
	}
	if err := new(known).probe(p); err != nil {
		t.Error(err)
	}
}

func TestLimit(t *testing.T) {
	grants := &pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"*"}, Body: pipeline.BodyFull, Edit: []string{"x-signature", "x-more"}}, Retry: true}
	for _, c := range []struct {
		name   string
		typ    string
		grants *pipeline.Needs
		locked bool
		want   func() *pipeline.Needs
	}{
		{"nobody_says", "hmac", nil, false, func() *pipeline.Needs { return nil }},
		{"grants", "hmac", grants, false, func() *pipeline.Needs { return grants }},
		{"grants_of_a_type_that_is_not_locked", "new", grants, true, func() *pipeline.Needs { return grants }},
		{"lock", "hmac", nil, true, func() *pipeline.Needs {
			return &pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"date"}, Body: pipeline.BodyDigest, Edit: []string{"x-signature"}}}
		}},
		{"both", "hmac", grants, true, func() *pipeline.Needs {
			return &pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"date"}, Body: pipeline.BodyDigest, BodyLimit: 1 << 20, Edit: []string{"x-signature"}}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.locked {
				lock(t, dir, &Locked{Interface: described(t, nil)})
			}
			p := signer(dir)
			p.Config.Grants = c.grants
			got, err := new(known).limit(p, c.typ)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want(), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGrants_that_name_something_are_enough_for_whoever_asks_for_all(t *testing.T) {
	all := Type{Name: "t", Needs: pipeline.Needs{
		Request: pipeline.RequestNeeds{Headers: []string{"*"}, Edit: []string{"*"}}, Response: &pipeline.ResponseNeeds{Headers: []string{"*"}}, Credentials: []string{"*"},
	}}
	p := signer("")
	for _, c := range []struct {
		name   string
		grants pipeline.Needs
		want   string
	}{
		{"some", pipeline.Needs{
			Request: pipeline.RequestNeeds{Headers: []string{"a"}, Edit: []string{"a"}}, Response: &pipeline.ResponseNeeds{Headers: []string{"a"}}, Credentials: []string{"a"},
		}, ""},
		{
			"none", pipeline.Needs{}, `signer/t asks for request.headers "*", request.edit "*", response, response.headers "*", credentials "*", which grants do not allow`,
		},
		{
			"some_of_another_place", pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"a"}, Edit: []string{"a"}}, Response: &pipeline.ResponseNeeds{}, Credentials: []string{"a"}},
			`signer/t asks for response.headers "*", which grants do not allow`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.Config.Grants = &c.grants
			got := ""
			if err := granted(p, all); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestGrantsText(t *testing.T) {
	got := grantsText([]string{`request.headers "a"`, `request.headers "b"`, "request.query", `request.body "full"`, "response", `response.body_limit 2MiB`, "retry"})
	want := `request.headers = ["a", "b"], request.query = true, request.body = "full", response = {…}, response.body_limit = "2MiB", retry = true`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
