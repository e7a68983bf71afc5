package config

import (
	"maps"
	"slices"
	"strings"
)

// Pipeline is one [pipelines.NAME] with everything that it inherits.
type Pipeline struct {
	Name string
	// Section holds the pipeline's own keys and the inherited ones, without stages, extends and override.
	Section Section
	// Stages is the list that results, outermost first.
	Stages []Stage
}

// Stage is one entry of a pipeline's list.
type Stage struct {
	Name string // as the list names it; its table is [stages.NAME]
	Use  string // the type; Name unless the table says otherwise
	// Section holds the table with the pipeline's overrides, the host's keys included, without use. It has no keys if the
	// file says nothing about the stage: then it runs on its defaults.
	Section Section
	Origin  Origin // where a list names it, perhaps that of an inherited pipeline
}

const (
	ellipsis  = "..." // in a list: the parent's stages
	maxChain  = 32    // pipelines that extend each other
	maxStages = 100   // of one pipeline
)

// draft is a pipeline while it is resolved.
type draft struct {
	name      string
	own       *node
	keys      *node            // own and inherited keys, still with the structural ones
	list      []named          // the resulting list
	overrides map[string]*node // per stage, own over inherited
	broken    bool             // the list is not what was meant: whoever depends on it says nothing further
	depth     int
	state     int // 0 untouched, 1 on the way, 2 done
}

type named struct {
	name string
	at   *node
}

// resolver resolves the pipelines of one file.
type resolver struct {
	file    *File
	drafts  map[string]*draft
	names   []string
	way     []string
	effects map[effect]*node
}

// effect names a stage with the override that it is under, so that pipelines share the merged table.
type effect struct {
	stage    string
	override *node
}

func (f *File) resolve() {
	r := &resolver{file: f, drafts: map[string]*draft{}, effects: map[effect]*node{}}
	f.checkUse()
	for _, s := range f.Tables("pipelines") {
		r.names = append(r.names, s.name)
		r.drafts[s.name] = &draft{name: s.name, own: s.root}
	}
	for _, name := range r.names {
		d := r.drafts[name]
		r.draft(d)
		r.checkOverrides(d)
		f.pipelines = append(f.pipelines, r.pipeline(d))
	}
}

// draft resolves d after the pipelines that it extends.
func (r *resolver) draft(d *draft) {
	if d.state != 0 {
		return
	}
	d.state = 1
	r.way = append(r.way, d.name)
	parent := r.parent(d)
	d.keys = d.own
	if parent != nil {
		d.keys = merge(parent.keys.keep(inherited), d.own, false)
		d.depth = parent.depth + 1
	}
	r.list(d, parent)
	r.override(d, parent)
	d.state = 2
	r.way = r.way[:len(r.way)-1]
}

// inherited says which keys a child gets with the values: the structural ones have rules of their own.
func inherited(key string) bool { return key != "stages" && key != "extends" && key != "override" }

func (r *resolver) parent(d *draft) *draft {
	n := d.own.fields["extends"]
	if n == nil {
		return nil
	}
	d.broken = true
	name, ok := n.str()
	if !ok {
		r.file.report(n, n.val, "extends", "write the name of one pipeline", "expected a string, found %s", n.found())
		return nil
	}
	parent := r.drafts[name]
	if parent == nil {
		r.file.report(n, n.val, "extends", suggest(name, "known pipelines", r.names), "there is no pipeline %s", quoteKey(name))
		return nil
	}
	if parent.state == 1 {
		i := slices.Index(r.way, name)
		round := strings.Join(append(slices.Clone(r.way[i:]), name), " → ")
		r.file.report(n, n.val, "extends", "let one of them stand alone", "pipelines extend each other in a circle: %s", round)
		return nil
	}
	if len(r.way) < 2*maxChain {
		r.draft(parent)
	}
	if parent.depth+1 >= maxChain || parent.state != 2 {
		r.file.report(n, n.val, "extends", "", "more than %d pipelines extend each other", maxChain)
		return nil
	}
	d.broken = parent.broken
	return parent
}

func (r *resolver) list(d, parent *draft) {
	var above []named
	if parent != nil {
		above = parent.list
	}
	n := d.own.fields["stages"]
	if n == nil {
		d.list = above
		return
	}
	if n = n.read(); n.kind != array {
		d.broken = true
		r.file.report(n, n.span(), "stages", `write ["auth", "retry"]`, "expected an array of stage names, found %s", n.found())
		return
	}
	// A list that replaces the parent's is complete, whatever is wrong with the parent's.
	d.broken = d.broken && slices.ContainsFunc(n.items, func(i *node) bool { s, _ := i.str(); return s == ellipsis })
	seen := map[string]*node{}
	expanded := false
	for i, item := range n.items {
		path := joinPath([]string{"stages", index(i)})
		name, ok := item.str()
		switch {
		case !ok:
			d.broken = true
			r.file.report(item, item.val, path, "", "expected the name of a stage, found %s", item.found())
		case name == ellipsis && expanded:
			r.file.report(item, item.val, path, "", `"..." may stand in the list once`)
		case name == ellipsis:
			expanded = true
			if parent == nil && d.own.fields["extends"] == nil {
				r.file.report(item, item.val, path, "say which pipeline with extends", `"..." stands for the stages of the pipeline that is extended, and there is none`)
			}
			for _, s := range above {
				if r.first(seen, s.name, s.at, item, path) {
					d.list = append(d.list, s)
				}
			}
		case r.first(seen, name, item, item, path):
			d.list = append(d.list, named{name, item})
		}
	}
	if len(d.list) > maxStages {
		r.file.report(n, n.span(), "stages", "", "%d stages are too many: at most %d", len(d.list), maxStages)
		d.list = d.list[:maxStages]
	}
}

// first notes a name of a list, and reports one that stands there already.
func (r *resolver) first(seen map[string]*node, name string, at, item *node, path string) bool {
	if old := seen[name]; old != nil {
		where := "already stands in this list"
		if old.from != item.from || at != item {
			where = `comes with "..." too`
		}
		r.file.report(item, item.val, path, "give a second one a name of its own, and a table [stages.NAME] with use = "+quote(name), "%s %s", quoteKey(name), where)
		return false
	}
	seen[name] = at
	return true
}

func (r *resolver) override(d, parent *draft) {
	if parent != nil {
		d.overrides = parent.overrides
	}
	n := d.own.fields["override"]
	if n == nil {
		return
	}
	if n.kind != table {
		r.file.report(n, n.span(), "override", "write ["+joinPath([]string{"pipelines", d.name, "override"})+".STAGE]", "expected a table, found %s", n.found())
		return
	}
	merged := make(map[string]*node, len(n.fields)+len(d.overrides))
	maps.Copy(merged, d.overrides)
	for _, stage := range n.keys {
		o := n.fields[stage]
		if o.kind != table {
			r.file.report(o, o.span(), "", "write ["+joinPath([]string{"pipelines", d.name, "override", stage})+"]", "expected a table, found %s", o.found())
			continue
		}
		if use := o.fields["use"]; use != nil {
			r.file.report(use, use.key, "use", "use stands in ["+joinPath([]string{"stages", stage})+"]", "an override can not change what a stage is")
		}
		merged[stage] = merge(merged[stage], o, false)
	}
	d.overrides = merged
}

// checkOverrides reports own overrides of stages that the pipeline does not have. Inherited ones may be without use.
func (r *resolver) checkOverrides(d *draft) {
	n := d.own.fields["override"]
	if n == nil || n.kind != table || d.broken {
		return
	}
	names := make([]string, len(d.list))
	for i, s := range d.list {
		names[i] = s.name
	}
	for _, stage := range n.keys {
		if o := n.fields[stage]; o.kind == table && !slices.Contains(names, stage) {
			r.file.report(o, o.span(), "", suggest(stage, "its stages", names), "pipeline %s has no stage %s to override", quoteKey(d.name), quoteKey(stage))
		}
	}
}

func (r *resolver) pipeline(d *draft) Pipeline {
	f := r.file
	p := Pipeline{Name: d.name, Stages: make([]Stage, len(d.list))}
	p.Section = Section{file: f, name: d.name, path: joinPath([]string{"pipelines", d.name}), root: d.keys.keep(inherited)}
	for i, s := range d.list {
		st := Stage{Name: s.name, Use: s.name, Origin: f.origin(s.at)}
		if t, ok := f.Table("stages", s.name); ok {
			if use, ok := t.Text("use"); ok && use != "" {
				st.Use = use
			}
		}
		st.Section = Section{file: f, name: s.name, path: joinPath([]string{"stages", s.name}), root: r.effect(s, d.overrides[s.name])}
		p.Stages[i] = st
	}
	return p
}

// effect returns what a stage's table says under an override. Values from outside for [stages.NAME] go before the override.
func (r *resolver) effect(s named, override *node) *node {
	id := effect{s.name, override}
	if n := r.effects[id]; n != nil {
		return n
	}
	var base *node
	if t, ok := r.file.Table("stages", s.name); ok {
		base = t.root
	}
	n := merge(base, override, true)
	if n == nil {
		bare := *s.at
		bare.kind, bare.value, bare.text, bare.key = table, nil, false, span{}
		bare.stamp(joinPath([]string{"stages", s.name}))
		return &bare
	}
	n = n.keep(func(key string) bool { return key != "use" })
	if base != nil {
		n.key, n.val, n.from, n.path = base.key, base.val, base.from, base.path
	}
	r.effects[id] = n
	return n
}

// checkUse judges the one key of [stages.NAME] that is read here.
func (f *File) checkUse() {
	for _, s := range f.Tables("stages") {
		n := s.root.fields["use"]
		if n == nil {
			continue
		}
		if use, ok := n.str(); !ok {
			f.report(n, n.span(), "use", "", "expected a string, found %s", n.found())
		} else if use == "" {
			f.report(n, n.span(), "use", "leave it out: the table's name is the default", "use is empty")
		}
	}
}
