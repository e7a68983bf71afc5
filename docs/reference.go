// Package docs holds the reference of everything that a file may say: stage types, credential types, store types and tables, with their options.
// It is generated from the comments and defaults of the configs that the file is decoded into, as are the pages beside it.
package docs

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:generate go run ./gen

//go:embed reference.json
var reference []byte

// Reference is the whole of it.
type Reference struct {
	Stages      []Type `json:"stages"`      // in the order of stages.All
	Credentials []Type `json:"credentials"` // in the order of credential.BuiltIn
	Stores      []Type `json:"stores"`      // where credentials keep tokens
	Tables      []Type `json:"tables"`      // what holds whatever the type: [pipelines.NAME], [stages.NAME], …
}

// Type is a stage type, a credential type, a store type or a table of the file.
type Type struct {
	Name    string   `json:"name"`
	Summary string   `json:"summary"` // what it does, in one sentence without a full stop
	Text    []string `json:"text"`    // what more there is to say, in paragraphs
	Options []Option `json:"options"`
	Example string   `json:"example"` // TOML
}

// Option is one key of a table.
type Option struct {
	Name    string `json:"name"` // "max_attempts", "rules[].match", "login.path"
	Type    string `json:"type"` // in words: "duration", "list of strings"
	Default string `json:"default"`
	Text    string `json:"text"`
}

// Read returns the reference. The caller owns it.
func Read() (Reference, error) {
	var r Reference
	if err := json.Unmarshal(reference, &r); err != nil {
		return r, fmt.Errorf("read the reference: %w", err)
	}
	return r, nil
}
