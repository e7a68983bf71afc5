package main

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/leatdev/leat/docs"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

var stageOpening = regexp.MustCompile(`^Package \w+ is the stage (?:"[\w-]+": (?:it )?|that )`)

// stage describes a stage type: by the comment of its package, and of its Config but for the sentence that says what a Config is.
func (s *source) stage(f pipeline.Factory) (docs.Type, error) {
	cfg := reflect.ValueOf(f.Config()).Elem()
	c, p, err := s.of(cfg.Type())
	if err != nil {
		return docs.Type{}, err
	}
	all := paragraphs(p.doc)
	if len(all) == 0 || !stageOpening.MatchString(all[0]) {
		return docs.Type{}, fmt.Errorf(`the comment of package %s must begin with "is the stage that …" or "is the stage "NAME": …"`, cfg.Type().PkgPath())
	}
	t := docs.Type{Name: f.Type()}
	t.Summary, all[0] = sentence(capital(stageOpening.ReplaceAllString(all[0], "")))
	more := paragraphs(rename(c.doc, cfg.Type()))
	_, more[0] = sentence(more[0])
	t.Text = nonEmpty(append(all, more...))
	t.Options, err = s.options(cfg, "")
	return t, err
}

var credentialOpening = regexp.MustCompile(`^\w+ configures type "[\w-]+": `)

// credential describes a credential type by the comment of its config.
func (s *source) credential(f credential.Factory) (docs.Type, error) {
	cfg := reflect.ValueOf(f.Config()).Elem()
	c, _, err := s.of(cfg.Type())
	if err != nil {
		return docs.Type{}, err
	}
	all := paragraphs(rename(c.doc, cfg.Type()))
	if !credentialOpening.MatchString(all[0]) {
		return docs.Type{}, fmt.Errorf(`the comment of %s must begin with "configures type "NAME": …"`, cfg.Type())
	}
	t := docs.Type{Name: f.Type()}
	t.Summary, all[0] = sentence(capital(credentialOpening.ReplaceAllString(all[0], "")))
	t.Text = nonEmpty(all)
	t.Options, err = s.options(cfg, "")
	return t, err
}

var storeOpening = regexp.MustCompile(`^Package \w+ keeps `)

// store describes a store type by the comments of its package and of its config; one that is not configured has neither.
func (s *source) store(f credential.StoreFactory) (docs.Type, error) {
	cfg := reflect.ValueOf(f.Config()).Elem()
	if cfg.NumField() == 0 {
		return docs.Type{Name: f.Type(), Summary: "Keeps tokens as long as the process lives, for all its pipelines", Text: []string{}, Options: []docs.Option{}}, nil
	}
	c, p, err := s.of(cfg.Type())
	if err != nil {
		return docs.Type{}, err
	}
	all := paragraphs(p.doc)
	if len(all) == 0 || !storeOpening.MatchString(all[0]) {
		return docs.Type{}, fmt.Errorf(`the comment of package %s must begin with "keeps …"`, cfg.Type().PkgPath())
	}
	t := docs.Type{Name: f.Type()}
	t.Summary, all[0] = sentence(storeOpening.ReplaceAllString(all[0], "Keeps "))
	more := paragraphs(rename(c.doc, cfg.Type()))
	_, more[0] = sentence(more[0])
	t.Text = nonEmpty(append(all, more...))
	t.Options, err = s.options(cfg, "")
	return t, err
}

// table describes a table whose keys are the same whatever its type.
func (s *source) table(name, summary string, cfg any, structure ...docs.Option) (docs.Type, error) {
	v := reflect.ValueOf(cfg)
	c, _, err := s.of(v.Type())
	if err != nil {
		return docs.Type{}, err
	}
	all := paragraphs(c.doc)
	_, all[0] = sentence(all[0])
	t := docs.Type{Name: name, Summary: summary, Text: nonEmpty(all)}
	t.Options, err = s.options(v, "")
	t.Options = append(structure, t.Options...)
	return t, err
}

// options lists the keys of the struct v, which holds the defaults.
func (s *source) options(v reflect.Value, prefix string) ([]docs.Option, error) {
	c, _, err := s.of(v.Type())
	if err != nil {
		return nil, err
	}
	var out []docs.Option
	for f := range v.Type().Fields() {
		key := f.Tag.Get("toml")
		if key == "" || !f.IsExported() {
			continue
		}
		text := rename(strings.Join(paragraphs(c.fields[f.Name]), " "), v.Type())
		field := v.FieldByIndex(f.Index)
		if field.Kind() == reflect.Struct && !reads(f.Type) && !readsItself(f.Type) { // a table of its own: its keys say it all
			inner, err := s.options(field, prefix+key+".")
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		}
		o := docs.Option{Name: prefix + key}
		o.Type, _ = typeWords(f.Type)
		rest, said := split(text)
		o.Text = predicate(rest, key)
		if rest, ok := strings.CutSuffix(o.Text, " Required."); ok && said == "" {
			o.Text, said = rest, "required"
		}
		if o.Default = literal(field); o.Default == "" || said != "" && field.Type() == reflect.TypeFor[pipeline.Size]() && field.IsZero() { // no size stands for one
			o.Default = said
		} else if said != "" && !same(said, o.Default) {
			return nil, fmt.Errorf("%s.%s: the comment says that the default is %s, and it is %s", v.Type(), f.Name, said, o.Default)
		}
		out = append(out, o)
		inner, err := s.elements(f.Type, o.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, inner...)
	}
	return out, nil
}

// elements lists the keys of the tables that a list or a map holds, or of one that may be missing.
func (s *source) elements(t reflect.Type, name string) ([]docs.Option, error) {
	suffix := "[]."
	switch t.Kind() {
	case reflect.Slice:
	case reflect.Map:
		suffix = ".NAME."
	case reflect.Pointer:
		suffix = "."
	default:
		return nil, nil
	}
	if t = t.Elem(); t.Kind() != reflect.Struct || reads(t) || !strings.HasPrefix(t.PkgPath(), module) {
		return nil, nil
	}
	return s.options(reflect.New(t).Elem(), name+suffix)
}

// readsItself reports whether a type reads the file's value, whatever that is.
func readsItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[interface{ UnmarshalConfig(any) error }]())
}

func nonEmpty(all []string) []string {
	out := []string{}
	for _, p := range all {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}
