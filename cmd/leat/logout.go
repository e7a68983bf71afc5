package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline/credential"
)

func (a *app) logoutVerb() *cobra.Command {
	var subject string
	var all, force bool
	cmd := &cobra.Command{
		Use:   "logout NAME",
		Short: "Forget a token, and stop the processes that use it",
		Long: `Forget the token of a credential in its store, and leave word there that it is logged out: the processes that share the store then stop
using it, until somebody logs in again. It does not tell the server: whoever has a copy of the token can use it until it ends.

A stored record that can't be read, because it is damaged or its encryption key is lost, stops a logout and a login. With --force it is
removed unread. Processes that run and hold a token may store it again: end them first.`,
		Example: `  leat logout api
  leat logout api --subject acme
  leat logout api --all-subjects
  leat logout api --force`,
		Args:              between(1, "NAME"),
		ValidArgsFunction: a.credentialNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case all && subject != "":
				return &exitError{exitUsage, errors.New("--subject and --all-subjects exclude each other")}
			case all:
				return a.logoutAll(cmd.Context(), args[0], force)
			}
			return a.withAccount(cmd.Context(), args, subject, func(c *account) error { return a.logout(cmd.Context(), force, c) })
		},
	}
	subjectFlag(cmd, &subject)
	cmd.Flags().BoolVar(&all, "all-subjects", false, "log out every subject that the store holds")
	cmd.Flags().BoolVar(&force, "force", false, "remove a stored record that can't be read")
	return cmd
}

func (a *app) logout(ctx context.Context, force bool, accounts ...*account) error {
	out := credentialsReport{[]credentialReport{}}
	for _, c := range accounts {
		if _, err := c.form(loginFlags{}); err != nil {
			return &exitError{exitUsage, fmt.Errorf("credential %q of type %s has no login, so nothing would end a logout: take its secret away instead", c.plan.Name, c.plan.Host.Type)}
		}
		if err := c.kept("there is nothing to forget here"); err != nil {
			return err
		}
		before, err := c.loadOr(ctx, force)
		if err != nil {
			return err
		}
		session, err := c.session()
		if err != nil {
			return err
		}
		if err := session.Logout(ctx); err != nil {
			return c.failed(ctx, err)
		}
		after, err := c.load(ctx)
		if err != nil {
			return err
		}
		r := c.report(ctx, after)
		if out.Credentials = append(out.Credentials, r); !a.json() {
			a.printLogout(c, before, r)
		}
	}
	if a.json() {
		return a.writeJSON(out)
	}
	return nil
}

// logoutAll logs out whoever the store knows.
func (a *app) logoutAll(ctx context.Context, name string, force bool) error {
	k, err := a.keep(ctx)
	if err != nil {
		return err
	}
	defer k.close()
	plan, err := k.find(name)
	if err != nil {
		return err
	}
	one := k.account(plan, "")
	if !plan.Host.PerSubject {
		return &exitError{exitUsage, fmt.Errorf("credential %q has no subjects: leave --all-subjects out", name)}
	}
	if _, ok := one.store.(credential.Inspector); !ok && one.store != nil {
		return &exitError{exitUsage, fmt.Errorf("the store %q can't list its subjects: name each by --subject", plan.Host.Store)}
	}
	if err := one.kept("there is nothing to forget here"); err != nil {
		return err
	}
	subjects, err := one.subjects(ctx)
	if err != nil {
		return err
	}
	var all []*account
	for _, s := range subjects {
		all = append(all, k.account(plan, s))
	}
	if len(all) == 0 && !a.json() {
		fmt.Fprintf(a.std.out, "%s holds no subject of credential %s\n", one.blank().place(), name)
		return nil
	}
	return a.logout(ctx, force, all...)
}

// loadOr is load, for who is about to write: a record that can't be read, in a store that works, is removed with force, and else told of
// with the way to do so.
func (c *account) loadOr(ctx context.Context, force bool) (credential.Record, error) {
	rec, err := c.load(ctx)
	forgetter, ok := c.store.(credential.Forgetter)
	if err == nil || !ok || ctx.Err() != nil || c.probe(ctx) != nil {
		return rec, err
	}
	if !force {
		return rec, &exitError{exitStore, fmt.Errorf("%w; if it is lost for good, %s --force removes it", err, c.command("logout"))}
	}
	wait, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if err := forgetter.Forget(wait, c.key); err != nil {
		return rec, c.away(ctx, err)
	}
	c.app.complain(fmt.Errorf("removed a record that could not be read: %w", err))
	return rec, nil
}

func (a *app) printLogout(c *account, before credential.Record, r credentialReport) {
	w := a.std.out
	if before.Ended == credential.StatusClosed {
		fmt.Fprintf(w, "%s was logged out already, %s\n", c, left(before.Obtained, r.at))
		return
	}
	fmt.Fprintf(w, "logged out: %s\n", paint(w, color.Bold, c.String()))
	rows := [][2]string{{"forgotten in", r.place()}, {"other processes", c.notice(before, r.at)}}
	if good := before.Status(r.at); good == credential.StatusFresh || good == credential.StatusAdvisory {
		rows = append(rows, [2]string{"the server", "was not told: a copy of the token is good " + goodUntil(before.Expires(), r.at)})
	}
	a.rows(append(rows, [2]string{"to log in again", r.login}))
}

// notice says when processes that run see a logout.
func (c *account) notice(before credential.Record, now time.Time) string {
	if _, tells := c.store.(credential.Notifier); tells {
		return "are told now; those that are cut off notice when their token is due for renewal"
	}
	switch before.Status(now) {
	case credential.StatusFresh, credential.StatusAdvisory:
		if before.Expires().IsZero() {
			return "notice when they start, or when a 401 refuses their token"
		}
		return "notice when they start, or when their token is due for renewal, " + left(before.Expires(), now) + " at the latest"
	}
	return "notice at their next call"
}

func goodUntil(end, now time.Time) string {
	if end.IsZero() {
		return "until the server ends it"
	}
	return "until it ends, " + left(end, now)
}
