package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
)

// Suffix is how the names of test files end.
const Suffix = ".test.toml"

// Suite is a test file that was found right. It is not changed by its tests, and any number of them may run at once.
type Suite struct {
	Name  string   // as it was given to Load
	Rules []string // the ids of the rules that it proves

	options   []pipeline.Option
	stages    Stages // nil: the options have all
	doc       *Document
	top       config.Section
	pipelines source // where the pipelines stand: this file or another
	inline    bool
	opened    []*opened // of each test; tests that set nothing share theirs
}

// opened are pipelines that were read and found right, or why they are not.
type opened struct {
	file *config.File
	plan *pipeline.Plan
	err  error
}

// source is a file that was read.
type source struct {
	name string // on the disk, or in the fs.FS
	text []byte
}

// Load reads the test file at path. The options say what the program links, pipeline.WithStages above all. The error is a
// config.Diagnostics with every mistake, those of the pipelines file that it names included.
func Load(path string, options ...pipeline.Option) (*Suite, error) {
	return LoadWith(path, nil, options...)
}

// Stages gives stage types to a test.
type Stages func(Needed) []pipeline.Factory

// Needed is what a test needs of stages that are elsewhere.
type Needed struct {
	Place    string // of the test: "FILE:LINE"
	Draws    Draws  // its jitter is drawn from these, over and over
	Mistakes bool   // its pipelines are wrong: their tables are to be judged as well as can be
}

// LoadWith is [Load] for stages that nobody can give a function to draw jitter with, for they run in another process. The options must
// not have the types that stages gives.
func LoadWith(path string, stages Stages, options ...pipeline.Option) (*Suite, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, config.Diagnostics{{File: path, Message: reason(err)}}
	}
	return read(source{path, text}, func(name string) (source, error) {
		name = filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
		text, err := os.ReadFile(name)
		return source{name, text}, err
	}, stages, options)
}

// LoadFS reads a test file of fsys. One of an os.DirFS is read where it is on the disk, as [Load] does; otherwise every file that it names
// must be in fsys, and files that its pipelines name can only be given by `files`.
func LoadFS(fsys fs.FS, name string, options ...pipeline.Option) (*Suite, error) {
	if f, err := fsys.Open(name); err == nil {
		onDisk, ok := f.(*os.File)
		_ = f.Close()
		if ok {
			return Load(onDisk.Name(), options...)
		}
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, config.Diagnostics{{File: name, Message: reason(err)}}
	}
	return read(source{name, text}, func(other string) (source, error) {
		other = path.Join(path.Dir(name), other)
		text, err := fs.ReadFile(fsys, other)
		return source{other, text}, err
	}, nil, options)
}

func reason(err error) string {
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		err = perr.Err
	}
	return err.Error()
}

func read(file source, open func(string) (source, error), stages Stages, options []pipeline.Option) (*Suite, error) {
	f, err := config.ReadBeside(ownKeys, file.name, file.text)
	if f == nil {
		return nil, err
	}
	s := &Suite{
		Name: file.name, options: append(slices.Clip(options), pipeline.WithStages(misbehaveFactory(), throughFactory())), stages: stages,
		doc: &Document{}, top: f.Beside(), pipelines: file, inline: true,
	}
	diags := misplaced(append(f.Diagnostics(), s.top.Decode(s.doc)...))
	s.Rules = s.doc.Rules
	if s.doc.File != "" {
		s.inline = false
		if f.HasTables() {
			diags = append(diags, s.top.Diagnose([]string{"file"}, "remove one of the two; set = [\"PATH=VALUE\"] in a test changes single values",
				"the pipelines come from %s, and tables of pipelines stand here too", s.doc.File))
		}
		if s.pipelines, err = open(s.doc.File); err != nil {
			diags = append(diags, s.top.Diagnose([]string{"file"}, "the path begins at the test file's folder", "%s: %s", s.doc.File, reason(err)))
			return nil, diags.Err()
		}
	}
	if len(s.doc.Tests) == 0 && len(diags) == 0 {
		diags = append(diags, s.top.Diagnose(nil, "begin one with [[test]]", "the file has no test"))
	}
	if len(diags) > 0 {
		return nil, diags.Sort().Err() // what follows would repeat them
	}
	s.open()
	for i := range s.doc.Tests {
		diags = append(diags, s.check(i)...)
	}
	diags = append(diags, s.checkNames()...)
	return s, diags.Sort().Err()
}

func (s *Suite) checkNames() (diags config.Diagnostics) {
	seen := map[string]bool{}
	for i, t := range s.doc.Tests {
		if seen[t.Name] && t.Name != "" {
			diags = append(diags, s.test(i).at("name").wrong("say what is different about this one", "two tests have this name"))
		}
		seen[t.Name] = true
	}
	return diags
}

// Tests returns the names of the tests, in the order of the file.
func (s *Suite) Tests() []string {
	names := make([]string, len(s.doc.Tests))
	for i, t := range s.doc.Tests {
		names[i] = t.Name
	}
	return names
}

// open reads and judges the pipelines of every test.
func (s *Suite) open() {
	var plain *opened
	for i, t := range s.doc.Tests {
		o := plain
		if o == nil || len(t.Set) > 0 {
			o = &opened{}
			if o.file, o.err = s.file(i, ""); o.err == nil {
				o.plan, o.err = s.plan(i, o.file)
			}
		}
		if len(t.Set) == 0 {
			plain = o
		}
		s.opened = append(s.opened, o)
	}
}

// file reads the pipelines of test i, as if they stood in dir unless that is "".
func (s *Suite) file(i int, dir string) (*config.File, error) {
	var overlays []config.Overlay
	for j, text := range s.doc.Tests[i].Set {
		o, err := config.ParseSet(text)
		at := s.test(i).at("set", index(j))
		if err != nil {
			return nil, config.Diagnostics{at.wrong("", "%s", strings.TrimPrefix(err.Error(), "--set "))}
		}
		overlays = append(overlays, o)
	}
	name := s.pipelines.name
	if dir != "" {
		name = filepath.Join(dir, filepath.Base(name))
	}
	f, err := config.ReadBeside(ownKeys, name, s.pipelines.text, overlays...)
	if err == nil && !s.inline && len(f.Beside().Keys()) > 0 {
		err = config.Diagnostics{s.top.Diagnose([]string{"file"}, "name a file of pipelines", "%s is a test file itself", s.doc.File)}
	}
	return f, err
}

// placed puts what is wrong with a value of `set` where the test says it.
func (s *Suite) placed(i int, diags config.Diagnostics) config.Diagnostics {
	for j, text := range s.doc.Tests[i].Set {
		o, err := config.ParseSet(text)
		for k, d := range diags {
			if err == nil && d.File == o.From {
				diags[k] = s.test(i).at("set", index(j)).wrong(d.Hint, "%s", d.Message)
			}
		}
	}
	return diags
}

func (s *Suite) plan(i int, f *config.File) (*pipeline.Plan, error) {
	registry, err := pipeline.RegistryOf(s.optionsOf(i)...)
	if err != nil {
		return nil, err
	}
	return pipeline.Check(f, registry)
}

// optionsOf returns what the program links, as test i draws.
func (s *Suite) optionsOf(i int) []pipeline.Option {
	if s.stages == nil {
		return slices.Clip(s.options)
	}
	test := &s.doc.Tests[i]
	needed := Needed{Place: fmt.Sprintf("%s:%d", s.Name, s.test(i).line()), Draws: test.Random.orMiddle(), Mistakes: test.Expect.Mistakes != nil}
	return append(slices.Clip(s.options), pipeline.WithStages(s.stages(needed)...))
}

// place is where in the test file something is expected or said.
type place struct {
	section config.Section
	path    []string
}

func (s *Suite) test(i int) place { return place{s.top, []string{"test", index(i)}} }

func (p place) at(more ...string) place {
	return place{p.section, append(slices.Clip(p.path), more...)}
}

func (p place) wrong(hint, format string, args ...any) config.Diagnostic {
	return p.section.Diagnose(p.path, hint, format, args...)
}

func (p place) line() int { return p.wrong("", "").Line }

func index(i int) string { return fmt.Sprintf("[%d]", i) }
