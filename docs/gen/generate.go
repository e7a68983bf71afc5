package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"

	"github.com/leatdev/leat/docs"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/filestore"
	"github.com/leatdev/leat/pipeline/credential/redisstore"
	"github.com/leatdev/leat/stages"
)

//go:embed examples/*.toml
var examples embed.FS

func example(name string) (string, error) {
	text, err := examples.ReadFile("examples/" + name + ".toml")
	if err != nil {
		return "", fmt.Errorf("%s has no example: %w", name, err)
	}
	return string(text), nil
}

// generate returns the files of docs by name, from the source of the module at root.
func generate(root string) (map[string][]byte, error) {
	r, err := describe(root)
	if err != nil {
		return nil, err
	}
	var reference bytes.Buffer
	enc := json.NewEncoder(&reference)
	enc.SetIndent("", "\t")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"reference.json":   reference.Bytes(),
		"stages/README.md": stageIndex(r),
		"credentials.md":   credentialPage(r),
		"options.md":       tablePage(r),
		"plugin-rules.md":  rulesPage(),
	}
	if files["test-files.md"], err = testPage(root); err != nil {
		return nil, err
	}
	for _, t := range r.Stages {
		files["stages/"+t.Name+".md"] = stagePage(t)
	}
	return files, nil
}

func describe(root string) (docs.Reference, error) {
	s := &source{root: root, packages: map[string]*pkg{}}
	var r docs.Reference
	for _, f := range stages.All() {
		t, err := s.stage(f)
		if err == nil {
			t.Example, err = example(f.Type())
		}
		if err != nil {
			return r, fmt.Errorf("stage %s: %w", f.Type(), err)
		}
		r.Stages = append(r.Stages, t)
	}
	for _, f := range credential.BuiltIn() {
		t, err := s.credential(f)
		if err == nil {
			t.Example, err = example("credential-" + f.Type())
		}
		if err != nil {
			return r, fmt.Errorf("credential %s: %w", f.Type(), err)
		}
		r.Credentials = append(r.Credentials, t)
	}
	for _, f := range []credential.StoreFactory{credential.MemoryStoreFactory(), filestore.Factory(), redisstore.Factory()} {
		t, err := s.store(f)
		if err == nil {
			t.Example, err = example("store-" + f.Type())
		}
		if err != nil {
			return r, fmt.Errorf("store %s: %w", f.Type(), err)
		}
		r.Stores = append(r.Stores, t)
	}
	var err error
	r.Tables, err = s.tables()
	return r, err
}

// tables describes the tables of the file.
func (s *source) tables() ([]docs.Type, error) {
	plan, err := bare()
	if err != nil {
		return nil, err
	}
	p := plan.Pipelines[0].Config
	p.BaseURL = ""
	pipelines, err := s.table("pipelines", "What a request goes through, and for how long", p, pipelineKeys()...)
	if err != nil {
		return nil, err
	}
	c := plan.Credentials[0].Host
	c.Type, c.Origins = "", nil
	credentials, err := s.table("credentials", "Who we are, and where that may be shown", c)
	if err != nil {
		return nil, err
	}
	transports, err := s.table("transports", "How connections are made", plan.Transports["default"].Config)
	if err != nil {
		return nil, err
	}
	st := plan.Stores[0].Host
	st.Type = ""
	stores, err := s.table("stores", "Where tokens are kept, for longer than a process or for several", st)
	if err != nil {
		return nil, err
	}
	stages, err := s.stageTable()
	if err != nil {
		return nil, err
	}
	pl := plan.Plugins[0].Config
	pl.Command = nil
	plugins, err := s.table("plugins", "A program that serves stages of its own", pl)
	if err != nil {
		return nil, err
	}
	all := []docs.Type{pipelines, stages, plugins, credentials, stores, transports, secretTable()}
	for i := range all {
		if all[i].Example, err = example("table-" + all[i].Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// bare is the plan of a file that says as little as it can: it holds the defaults.
func bare() (*pipeline.Plan, error) {
	f, err := config.Read("bare.toml", []byte(`version = 1
pipelines.p = { base_url = "https://a.example", stages = [] }
credentials.c = { type = "bearer", origins = ["https://a.example"], token = { env = "T" } }
stores.s = { type = "memory" }
plugins.p = { command = ["p"] }
stages.s = { use = "p/t" }
pipelines.q = { base_url = "https://a.example", stages = ["s"] }
`))
	if err != nil {
		return nil, err
	}
	registry, err := pipeline.NewRegistry()
	if err != nil {
		return nil, err
	}
	return pipeline.Check(f, registry)
}

// The keys that the loader itself reads stand in no config.

func pipelineKeys() []docs.Option {
	return []docs.Option{
		{Name: "stages", Type: "list of strings", Default: "the parent's", Text: `The stages by name, outermost first; the list is the order. Each is a table [stages.NAME], or a type that runs on its defaults. "..." stands for the parent's list, so that a pipeline can add before and after it. A name stands once in a list.`},
		{Name: "extends", Type: "string", Default: "none", Text: "Names the pipeline whose values, stages and overrides this one begins with. Tables are merged key by key, lists are replaced. A pipeline without base_url that others extend is a template: it is never opened itself."},
		{Name: "override.STAGE", Type: "table", Default: "none", Text: "Keys of a stage's table with other values, for this pipeline and those that extend it."},
	}
}

func (s *source) stageTable() (docs.Type, error) {
	plan, err := bare()
	if err != nil {
		return docs.Type{}, err
	}
	remote, err := s.table("stages", "", *plan.Pipelines[1].Stages[0].Remote)
	if err != nil {
		return docs.Type{}, err
	}
	return docs.Type{
		Name: "stages", Summary: "How a stage behaves: these keys, and those of its type",
		Text: []string{
			"A stage without a table runs on the defaults of the type that has its name.",
			"`timeout`, `on_failure`, `role` and `unsafe` are keys of a stage that a [plugin](#pluginsname) serves; its type is written `PLUGIN/TYPE`.",
		},
		Options: append([]docs.Option{
			{Name: "use", Type: "string", Default: "the table's name", Text: "The stage's type, as `leat stages` lists them. So that a pipeline can have two stages of one type."},
			{Name: "when", Type: "condition on the request", Default: "always", Text: "The requests for which the stage runs; the others pass it by. It sees the request and the call as they stand at that place of the list, and no answer, because there is none yet."},
		}, remote.Options...),
	}, nil
}

func secretTable() docs.Type {
	return docs.Type{
		Name: "secrets", Summary: "Where a secret comes from, for those that several tables share",
		Text: []string{
			"A secret never stands in the file. Wherever an option's type is secret, it is a table with exactly one of these keys; here it has a name. It is read when it is first needed, and again after the server refused it.",
		},
		Options: []docs.Option{
			{Name: "env", Type: "string", Default: "", Text: "The name of an environment variable."},
			{Name: "file", Type: "string", Default: "", Text: "The path of a file, relative to this one; one newline at its end is not part of the secret."},
			{Name: "cmd", Type: "list of strings", Default: "", Text: "A program and its arguments; what it prints is the secret, without one newline at the end. No shell takes part."},
			{Name: "secret", Type: "string", Default: "", Text: "The name of a [secrets.NAME] table. Not within such a table."},
		},
	}
}
