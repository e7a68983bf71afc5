package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatdev/leat/docs"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
	"github.com/leatdev/leat/stages"
)

const root = "../.."

func TestPagesAreFresh(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is stale: run go generate ./docs (%v)", name, err)
		}
	}
	pages, err := fs.Glob(os.DirFS(filepath.Join(root, "docs")), "stages/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if files[page] == nil {
			t.Errorf("docs/%s is a page of no stage: remove it", page)
		}
	}
}

// TestExamplesAreRight checks each example as a part of a file that has what the example leaves out.
func TestExamplesAreRight(t *testing.T) {
	r, err := describe(root)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.AddStores(redisstore.Factory()); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, src string) {
		t.Helper()
		f, err := config.Read("example.toml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pipeline.Check(f, registry)
		if err != nil {
			t.Fatal(err)
		}
		if err := pipeline.Probe(plan).Err(); err != nil {
			t.Fatal(err)
		}
	}
	const credentials = "[credentials.api]\ntype = \"bearer\"\norigins = [\"https://api.example.com\"]\ntoken = { env = \"API_TOKEN\" }\n"
	for _, s := range r.Stages {
		t.Run("stage "+s.Name, func(t *testing.T) {
			name := s.Name
			if !strings.Contains(s.Example, "[stages."+s.Name+"]") {
				name = "agent"
			}
			check(t, "version = 1\n"+credentials+s.Example+"[pipelines.api]\nbase_url = \"https://api.example.com\"\ncredential = \"api\"\nstages = [\""+name+"\"]\n")
		})
	}
	for _, c := range r.Credentials {
		t.Run("credential "+c.Name, func(t *testing.T) { check(t, "version = 1\n"+c.Example) })
	}
	for _, store := range r.Stores {
		t.Run("store "+store.Name, func(t *testing.T) { check(t, "version = 1\n"+credentials+store.Example) })
	}
	for _, table := range r.Tables {
		t.Run("table "+table.Name, func(t *testing.T) {
			if table.Name == "credentials" {
				check(t, "version = 1\n"+table.Example)
				return
			}
			check(t, "version = 1\n"+credentials+table.Example)
		})
	}
}

func TestEveryOptionIsExplained(t *testing.T) {
	r, err := docs.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range [][]docs.Type{r.Stages, r.Credentials, r.Stores, r.Tables} {
		if len(group) == 0 {
			t.Fatal("the reference is empty")
		}
		for _, typ := range group {
			if typ.Summary == "" || typ.Example == "" {
				t.Errorf("%s: no summary or no example", typ.Name)
			}
			for _, o := range typ.Options {
				if o.Name == "" || o.Type == "" || o.Text == "" {
					t.Errorf("%s: option %q has no type or no text", typ.Name, o.Name)
				}
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ text, rest, def string }{
		{"Base is the wait. Default \"200ms\".", "Base is the wait.", `"200ms"`},
		{"Multiplier grows. Default 2.0.", "Multiplier grows.", "2.0"},
		{"On says which; default is every 2xx. Others pass.", "On says which. Others pass.", "every 2xx"},
		{"Limit. Default: 4KiB; at most 1MiB.", "Limit. At most 1MiB.", "4KiB"},
		{"0, the default, reads again.", "0, the default, reads again.", ""},
	} {
		if rest, def := split(c.text); rest != c.rest || def != c.def {
			t.Errorf("split(%q): got %q, %q, want %q, %q", c.text, rest, def, c.rest, c.def)
		}
	}
}
