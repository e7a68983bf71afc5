package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// loginFlags are the options of `leat login`.
type loginFlags struct {
	subject      string
	fields       []string
	password     bool
	refreshToken bool
}

func (a *app) loginVerb() *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login NAME",
		Short: "Log in, and have the token kept for other processes",
		Long: `Log in to a credential and keep the token in its store, from where every process that shares the store takes it.

For type login it asks for each field that the file leaves empty in login.send, or for user and password if that holds no secret; what
is secret is not echoed. For type oauth2 with grant refresh_token it asks for a refresh token, unless the file has one. Secrets are
never given as arguments, which everybody on the machine can read: only at the prompt, or by standard input.

The other types prove who they are with what the file configures, and need no login.`,
		Example: `  leat login api
  leat login api --field user=ada --password-stdin < password.txt
  leat login api --subject acme --refresh-token-stdin < token.txt`,
		Args:              between(1, "NAME"),
		ValidArgsFunction: a.credentialNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.password && f.refreshToken {
				return &exitError{exitUsage, errors.New("--password-stdin and --refresh-token-stdin exclude each other: there is one standard input")}
			}
			return a.withAccount(cmd.Context(), args, f.subject, func(c *account) error { return a.login(cmd.Context(), c, f) })
		},
	}
	subjectFlag(cmd, &f.subject)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.fields, "field", nil, "a field of the login that is no secret, as in user=ada (repeatable)")
	flags.BoolVar(&f.password, "password-stdin", false, "read the password from standard input")
	flags.BoolVar(&f.refreshToken, "refresh-token-stdin", false, "read a refresh token from standard input (type oauth2)")
	return cmd
}

func (a *app) login(ctx context.Context, c *account, f loginFlags) error {
	form, err := c.form(f)
	if err != nil {
		return err
	}
	if err := c.kept("a login from here would be lost at once"); err != nil {
		return err
	}
	if _, err := c.loadOr(ctx, false); err != nil { // before anybody types a password in vain
		return err
	}
	if err := c.probe(ctx); err != nil { // before a token is spent for one that would be lost
		return err
	}
	fields, err := a.fill(ctx, form)
	if err != nil {
		return err
	}
	session, err := c.session()
	if err != nil {
		return err
	}
	if err := session.Login(ctx, fields); err != nil {
		return c.failed(ctx, err)
	}
	rec, err := c.stored(ctx, session)
	if err != nil {
		return err
	}
	r := c.report(ctx, rec)
	if a.json() {
		return a.writeJSON(r)
	}
	fmt.Fprintf(a.std.out, "logged in: %s\n", paint(a.std.out, color.Bold, c.String()))
	a.rows([][2]string{{"status", r.word()}, {"expires", moment(r.Expires, r.at)}, {"kept in", r.place()}})
	return nil
}

// form is what a login asks for.
type form struct {
	title  string
	given  map[string]redact.Secret
	ask    []string // not secret
	secret []string
	stdin  bool   // the secret ones come by standard input,
	flag   string // which this flag says
}

// form says what the login of c takes.
func (c *account) form(f loginFlags) (*form, error) {
	switch config := c.plan.Config.(type) {
	case *credential.LoginConfig:
		if f.refreshToken {
			return nil, &exitError{exitUsage, fmt.Errorf("credential %q is of type login: --refresh-token-stdin is for type oauth2", c.plan.Name)}
		}
		return c.loginForm(config, f)
	case *credential.OAuth2Config:
		if config.Grant != "refresh_token" {
			return nil, c.needsNone(fmt.Sprintf("its grant %s proves the program itself", config.Grant))
		}
		if f.password || len(f.fields) > 0 {
			return nil, &exitError{exitUsage, fmt.Errorf("credential %q takes a refresh token: use --refresh-token-stdin", c.plan.Name)}
		}
		out := &form{title: c.String(), given: map[string]redact.Secret{}, stdin: f.refreshToken, flag: "--refresh-token-stdin"}
		if f.refreshToken || config.RefreshToken.IsZero() {
			out.secret = []string{"refresh_token"}
		}
		return out, nil
	}
	return nil, c.needsNone("it reads its secret from where the file says")
}

func (c *account) needsNone(why string) error {
	return &exitError{exitUsage, fmt.Errorf("credential %q of type %s needs no login: %s", c.plan.Name, c.plan.Host.Type, why)}
}

// loginForm asks for what the file leaves empty, or for the usual two where it has no secret at all.
func (c *account) loginForm(config *credential.LoginConfig, f loginFlags) (*form, error) {
	hidden := names{redact.New(redact.Rules{})}
	out := &form{title: c.String(), given: map[string]redact.Secret{}, stdin: f.password, flag: "--password-stdin"}
	for _, field := range f.fields {
		name, value, ok := strings.Cut(field, "=")
		switch {
		case hidden.secret(name) && ok: // the value is not repeated
			return nil, &exitError{exitUsage, fmt.Errorf("--field %s=…: a secret is never an argument, which others can read: leave it out and type it, or use --password-stdin", name)}
		case !ok || name == "":
			return nil, &exitError{exitUsage, fmt.Errorf("--field %q: must be NAME=VALUE, as in user=ada", name)}
		case value == "":
			return nil, &exitError{exitUsage, fmt.Errorf("--field %s=: the value is missing", name)}
		}
		out.given[name] = redact.NewSecret(value)
	}
	for _, name := range openFields(config.Login.Send, f.password) {
		if _, given := out.given[name]; given {
			continue
		}
		if hidden.secret(name) {
			out.secret = append(out.secret, name)
		} else {
			out.ask = append(out.ask, name)
		}
	}
	if out.stdin && len(out.secret) != 1 {
		return nil, &exitError{exitUsage, fmt.Errorf("--password-stdin: credential %q takes %s: run it in a terminal", c.plan.Name, plural(len(out.secret), "secret field"))}
	}
	return out, nil
}
