package pipeline

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/leatdev/leat/pipeline/redact"
)

// Factory makes the stages of one type; [Define] is the way to one.
type Factory struct {
	typ    string
	config func() any // a new *C that holds the defaults
	build  func(config any, s Settings) (Stage, error)
	needs  *Needs
}

// Define makes the factory of a stage type. C is the struct that the file's table is decoded into, over a copy of defaults; its
// fields have toml tags, and it may have a `Validate() error` ([Invalid] places a mistake) and a
// `CheckIn(Place) error` for what depends on the pipeline that the stage stands in. build is called once for each pipeline
// that the stage stands in; a stage that holds resources is an io.Closer.
func Define[C any, S Stage](typ string, defaults C, build func(C, Settings) (S, error)) Factory {
	return Factory{
		typ:    typ,
		config: func() any { c := defaults; return &c },
		build: func(config any, s Settings) (Stage, error) {
			stage, err := build(*config.(*C), s)
			if err != nil {
				return nil, err
			}
			return stage, nil
		},
	}
}

// WithNeeds returns the factory with the most that any config of the type asks for where its stages run in another process.
func (f Factory) WithNeeds(n Needs) Factory {
	f.needs = &n
	return f
}

// Around returns the factory whose stages are what wrap makes of f's, such as ones with something around each. All else, the config above
// all, is f's. Where a stage is an io.Closer, a [CallObserver] or a [Starter], what wrap makes of it should be one, too, and hand that on.
func (f Factory) Around(wrap func(Stage, Settings) (Stage, error)) Factory {
	build := f.build
	f.build = func(config any, s Settings) (Stage, error) {
		stage, err := build(config, s)
		if err != nil {
			return nil, err
		}
		return wrap(stage, s)
	}
	return f
}

// MostNeeds returns what WithNeeds has set, else the needs of the default config.
func (f Factory) MostNeeds() Needs {
	if f.needs != nil {
		return *f.needs
	}
	return f.NeedsOf(f.Config())
}

// NeedsOf returns what a stage of this config asks for: what its method Needs says, else what WithNeeds has set, else [DefaultNeeds].
func (f Factory) NeedsOf(config any) Needs {
	if own, ok := config.(interface{ Needs() Needs }); ok {
		return own.Needs()
	}
	if f.needs != nil {
		return *f.needs
	}
	return DefaultNeeds()
}

// IsZero reports whether f is the zero Factory, which makes nothing.
func (f Factory) IsZero() bool { return f.build == nil }

// Type returns the name that the file's `use` key knows the type by.
func (f Factory) Type() string { return f.typ }

// Config returns a pointer to a new config that holds the defaults.
func (f Factory) Config() any { return f.config() }

// Build makes a stage from a config that Config returned.
func (f Factory) Build(config any, s Settings) (Stage, error) { return f.build(config, s) }

// Place tells a config's CheckIn where the stage stands.
type Place struct {
	Pipeline    string
	Stage       string   // the stage's name
	Credential  string   // the pipeline's credential, "" if it has none
	Credentials []string // every credential of the file
	Stages      []string // the types of the pipeline's stages, outermost first
	Index       int      // of this stage in Stages
}

// Settings are the host's part of what a stage is built with; its config is the user's. The zero value works for a stage that a
// Go program builds itself.
type Settings struct {
	Pipeline   string            // the pipeline's name
	Stage      string            // the stage's name in the file
	Credential string            // the pipeline's credential
	Dir        string            // where relative paths of the file start
	Logger     *slog.Logger      // use Log
	Redactor   *redact.Redactor  // use Redact
	Transport  http.RoundTripper // for requests of the stage's own, outside every pipeline
	Remote     *RemoteConfig     // of a stage in another process; nil for others
	Random     func() float64    // draws jitter, from [0, 1), by any goroutine; nil: math/rand/v2

	state *stateStore
	hosts *Hosts
}

// Log returns the stage's logger; a Settings without one logs to slog.Default.
func (s Settings) Log() *slog.Logger {
	if s.Logger == nil {
		return slog.Default() //nolint:forbidigo // as documented
	}
	return s.Logger
}

// Redact returns the redactor; a Settings without one gives a strict one.
func (s Settings) Redact() *redact.Redactor {
	if s.Redactor == nil {
		return redact.New(redact.Rules{})
	}
	return s.Redactor
}

// State returns what create made the first time it was called for this pipeline, stage and key: state that must survive a reload of
// the file, such as a budget. A key that begins with "shared:" is one state for the whole runner.
func (s Settings) State(key string, create func() any) any {
	if s.state == nil {
		return create()
	}
	if len(key) < len("shared:") || key[:len("shared:")] != "shared:" {
		key = s.Pipeline + "\x00" + s.Stage + "\x00" + key
	}
	return s.state.get(key, create)
}

type stateStore struct {
	mu sync.Mutex
	m  map[string]any
}

func (s *stateStore) get(key string, create func() any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]any{}
	}
	v, ok := s.m[key]
	if !ok {
		v = create()
		s.m[key] = v
	}
	return v
}
