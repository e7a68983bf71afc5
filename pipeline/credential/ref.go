package credential

import (
	"errors"
	"fmt"
	"strings"
)

// Ref is a typed reference to a secret, as the file writes it: { env = "NAME" }, { file = "path" }, { cmd = ["prog", "arg"] }
// or { secret = "NAME" }. It holds no value: Secrets.Resolve reads that when it is needed. The zero value refers to nothing.
type Ref struct {
	form string // "env", "file", "cmd", "secret", or "" for none
	name string // the variable, path or shared name
	args []string
}

// The four ways of writing a reference, in the order in which messages name them.
var refForms = [...]string{"env", "file", "cmd", "secret"}

const refHint = `write { env = "NAME" }, { file = "path" }, { cmd = ["program", "argument"] } or { secret = "NAME" }`

// Env refers to an environment variable, read each time that the secret is needed.
func Env(name string) Ref { return Ref{form: "env", name: name} }

// File refers to a file's content without one trailing newline; a relative path counts from the folder of the pipeline file.
func File(path string) Ref { return Ref{form: "file", name: path} }

// Command refers to what a program prints on standard output, without one trailing newline. No shell takes part.
func Command(program string, args ...string) Ref {
	return Ref{form: "cmd", args: append([]string{program}, args...)}
}

// Shared refers to the secret that the file declares once as [secrets.NAME].
func Shared(name string) Ref { return Ref{form: "secret", name: name} }

// IsZero reports whether r refers to nothing.
func (r Ref) IsZero() bool { return r.form == "" }

// SharedName returns NAME of a { secret = "NAME" } reference, and "" for the other forms; a loader checks it against [secrets].
func (r Ref) SharedName() string {
	if r.form != "secret" {
		return ""
	}
	return r.name
}

// String returns the reference, never the value: "env DEMO_PASSWORD", "file /run/token", "secret db", and for a command its
// program alone. It is "" for the zero value.
func (r Ref) String() string {
	switch r.form {
	case "":
		return ""
	case "cmd":
		return "cmd " + r.args[0]
	}
	return r.form + " " + r.name
}

// Format writes what String returns, whatever the verb: a command's arguments are nobody's business in a log.
func (r Ref) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }

// MarshalText returns what String returns.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalConfig reads a reference from the file's value: a table with exactly one of the keys env, file, cmd and secret.
// A literal string is an error that does not repeat it.
func (r *Ref) UnmarshalConfig(value any) error {
	table, ok := value.(map[string]any)
	if !ok {
		if _, literal := value.(string); literal {
			return &configError{text: "a secret is never written into the file", hint: refHint, secret: true}
		}
		return &configError{text: "a secret is a table that says where to read it", hint: refHint, secret: true}
	}
	if len(table) != 1 {
		return &configError{text: fmt.Sprintf("a secret has exactly one key, not %d", len(table)), hint: refHint}
	}
	for key, v := range table {
		ref, err := parseRef(key, v)
		if err != nil {
			return err
		}
		*r = ref
	}
	return nil
}

func parseRef(key string, v any) (Ref, error) {
	switch key {
	case "env", "file", "secret":
		name, ok := v.(string)
		if !ok || name == "" || strings.ContainsRune(name, 0) || key == "env" && strings.Contains(name, "=") {
			return Ref{}, &configError{path: key, text: key + " must be a name", hint: refHint, secret: true}
		}
		return Ref{form: key, name: name}, nil
	case "cmd":
		args, ok := stringList(v)
		if !ok || len(args) == 0 || args[0] == "" {
			return Ref{}, &configError{path: key, text: "cmd must be a list: the program, then its arguments", hint: refHint, secret: true}
		}
		return Ref{form: key, args: args}, nil
	}
	return Ref{}, &configError{path: quoteKey(key), text: fmt.Sprintf("unknown key %q of a secret", key), hint: refHint, secret: true}
}

func stringList(v any) ([]string, bool) {
	switch list := v.(type) {
	case []string:
		return append([]string(nil), list...), true
	case []any:
		out := make([]string, len(list))
		for i, e := range list {
			s, ok := e.(string)
			if !ok || strings.ContainsRune(s, 0) {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

// Text is a value that is no secret by itself but may be kept beside one, such as a user name: a literal string or a reference.
type Text struct {
	Literal string
	Ref     Ref
}

// IsZero reports whether neither a literal nor a reference is given.
func (t Text) IsZero() bool { return t.Literal == "" && t.Ref.IsZero() }

// UnmarshalConfig reads a string as a literal and a table as a reference.
func (t *Text) UnmarshalConfig(value any) error {
	if s, ok := value.(string); ok {
		*t = Text{Literal: s}
		return nil
	}
	var r Ref
	if err := r.UnmarshalConfig(value); err != nil {
		return err
	}
	*t = Text{Ref: r}
	return nil
}

// configError is a mistake in the file; the loader asks it for position and hint.
type configError struct {
	path, text, hint string
	secret           bool
}

func (e *configError) Error() string { return e.text }

// ConfigPath returns the key, below the decoded value, that the error is about: keys joined by dots, an index as [0], or "" for the value itself.
func (e *configError) ConfigPath() string { return e.path }

// Hint returns what to write instead, or "".
func (e *configError) Hint() string { return e.hint }

// Secret reports that the value at fault may be a secret, so that no diagnostic may show it.
func (e *configError) Secret() bool { return e.secret }

// mistakes collects what is wrong with a config, so that one run shows it all.
type mistakes []error

func (m *mistakes) add(wrong bool, path, text, hint string) {
	if wrong {
		*m = append(*m, &configError{path: path, text: text, hint: hint})
	}
}

func (m *mistakes) append(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

func (m *mistakes) join() error { return errors.Join(*m...) }
