package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

const hmacSchema = `{
	"type": "object", "additionalProperties": false, "required": ["key_env"],
	"properties": {
		"key_env": {"type": "string", "minLength": 1, "description": "The variable that holds the key."},
		"algorithm": {"enum": ["sha256", "sha512"]},
		"rounds": {"type": "integer", "minimum": 1},
		"parts": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"header": {"type": "string"}}}},
		"value": {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": false, "properties": {"expr": {"type": "string"}}}]}
	}
}`

// described is what a plugin that signs says about itself; change may change it.
func described(t *testing.T, change func(*wire.DescribeResponse)) *Interface {
	t.Helper()
	d := &wire.DescribeResponse{
		Name: "leat-signer", Version: "1.0.0", Sdk: "go 0.6.0",
		Types: []*wire.Type{
			{Name: "nothing", Doc: "Does nothing."},
			{Name: "hmac", Doc: "Signs requests.", Schema: []byte(hmacSchema), Needs: &wire.Needs{Request: &wire.RequestNeeds{
				Headers: []string{"date"}, Body: wire.BodyMode_DIGEST, Edit: []string{"x-signature"},
			}}},
		},
	}
	if change != nil {
		change(d)
	}
	i, err := interfaceFrom(d)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func signer(dir string) pipeline.PluginPlan {
	return pipeline.PluginPlan{Name: "signer", File: "some/where/pipelines.toml", Dir: dir, Config: pipeline.PluginConfig{Command: []string{"./signer"}}}
}

func TestLock_comes_back_as_it_was_written(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipelines.lock")
	want := &Lock{Plugins: map[string]*Locked{
		"signer": {Programs: map[string]string{"linux/amd64": strings.Repeat("ab", 32)}, Files: map[string]string{"sign.py": strings.Repeat("cd", 32)}, Interface: described(t, nil)},
		"other":  {Interface: described(t, func(d *wire.DescribeResponse) { d.Types = d.Types[:1] })},
	}}
	if changed, err := want.Write(path); err != nil || !changed {
		t.Fatal(changed, err)
	}
	got, err := ReadLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if changed, err := got.Write(path); err != nil || changed {
		t.Error("the same lock changes the file:", changed, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Error("files beside the lock:", left, err)
	}
}

func TestLock_is_read_by_people_too(t *testing.T) {
	l := &Lock{Plugins: map[string]*Locked{"signer": {
		Programs:  map[string]string{"linux/amd64": "abcd"},
		Files:     map[string]string{"./sign.py": "ef", "lib/more.py": "01"},
		Interface: described(t, func(d *wire.DescribeResponse) { d.Types[1].Schema = []byte(`{"type":"object","$comment":"<&>"}`) }),
	}}}
	got, err := l.text()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "version": 1,
  "plugins": {
    "signer": {
      "program": {
        "linux/amd64": "abcd"
      },
      "files": {
        "./sign.py": "ef",
        "lib/more.py": "01"
      },
      "name": "leat-signer",
      "version": "1.0.0",
      "sdk": "go 0.6.0",
      "types": {
        "hmac": {
          "doc": "Signs requests.",
          "needs": {
            "request": {
              "headers": [
                "date"
              ],
              "body": "digest",
              "edit": [
                "x-signature"
              ]
            }
          },
          "schema": {
            "$comment": "<&>",
            "type": "object"
          }
        },
        "nothing": {
          "doc": "Does nothing.",
          "needs": {},
          "schema": {
            "type": "object"
          }
        }
      }
    }
  }
}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestReadLock_of_nothing_is_empty(t *testing.T) {
	l, err := ReadLock(filepath.Join(t.TempDir(), "pipelines.lock"))
	if err != nil || len(l.Plugins) != 0 {
		t.Error(l, err)
	}
}

func TestReadLock_refuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no_JSON", "<<<<<<< ours", "pipelines.lock: it is no lock"},
		{"nothing", "", "pipelines.lock: it is no lock"},
		{"another_version", `{"version": 2, "plugins": 7}`, "pipelines.lock: version 2 of the lock is not known: this leat reads version 1"},
		{"needs_that_nobody_has", `{"version": 1, "plugins": {"a": {"types": {"b": {"needs": {"request": {"edit": ["host"]}}, "schema": {}}}}}}`, "plugin a, type b: needs: host belongs to the connection"},
		{"unknown_body_mode", `{"version": 1, "plugins": {"a": {"types": {"b": {"needs": {"request": {"body": "all"}}}}}}}`, `unknown body mode "all"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pipelines.lock")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadLock(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestLockName(t *testing.T) {
	for file, want := range map[string]string{"pipelines.toml": "pipelines.lock", "a/b.test.toml": "a/b.test.lock", "file": "file.lock"} {
		if got := LockName(file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
	if got, want := LockPath(signer("/etc/x")), filepath.Join("/etc/x", "pipelines.lock"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewLocked(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "signer"), []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	digest, err := Digest(filepath.Join(dir, "signer"))
	if err != nil {
		t.Fatal(err)
	}
	same, fresh := described(t, nil), described(t, func(d *wire.DescribeResponse) { d.Version = "2.0.0" })
	old := &Locked{Programs: map[string]string{"plan9/mips": "cafe"}, Interface: same}
	for _, c := range []struct {
		name string
		i    *Interface
		old  *Locked
		want map[string]string
	}{
		{"the_first", same, nil, map[string]string{platform(): digest}},
		{"keeps_those_of_other_platforms", same, old, map[string]string{platform(): digest, "plan9/mips": "cafe"}},
		{"drops_them_with_another_interface", fresh, old, map[string]string{platform(): digest}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := NewLocked(signer(dir), c.i, c.old)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, l.Programs); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a_program_of_PATH_has_no_digest", func(t *testing.T) {
		p := signer(dir)
		p.Config.Command = []string{"go", "run", "./signer"}
		if l, err := NewLocked(p, same, nil); err != nil || l.Programs != nil {
			t.Error(l, err)
		}
	})
	t.Run("files_of_arguments_have_one", func(t *testing.T) {
		if err := os.Mkdir(filepath.Join(dir, "lib"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(dir, "signer"), filepath.Join(dir, "lib", "link")); err != nil {
			t.Fatal(err)
		}
		p := signer(dir)
		p.Config.Command = []string{"python3", "-u", "signer", "./signer", "lib", "lib/link", "lib/none", "../" + filepath.Base(dir) + "/signer", filepath.Join(dir, "signer"), "--x=signer", ""}
		l, err := NewLocked(p, same, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"signer": digest, "./signer": digest, "lib/link": digest}, l.Files); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("no_program", func(t *testing.T) {
		if _, err := NewLocked(signer(t.TempDir()), same, nil); err == nil {
			t.Error("a digest of nothing")
		}
	})
}

func TestLocked_Changes(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	with := func(digest string) *Locked {
		l := &Locked{Interface: described(t, nil), Programs: map[string]string{}}
		if digest != "" {
			l.Programs[platform()] = digest
		}
		return l
	}
	of := func(l *Locked, files ...string) *Locked {
		l.Files = map[string]string{}
		for i := 0; i < len(files); i += 2 {
			l.Files[files[i]] = files[i+1]
		}
		return l
	}
	for _, c := range []struct {
		name     string
		old, new *Locked
		want     []string
	}{
		{"none", with(a), with(a), nil},
		{"the_first", nil, with(a), []string{"new: hmac, nothing"}},
		{"program", with(a), with(b), []string{"another program: digest bbbbbbbbbbbb…, was aaaaaaaaaaaa…"}},
		{"first_on_this_platform", with(""), with(a), []string{"digest for " + platform() + ": aaaaaaaaaaaa…"}},
		{"from_PATH_now", with(a), with(""), []string{"no digest: the program comes from PATH"}},
		{"files", of(with(a), "same", a, "gone", a, "other", a), of(with(a), "same", a, "other", b, "new", b), []string{
			"no digest of gone any more", "digest of new: bbbbbbbbbbbb…", "another other: digest bbbbbbbbbbbb…, was aaaaaaaaaaaa…",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.new.Changes(c.old)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
