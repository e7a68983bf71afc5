package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
)

// keep is an open file, for the verbs that act on what its stores keep.
type keep struct {
	app    *app
	plan   *pipeline.Plan
	runner *pipeline.Runner
	server *demoServer
	faults *faults
}

func (a *app) keep(ctx context.Context) (*keep, error) {
	plan, err := a.plan()
	if err != nil {
		return nil, err
	}
	k := &keep{app: a, plan: plan, faults: &faults{}}
	k.runner, k.server, err = a.open(ctx, pipeline.WithLogger(slog.New(k.faults)))
	return k, err
}

func (k *keep) close() {
	_ = k.runner.Close()
	k.server.close()
}

// account is a credential of the file, or one subject of it.
type account struct {
	*keep

	plan      pipeline.CredentialPlan
	key       credential.Key
	store     credential.Store // nil: the memory of each process
	storeType string
}

// withAccount opens the file, finds the credential that args name, "" being the only one, and has act act on it.
func (a *app) withAccount(ctx context.Context, args []string, subject string, act func(*account) error) error {
	k, err := a.keep(ctx)
	if err != nil {
		return err
	}
	defer k.close()
	plan, err := k.find(strings.Join(args, ""))
	if err != nil {
		return err
	}
	c := k.account(plan, subject)
	if err := c.checkSubject(ctx); err != nil {
		return err
	}
	return act(c)
}

func (k *keep) find(name string) (pipeline.CredentialPlan, error) {
	var known []string
	for _, c := range k.plan.Credentials {
		if c.Name == name || name == "" && len(k.plan.Credentials) == 1 {
			return c, nil
		}
		known = append(known, c.Name)
	}
	all := cmp.Or(strings.Join(known, ", "), "none")
	if name == "" {
		return pipeline.CredentialPlan{}, &exitError{exitUsage, fmt.Errorf("which credential? %s has %s", k.app.file, all)}
	}
	if near, ok := config.Nearest(name, known); ok {
		return pipeline.CredentialPlan{}, &exitError{exitUsage, fmt.Errorf("no credential %q in %s: did you mean %s?", name, k.app.file, near)}
	}
	return pipeline.CredentialPlan{}, &exitError{exitUsage, fmt.Errorf("no credential %q in %s: it has %s", name, k.app.file, all)}
}

func (k *keep) account(plan pipeline.CredentialPlan, subject string) *account {
	c := &account{keep: k, plan: plan, key: credential.Key{Credential: plan.Name, Subject: subject}}
	i := slices.IndexFunc(k.plan.Stores, func(s pipeline.StorePlan) bool { return s.Name == plan.Host.Store })
	if i < 0 {
		return c
	}
	if c.storeType = k.plan.Stores[i].Host.Type; c.storeType == "memory" {
		return c
	}
	if s, err := k.runner.Store(plan.Host.Store); err == nil { // Check has seen to it
		c.store = s
	}
	return c
}

// checkSubject wants a subject exactly where the credential has them.
func (c *account) checkSubject(ctx context.Context) error {
	switch has := c.key.Subject != ""; {
	case has == c.plan.Host.PerSubject:
		return nil
	case has:
		return &exitError{exitUsage, fmt.Errorf("credential %q has no subjects: leave --subject out, or say per_subject = true in the file", c.plan.Name)}
	}
	text := fmt.Sprintf("credential %q is per subject: say whose by --subject", c.plan.Name)
	if all, err := c.subjects(ctx); err == nil && len(all) > 0 {
		shown := all[:min(len(all), 5)]
		text += "; its store holds " + strings.Join(shown, ", ")
		if more := len(all) - len(shown); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	return &exitError{exitUsage, errors.New(text)}
}

// String names the credential and whose it is.
func (c *account) String() string {
	if c.key.Subject == "" {
		return "credential " + c.plan.Name
	}
	return fmt.Sprintf("credential %s of %s", c.plan.Name, c.key.Subject)
}

// command is how a verb is called for this account.
func (c *account) command(verb string) string {
	return c.app.credentialCommand(verb, c.plan.Name, c.key.Subject)
}

// credentialCommand is how a verb is called for a credential.
func (a *app) credentialCommand(verb, name, subject string) string {
	text := "leat " + verb + " "
	if a.file != defaultFile {
		text += "-c " + word(a.file) + " "
	}
	if text += word(name); subject != "" {
		text += " --subject " + word(subject)
	}
	return text
}

// word quotes what a shell would take apart.
func word(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:+%,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// kept refuses a credential whose token would end with this command.
func (c *account) kept(so string) error {
	if c.store != nil {
		return nil
	}
	var how string
	if c.plan.Host.Store == "" {
		how = fmt.Sprintf("give it a store that outlives it:\n\n  [stores.tokens]\n  type = \"file\"\n  dir  = \"tokens\"\n\n  [credentials.%s]\n  store = \"tokens\"",
			tomlKey(c.plan.Name))
	} else {
		how = fmt.Sprintf("its store %q is of type memory; one of type \"file\" or \"redis\" outlives it", c.plan.Host.Store)
	}
	return &exitError{exitUsage, fmt.Errorf("%s keeps its token in the memory of each process, so %s: %s", c, so, how)}
}

func tomlKey(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == "" {
		return name
	}
	return strconv.Quote(name)
}

// load reads what the store keeps.
func (c *account) load(ctx context.Context) (credential.Record, error) {
	if c.store == nil {
		return credential.Record{}, nil
	}
	wait, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	rec, err := c.store.Load(wait, c.key)
	if err != nil {
		return credential.Record{}, c.away(ctx, err)
	}
	return rec, nil
}

// probe asks the store whether it would keep a token.
func (c *account) probe(ctx context.Context) error {
	prober, ok := c.store.(credential.Prober)
	if !ok {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if err := prober.Probe(wait); err != nil {
		return c.away(ctx, err)
	}
	return nil
}

// away says that the store failed.
func (c *account) away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	return &exitError{exitStore, fmt.Errorf("%s: %w", c, err)}
}

// subjects lists whose tokens the store holds, sorted; those that were logged out are among them.
func (c *account) subjects(ctx context.Context) ([]string, error) {
	inspector, ok := c.store.(credential.Inspector)
	if !ok {
		return nil, nil
	}
	wait, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	keys, err := inspector.Keys(wait)
	if err != nil {
		return nil, c.away(ctx, err)
	}
	var all []string
	for _, k := range keys {
		if k.Credential == c.plan.Name && k.Subject != "" {
			all = append(all, k.Subject)
		}
	}
	slices.Sort(all)
	return all, nil
}

func (c *account) session() (*credential.Session, error) {
	return c.runner.Credential(c.plan.Name, c.key.Subject)
}

// failed says why a login or a renewal failed, and what to do.
func (c *account) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		err = e.Err // its name stands before
	}
	text := fmt.Errorf("%s: %w", c, err)
	if errors.Is(err, credential.ErrLoginRequired) {
		text = fmt.Errorf("%w: %s logs in", text, c.command("login"))
	}
	if session, err := c.session(); err == nil && session.State().StoreFailing {
		return &exitError{exitStore, text}
	}
	return &exitError{exitFailed, text}
}

// stored returns what the store keeps after the session brought it up to date, or why it could not.
func (c *account) stored(ctx context.Context, session *credential.Session) (credential.Record, error) {
	if session.State().Unsaved {
		text := fmt.Sprintf("%s: there is a new token, but it could not be stored and ends with this command: %s", c, c.faults.last())
		if config, ok := c.plan.Config.(*credential.OAuth2Config); ok && config.Grant == "refresh_token" {
			text += "; the given refresh token is spent, unless its server takes one twice: get another"
		}
		return credential.Record{}, &exitError{exitStore, errors.New(text)}
	}
	return c.load(ctx)
}

// faults is a slog.Handler that remembers why something failed last, since what a session does in the background has no caller to tell.
type faults struct {
	mu   sync.Mutex
	text string
}

// Enabled reports what is worth remembering.
func (*faults) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle remembers the record's error.
func (f *faults) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(at slog.Attr) bool {
		if at.Key == "error" {
			f.mu.Lock()
			f.text = at.Value.String()
			f.mu.Unlock()
		}
		return true
	})
	return nil
}

// WithAttrs has nothing to add.
func (f *faults) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup has nothing to add.
func (f *faults) WithGroup(string) slog.Handler { return f }

func (f *faults) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return cmp.Or(f.text, "the store fails")
}
