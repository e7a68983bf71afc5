package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/leatdev/leat/docs"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/stages"
)

// TestReferenceFile: pipelines.toml names every option of the six stages, of its credential, of the file store, and of the tables, and what it shows
// commented out would be accepted.
func TestReferenceFile(t *testing.T) {
	src, err := os.ReadFile("../pipelines.toml")
	if err != nil {
		t.Fatal(err)
	}
	ref, err := docs.Read()
	if err != nil {
		t.Fatal(err)
	}
	text := string(src)
	need := func(where string, options []docs.Option) {
		for _, o := range options {
			name := o.Name[strings.LastIndex(o.Name, ".")+1:]
			if name == strings.ToUpper(name) {
				continue // a place for a name: override.STAGE
			}
			if !regexp.MustCompile(`(?m)(^|[#{,\s])` + regexp.QuoteMeta(name) + `\s*=|\.` + regexp.QuoteMeta(name) + `[\].]`).MatchString(text) {
				t.Errorf("pipelines.toml does not show %s of %s", o.Name, where)
			}
		}
	}
	for _, s := range ref.Stages {
		if s.Name != "headers" { // not in the demo
			need("stage "+s.Name, s.Options)
		}
	}
	for _, c := range ref.Credentials {
		if c.Name == "login" {
			need("credential "+c.Name, c.Options)
		}
	}
	for _, store := range ref.Stores {
		if store.Name == "file" {
			need("store "+store.Name, store.Options)
		}
	}
	for _, table := range ref.Tables {
		need("table "+table.Name, table.Options)
	}

	uncommented := regexp.MustCompile(`(?m)^# (\[[a-z.-]+\]|[a-z_0-9]+\s+=)`).ReplaceAllString(text, "$1")
	for _, empty := range []string{"ca ", "cert ", "key ", "expires_at ", "attempt_header ", "max_elapsed "} { // "" stands for "not set"
		uncommented = regexp.MustCompile(`(?m)^`+empty+`.*\n`).ReplaceAllString(uncommented, "")
	}
	uncommented = strings.Replace(uncommented, `schema       = "post.schema.json"`, "", 1) // a file that is not there
	f, err := config.Read("pipelines.toml", []byte(uncommented))
	if err != nil {
		t.Fatalf("with every comment switched on:\n%v", err)
	}
	r, err := pipeline.NewRegistry(stages.All()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.Check(f, r); err != nil {
		t.Errorf("with every comment switched on:\n%v", err)
	}
}
