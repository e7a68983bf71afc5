package credential

import "log/slog"

// StoreFactory opens the stores of one type; DefineStore is the way to one.
type StoreFactory struct {
	typ    string
	config func() any
	open   func(config any, s StoreSettings) (Store, error)
}

// StoreSettings are the host's part of what a store is opened with; the config is the user's.
type StoreSettings struct {
	Name    string   // the store's name in the file
	Dir     string   // the folder of the pipeline file: relative paths count from it
	Secrets *Secrets // resolves Refs
	Codec   *Codec   // turns records into the bytes that are kept, sealed where the file gives a key
	Logger  *slog.Logger
}

// DefineStore makes the factory of a store type. C is the struct that the file's table is decoded into, over a copy of defaults; open
// is called once per table, and must not fail because what it connects to is away: that is for the store's methods to say.
func DefineStore[C any](typ string, defaults C, open func(C, StoreSettings) (Store, error)) StoreFactory {
	return StoreFactory{
		typ:    typ,
		config: func() any { c := defaults; return &c },
		open:   func(config any, s StoreSettings) (Store, error) { return open(*config.(*C), s) },
	}
}

// Type returns the name that the file's `type` key uses.
func (f StoreFactory) Type() string { return f.typ }

// Config returns a pointer to a new config that holds the defaults, to decode into.
func (f StoreFactory) Config() any { return f.config() }

// Open opens a store by a config that Config returned.
func (f StoreFactory) Open(config any, s StoreSettings) (Store, error) { return f.open(config, s) }

// MemoryStoreFactory makes stores of type "memory": tokens that live as long as the process.
func MemoryStoreFactory() StoreFactory {
	return DefineStore("memory", struct{}{}, func(struct{}, StoreSettings) (Store, error) { return NewMemoryStore(), nil })
}
