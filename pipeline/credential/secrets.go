package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline/redact"
)

const maxSecret = 64 << 10

// Secrets resolves references. It keeps no value: each Resolve reads anew, so that a secret which was changed outside is
// found by the next token request. It is safe for concurrent use; nil resolves without shared or given secrets.
type Secrets struct {
	dir   string
	named func(string) (Ref, bool)
	given func(reference, name string) (string, bool) // a func, so that no verb of fmt can print the values
	learn func(redact.Secret)
	known string // the shared names, for a message
}

// NewSecrets returns a resolver. Relative file and program paths count from dir; named are the file's [secrets] tables; given,
// unless nil, is asked first: with the reference as it prints and, for an environment variable or a shared secret, its name; learn, unless nil, is told each
// value that was read, before Resolve returns it.
func NewSecrets(dir string, named map[string]Ref, given func(reference, name string) (string, bool), learn func(redact.Secret)) *Secrets {
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	slices.Sort(names)
	if given == nil {
		given = func(string, string) (string, bool) { return "", false }
	}
	return &Secrets{
		dir:   dir,
		named: func(name string) (Ref, bool) { r, ok := named[name]; return r, ok },
		given: given,
		learn: learn,
		known: strings.Join(names, ", "),
	}
}

// Format writes no value and no reference.
func (s *Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secrets") }

// Resolve reads the secret that r refers to. A missing or empty secret is an error which names the reference and says what to
// do; no error holds a value or anything that a command printed.
func (s *Secrets) Resolve(ctx context.Context, r Ref) (redact.Secret, error) {
	if s == nil {
		s = NewSecrets("", nil, nil, nil)
	}
	value, err := s.read(ctx, r)
	if err != nil {
		return redact.Secret{}, err
	}
	secret := redact.NewSecret(value)
	s.tell(secret)
	return secret, nil
}

func (s *Secrets) tell(secret redact.Secret) {
	if s != nil && s.learn != nil && !secret.IsZero() {
		s.learn(secret)
	}
}

func (s *Secrets) read(ctx context.Context, r Ref) (string, error) {
	name := ""
	if r.form == "env" || r.form == "secret" {
		name = r.name
	}
	if value, ok := s.given(r.String(), name); ok {
		if value == "" {
			return "", fmt.Errorf("%v is empty: the program gave it so", r)
		}
		return value, nil
	}
	switch r.form {
	case "env":
		return readEnv(r)
	case "file":
		return s.readFile(r)
	case "cmd":
		out, err := s.run(ctx, r, nil, commandTimeout)
		if err != nil {
			return "", err
		}
		return trimSecret(r, out)
	case "secret":
		return s.readShared(ctx, r)
	}
	return "", errors.New("no secret is configured: " + refHint)
}

func readEnv(r Ref) (string, error) {
	value, ok := os.LookupEnv(r.name)
	switch {
	case !ok:
		return "", fmt.Errorf("%v is not set: %s", r, setEnv())
	case value == "":
		return "", fmt.Errorf("%v is empty: %s", r, setEnv())
	}
	return value, nil
}

// setEnv says how a variable is set. A plugin's environment is what the file makes it, not what its host was started in.
func setEnv() string {
	if os.Getenv("LEAT_PLUGIN") != "" {
		return "name it in env of the plugin's table, and set it in the environment of the program that runs the pipelines"
	}
	return "set it in the environment of this program"
}

func (s *Secrets) readFile(r Ref) (string, error) {
	f, err := os.Open(s.path(r.name))
	if err != nil {
		return "", fmt.Errorf("%v: %w: create it, or correct the path", r, pathCause(err))
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("%v: %w", r, pathCause(err))
	}
	return trimSecret(r, data)
}

func (s *Secrets) readShared(ctx context.Context, r Ref) (string, error) {
	ref, ok := s.named(r.name)
	switch {
	case !ok && s.known == "":
		return "", fmt.Errorf("%v is not declared: add [secrets.%s]", r, r.name)
	case !ok:
		return "", fmt.Errorf("%v is not declared: add [secrets.%s], or use one of: %s", r, r.name, s.known)
	case ref.form == "secret":
		return "", fmt.Errorf("%v refers to another shared secret: let [secrets.%s] name env, file or cmd", r, r.name)
	}
	value, err := s.read(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("%v: %w", r, err)
	}
	return value, nil
}

func (s *Secrets) path(name string) string {
	if filepath.IsAbs(name) || s.dir == "" {
		return name
	}
	return filepath.Join(s.dir, name)
}

func trimSecret(r Ref, data []byte) (string, error) {
	if len(data) > maxSecret {
		return "", tooLong(r)
	}
	data, cut := bytes.CutSuffix(data, []byte("\n"))
	if cut {
		data = bytes.TrimSuffix(data, []byte("\r"))
	}
	if len(data) == 0 {
		return "", fmt.Errorf("%v gave an empty secret: put the value there", r)
	}
	return string(data), nil
}

func tooLong(r Ref) error { return fmt.Errorf("%v gave more than 64 KiB: that is no secret", r) }

// pathCause drops the path, which the reference names already.
func pathCause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
