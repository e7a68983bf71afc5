package pipeline

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
)

// Plan is a file that was found right: everything decoded, nothing begun. [Check] makes it, [New] brings it to life.
type Plan struct {
	Pipelines   []PipelinePlan           // in the order of the file, templates too
	Credentials []CredentialPlan         // in the order of the file
	Stores      []StorePlan              // in the order of the file
	Plugins     []PluginPlan             // in the order of the file
	Transports  map[string]TransportPlan // by name; "default" is always there
	Secrets     map[string]credential.Ref
	Unused      []StagePlan // that no pipeline lists, in the order of the file

	file     *config.File
	registry *Registry
}

// PipelinePlan is one pipeline of a plan.
type PipelinePlan struct {
	Name     string
	Config   PipelineConfig
	Section  config.Section // where each value came from
	Stages   []StagePlan
	Template bool // has no base_url and others extend it: it can't be opened

	base *url.URL
}

// StagePlan is one stage of a pipeline of a plan.
type StagePlan struct {
	Name    string // in the file
	Type    string
	When    cond.When // zero: always
	Config  any       // a pointer to the type's config
	Section config.Section
	Listed  config.Origin // which list names it
	Remote  *RemoteConfig // of a stage in another process; nil for others

	factory Factory // zero: of a plugin, and the program runs none
	flawed  bool    // Config has mistakes
}

// CredentialPlan is one credential of a plan.
type CredentialPlan struct {
	Name    string
	Host    CredentialConfig // the keys that every credential has
	Config  any              // a pointer to the type's config
	Section config.Section

	factory credential.Factory
}

// StorePlan is one store of a plan.
type StorePlan struct {
	Name    string
	Host    StoreConfig // the keys that every store has
	Config  any         // a pointer to the type's config
	Section config.Section

	factory credential.StoreFactory
}

// TransportPlan is one transport of a plan.
type TransportPlan struct {
	Config  TransportConfig
	Section config.Section // zero for a "default" that the file does not change
}

// Check judges a file against the types that the program links. It touches nothing but memory. The error is a
// [config.Diagnostics] that holds every mistake, those that reading the file found included.
func Check(f *config.File, r *Registry) (*Plan, error) {
	plan, diags := Survey(f, r)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	return plan, nil
}

type checker struct {
	file     *config.File
	registry *Registry
	plan     *Plan
	diags    config.Diagnostics
	broken   []string // plugins whose tables have mistakes
}

func (c *checker) add(d ...config.Diagnostic) {
	for _, one := range d {
		if !slices.Contains(c.diags, one) { // an inherited mistake is one mistake
			c.diags = append(c.diags, one)
		}
	}
}

func (c *checker) secretTables() {
	for _, s := range c.file.Tables("secrets") {
		var ref credential.Ref
		value := map[string]any{}
		for _, key := range s.Keys() {
			value[key], _ = s.Value(key)
		}
		if err := ref.UnmarshalConfig(value); err != nil {
			c.add(s.Diagnose(nil, hintOf(err), "%v", err))
			continue
		}
		if ref.SharedName() != "" {
			c.add(s.Diagnose([]string{"secret"}, "let it name env, file or cmd", "a shared secret can not be another shared secret"))
			continue
		}
		c.plan.Secrets[s.Name()] = ref
	}
}

func (c *checker) transportTables() {
	for _, s := range c.file.Tables("transports") {
		t := defaultTransportConfig()
		c.add(s.Decode(&t)...)
		c.plan.Transports[s.Name()] = TransportPlan{t, s}
	}
}

func (c *checker) storeTables() {
	for _, s := range c.file.Tables("stores") {
		var host StoreConfig
		c.add(s.Only(storeKeys...).Decode(&host)...)
		c.secretsExist(s, &host)
		factory, ok := c.registry.Store(host.Type)
		if !ok {
			c.add(c.unknown(s, "type", "store type", host.Type, c.registry.StoreTypes()))
			continue
		}
		cfg := factory.Config()
		c.add(s.Decode(cfg, storeKeys...)...)
		c.secretsExist(s, cfg)
		c.plan.Stores = append(c.plan.Stores, StorePlan{Name: s.Name(), Host: host, Config: cfg, Section: s, factory: factory})
	}
}

func (c *checker) storeExists(s config.Section, name string) {
	if _, ok := c.file.Table("stores", name); ok || name == "" {
		return
	}
	var names []string
	for _, t := range c.file.Tables("stores") {
		names = append(names, t.Name())
	}
	c.add(c.unknown(s, "store", "store", name, names))
}

func (c *checker) credentialTables() {
	for _, s := range c.file.Tables("credentials") {
		host := CredentialConfig{MaxSessions: 10_000, Transport: "default", OnStoreFailure: credential.FailWithoutStore}
		c.add(s.Only(credentialKeys...).Decode(&host)...)
		factory, ok := c.registry.Credential(host.Type)
		if !ok {
			c.add(c.unknown(s, "type", "credential type", host.Type, c.registry.CredentialTypes()))
			continue
		}
		cfg := factory.Config()
		c.add(s.Decode(cfg, credentialKeys...)...)
		c.transportExists(s, host.Transport)
		c.storeExists(s, host.Store)
		c.secretsExist(s, cfg)
		c.plan.Credentials = append(c.plan.Credentials, CredentialPlan{Name: s.Name(), Host: host, Config: cfg, Section: s, factory: factory})
	}
}

// secretsExist reports the references to [secrets.NAME] tables that aren't there.
func (c *checker) secretsExist(s config.Section, cfg any) {
	config.Walk(cfg, func(path []string, v reflect.Value) {
		ref, ok := reflect.TypeAssert[credential.Ref](v)
		if text, isText := reflect.TypeAssert[credential.Text](v); isText {
			ref, ok = text.Ref, true
		}
		if _, there := c.file.Table("secrets", ref.SharedName()); !ok || there || ref.SharedName() == "" {
			return
		}
		var names []string
		for _, t := range c.file.Tables("secrets") {
			names = append(names, t.Name())
		}
		c.add(c.unknownAt(s, path, "secret", ref.SharedName(), names))
	})
}

func (c *checker) transportExists(s config.Section, name string) {
	if _, ok := c.plan.Transports[name]; !ok {
		c.add(c.unknown(s, "transport", "transport", name, sortedKeys(c.plan.Transports)))
	}
}

// unusedStages checks the types of stages that no pipeline lists, so that a mistake shows before the stage is first used.
func (c *checker) unusedStages() {
	used := map[string]bool{}
	for _, p := range c.file.Pipelines() {
		for _, s := range p.Stages {
			used[s.Name] = true
		}
	}
	for _, s := range c.file.Tables("stages") {
		if used[s.Name()] {
			continue
		}
		use, ok := s.Text("use")
		if !ok {
			use = s.Name()
		}
		if stage, ok := c.stage(config.Stage{Name: s.Name(), Use: use, Section: s.Without("use")}); ok {
			c.plan.Unused = append(c.plan.Unused, stage)
		}
	}
}

func (c *checker) pipeline(p config.Pipeline) {
	plan := PipelinePlan{Name: p.Name, Config: defaultPipelineConfig(), Section: p.Section}
	c.add(p.Section.Decode(&plan.Config)...)
	plan.Template = plan.Config.BaseURL == "" && c.extended(p.Name)
	if plan.Config.BaseURL != "" {
		plan.base, _ = parseBase(plan.Config.BaseURL)
	}
	if name := plan.Config.Credential; name != "" && !slices.Contains(c.credentialNames(), name) {
		c.add(c.unknown(p.Section, "credential", "credential", name, c.credentialNames()))
	}
	c.credentialReaches(p.Section, plan)
	c.transportExists(p.Section, plan.Config.Transport)
	place := Place{Pipeline: p.Name, Credential: plan.Config.Credential, Credentials: c.credentialNames()}
	for _, s := range p.Stages {
		place.Stages = append(place.Stages, s.Use)
	}
	for i, s := range p.Stages {
		stage, ok := c.stage(s)
		if !ok {
			continue
		}
		plan.Stages = append(plan.Stages, stage)
		place.Stage, place.Index = s.Name, i
		if in, ok := stage.Config.(interface{ CheckIn(Place) error }); ok && !plan.Template {
			if err := in.CheckIn(place); err != nil {
				c.misplaced(p, s, err)
			}
		}
	}
	c.plan.Pipelines = append(c.plan.Pipelines, plan)
}

// credentialReaches reports a pipeline whose credential may never go where the pipeline goes.
func (c *checker) credentialReaches(s config.Section, p PipelinePlan) {
	i := slices.IndexFunc(c.plan.Credentials, func(one CredentialPlan) bool { return one.Name == p.Config.Credential })
	if i < 0 || p.base == nil || len(c.plan.Credentials[i].Host.parsed) == 0 {
		return
	}
	origins := c.plan.Credentials[i].Host.parsed
	if slices.ContainsFunc(origins, func(o credential.Origin) bool { return o.Match(p.base) }) {
		return
	}
	origin := (&url.URL{Scheme: p.base.Scheme, Host: p.base.Host}).String()
	c.add(s.Diagnose([]string{"credential"}, fmt.Sprintf("add %q to origins in [credentials.%s], if it may go there", origin, p.Config.Credential),
		"credential %q never goes to this pipeline's base_url", p.Config.Credential))
}

// misplaced reports what CheckIn found, at the key it names or at the pipeline.
func (c *checker) misplaced(p config.Pipeline, s config.Stage, err error) {
	if path := pathOf(err); path != "" && s.Section.Has(path) {
		c.add(s.Section.Diagnose([]string{path}, hintOf(err), "%v", err))
		return
	}
	c.add(p.Section.Diagnose(nil, hintOf(err), "stage %s: %v", s.Name, err))
}

// stage decodes one entry of a pipeline's list.
func (c *checker) stage(s config.Stage) (StagePlan, bool) {
	plan := StagePlan{Name: s.Name, Type: s.Use, Section: s.Section, Listed: s.Origin}
	factory, ok := c.registry.Stage(s.Use)
	hostKeys := []string{"when"}
	switch {
	case ok:
	case strings.Contains(s.Use, "/"):
		if factory, ok = c.remote(s); !ok {
			return plan, false
		}
		remote, remoteKeys := defaultRemoteConfig(), remoteKeysOf(s.Section)
		c.add(s.Section.Only(remoteKeys...).Decode(&remote)...)
		plan.Remote = &remote
		hostKeys = append(hostKeys, remoteKeys...)
	default:
		c.add(c.unknownStage(s))
		return plan, false
	}
	var host struct {
		When cond.When `toml:"when"`
	}
	c.add(s.Section.Only("when").Decode(&host)...)
	plan.When, plan.factory = host.When, factory
	if factory.IsZero() {
		return plan, true
	}
	plan.Config = factory.Config()
	wrong := s.Section.Decode(plan.Config, hostKeys...)
	plan.flawed = len(wrong) > 0
	c.add(wrong...)
	return plan, true
}

func (c *checker) credentialNames() []string {
	var names []string
	for _, s := range c.file.Tables("credentials") {
		names = append(names, s.Name())
	}
	return names
}

func (c *checker) extended(name string) bool {
	for _, s := range c.file.Tables("pipelines") {
		if parent, ok := s.Text("extends"); ok && parent == name {
			return true
		}
	}
	return false
}

// parseBase reads a base_url, symbolic or not.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(credential.ExpandSymbol(s))
	switch {
	case err != nil:
		return nil, errors.New("base_url is no URL") // not repeated: it may hold a password
	case u.User != nil:
		return nil, errors.New("base_url must not hold a user or password: use a credential")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("%q must be an absolute http or https URL", s)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("base_url must not have a query or fragment")
	}
	return u, nil
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func hintOf(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok {
		return h.Hint()
	}
	return ""
}

func pathOf(err error) string {
	if p, ok := err.(interface{ ConfigPath() string }); ok {
		return p.ConfigPath()
	}
	return ""
}
