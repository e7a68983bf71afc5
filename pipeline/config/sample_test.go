package config

import (
	"strings"
	"time"
)

// placed is an error as the packages above make them.
type placed struct {
	path, text, hint string
	offset, length   int
	secret           bool
}

func (e placed) Error() string      { return e.text }
func (e placed) ConfigPath() string { return e.path }
func (e placed) Hint() string       { return e.hint }
func (e placed) Offset() int        { return e.offset }
func (e placed) Length() int        { return e.length }
func (e placed) Secret() bool       { return e.secret }

// expression refuses the word "bad" at its place, as a compiler would.
type expression struct{ text string }

func (e *expression) UnmarshalText(text []byte) error {
	e.text = string(text)
	if i := strings.Index(e.text, "bad"); i >= 0 {
		return placed{text: "unknown name bad", offset: len([]rune(e.text[:i])), length: 3}
	}
	return nil
}

// secret refuses a literal.
type secret struct{ env string }

func (s *secret) UnmarshalConfig(value any) error {
	m, ok := value.(map[string]any)
	if !ok {
		return placed{text: "a secret may not stand here", hint: `write { env = "NAME" }`, offset: -1, secret: true}
	}
	env, ok := m["env"].(string)
	if !ok {
		return placed{path: "env", text: "env must be a string", offset: -1}
	}
	s.env = env
	return nil
}

type rule struct {
	Match expression `toml:"match"`
	Kind  string     `toml:"kind"`
}

func (r rule) Validate() error {
	if r.Kind == "" {
		return placed{path: "kind", text: "a rule needs a kind"}
	}
	if r.Kind == "none" {
		return placed{path: "kind", text: "none is no kind", offset: 1, length: 2}
	}
	return nil
}

type common struct {
	Level string `toml:"level"`
}

type sample struct {
	common
	Attempts int               `toml:"max_attempts"`
	Small    int8              `toml:"small"`
	Port     uint16            `toml:"port"`
	Rate     float64           `toml:"rate"`
	On       bool              `toml:"on"`
	Base     time.Duration     `toml:"base"`
	Hints    []string          `toml:"hints"`
	Set      map[string]string `toml:"set"`
	Rules    []rule            `toml:"rules"`
	When     expression        `toml:"when"`
	Password secret            `toml:"password"`
	Inner    *rule             `toml:"inner"`
	Any      any               `toml:"any"`
	Ignored  func()
	failure  error
}

func (s *sample) Validate() error { return s.failure }
