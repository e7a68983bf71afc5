package pipeline

import (
	"fmt"
	"slices"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/filestore"
)

// Registry knows the stage, credential and store types that a file may name. There is no global one: a program lists what it links.
// A registry is filled before it is used and only read afterwards.
type Registry struct {
	stages      map[string]Factory
	credentials map[string]credential.Factory
	stores      map[string]credential.StoreFactory
	plugins     PluginHost // nil: the program runs no plugins
}

// NewRegistry returns a registry of the given stages, of leat's own credential types, and of the stores "memory" and "file".
func NewRegistry(stages ...Factory) (*Registry, error) {
	r := &Registry{stages: map[string]Factory{}, credentials: map[string]credential.Factory{}, stores: map[string]credential.StoreFactory{}}
	if err := r.AddStages(stages...); err != nil {
		return nil, err
	}
	if err := r.AddStores(credential.MemoryStoreFactory(), filestore.Factory()); err != nil {
		return nil, err
	}
	return r, r.AddCredentials(credential.BuiltIn()...)
}

// AddStages adds stage types; a type that is there already is an error.
func (r *Registry) AddStages(stages ...Factory) error {
	for _, f := range stages {
		if _, ok := r.stages[f.Type()]; ok || f.Type() == "" || f.Type() == stageSend {
			return fmt.Errorf("register stage type %q: the name is taken or not allowed", f.Type())
		}
		r.stages[f.Type()] = f
	}
	return nil
}

// AddCredentials adds credential types; a type that is there already is an error.
func (r *Registry) AddCredentials(credentials ...credential.Factory) error {
	for _, f := range credentials {
		if _, ok := r.credentials[f.Type()]; ok || f.Type() == "" {
			return fmt.Errorf("register credential type %q: the name is taken or empty", f.Type())
		}
		r.credentials[f.Type()] = f
	}
	return nil
}

// AddStores adds store types; a type that is there already is an error.
func (r *Registry) AddStores(stores ...credential.StoreFactory) error {
	for _, f := range stores {
		if _, ok := r.stores[f.Type()]; ok || f.Type() == "" {
			return fmt.Errorf("register store type %q: the name is taken or empty", f.Type())
		}
		r.stores[f.Type()] = f
	}
	return nil
}

// UsePlugins has h make the stages whose types are written "PLUGIN/TYPE".
func (r *Registry) UsePlugins(h PluginHost) { r.plugins = h }

// StageTypes lists the stage types in alphabetical order.
func (r *Registry) StageTypes() []string { return sortedKeys(r.stages) }

// CredentialTypes lists the credential types in alphabetical order.
func (r *Registry) CredentialTypes() []string { return sortedKeys(r.credentials) }

// StoreTypes lists the store types in alphabetical order.
func (r *Registry) StoreTypes() []string { return sortedKeys(r.stores) }

// Stage returns the factory of a stage type.
func (r *Registry) Stage(typ string) (Factory, bool) {
	f, ok := r.stages[typ]
	return f, ok
}

// Credential returns the factory of a credential type.
func (r *Registry) Credential(typ string) (credential.Factory, bool) {
	f, ok := r.credentials[typ]
	return f, ok
}

// Store returns the factory of a store type.
func (r *Registry) Store(typ string) (credential.StoreFactory, bool) {
	f, ok := r.stores[typ]
	return f, ok
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
