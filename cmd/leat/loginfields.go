package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// openFields lists the fields of a login that are still to be given. password says that somebody brings one, also in place of the file's.
func openFields(send credential.Fields, password bool) []string {
	var open []string
	for _, name := range slices.Sorted(maps.Keys(send)) {
		if send[name] == "" {
			open = append(open, name)
		}
	}
	secret := slices.ContainsFunc(open, names{redact.New(redact.Rules{})}.secret)
	switch {
	case len(open) == 0 && !holdsRef(map[string]any(send)):
		if !slices.ContainsFunc([]string{"user", "username", "email", "login"}, func(name string) bool { return send[name] != nil }) {
			open = append(open, "user")
		}
		open = append(open, "password")
	case password && !secret:
		name := "password"
		for _, n := range slices.Sorted(maps.Keys(send)) {
			if _, isRef := send[n].(credential.Ref); isRef {
				name = n
				break
			}
		}
		open = append(open, name)
	}
	return open
}

// holdsRef reports whether the file has a secret for the login.
func holdsRef(v any) bool {
	switch v := v.(type) {
	case credential.Ref:
		return true
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holdsRef)
	case []any:
		return slices.ContainsFunc(v, holdsRef)
	}
	return false
}

// fill gets the fields that are not given yet, from standard input or from whoever sits there.
func (a *app) fill(ctx context.Context, f *form) (map[string]redact.Secret, error) {
	fields := maps.Clone(f.given)
	ask, secret := f.ask, f.secret
	if f.stdin {
		text, err := a.readSecret(ctx, f.flag)
		if err != nil {
			return nil, err
		}
		fields[secret[0]], secret = redact.NewSecret(text), nil
	}
	if len(ask)+len(secret) == 0 {
		return fields, nil
	}
	t, ok := a.terminal()
	if !ok || f.stdin {
		return nil, &exitError{exitUsage, errors.New(f.missing(ask, secret))}
	}
	fmt.Fprintf(a.std.err, "login of %s\n", f.title)
	for _, name := range slices.Concat(ask, secret) {
		text, err := t.ask(ctx, a.std.err, strings.ReplaceAll(name, "_", " ")+": ", slices.Contains(secret, name))
		switch {
		case ctx.Err() != nil:
			return nil, &exitError{code: exitInterrupted}
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read %s: %w", name, err)
		case text == "":
			return nil, &exitError{exitUsage, fmt.Errorf("%s was left empty", name)}
		}
		fields[name] = redact.NewSecret(text)
	}
	return fields, nil
}

// missing says how to give fields where nobody can be asked.
func (f *form) missing(ask, secret []string) string {
	var how []string
	for _, name := range ask {
		how = append(how, fmt.Sprintf("--field %s=…", name))
	}
	if len(secret) > 0 {
		how = append(how, f.flag)
	}
	is := "is"
	if len(how) > 1 {
		is = "are"
	}
	return fmt.Sprintf("%s %s missing, and standard input is no terminal to ask at: use %s", strings.Join(slices.Concat(ask, secret), " and "), is, strings.Join(how, " "))
}

// longestSecret bounds what is read from standard input.
const longestSecret = 64 << 10

// readSecret reads all of standard input but a last line end.
func (a *app) readSecret(ctx context.Context, flag string) (string, error) {
	type read struct {
		text []byte
		err  error
	}
	done := make(chan read, 1)
	go func() { // it ends with standard input, or with the process
		text, err := io.ReadAll(io.LimitReader(a.std.in, longestSecret+1))
		done <- read{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", &exitError{code: exitInterrupted}
	case r := <-done:
		text := strings.TrimSuffix(strings.TrimSuffix(string(r.text), "\n"), "\r")
		switch {
		case r.err != nil:
			return "", fmt.Errorf("%s: %w", flag, r.err)
		case len(r.text) > longestSecret:
			return "", &exitError{exitUsage, fmt.Errorf("%s: standard input holds more than 64 KiB", flag)}
		case text == "":
			return "", &exitError{exitUsage, fmt.Errorf("%s: standard input is empty", flag)}
		case strings.ContainsAny(text, "\r\n"):
			return "", &exitError{exitUsage, fmt.Errorf("%s: standard input holds more than one line", flag)}
		}
		return text, nil
	}
}
