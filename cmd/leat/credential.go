package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline/credential"
)

func (a *app) credentialVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "credential",
		Short: "List, show and renew the tokens that stores keep",
		Long: `List, show and renew the tokens that the credentials' stores keep, for this and for other processes. No token is ever shown.

A credential without a store keeps its token in the memory of each process, where this command can't look.`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.credentialList(), a.credentialShow(), a.credentialRefresh())
	return cmd
}

func (a *app) credentialList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the credentials, and how their tokens are",
		Long: `List the credentials of the file with the subjects that their stores hold, and how the token of each is. The stores are only read: no
token is asked for.

The words for STATUS are those of credential show, and unknown where a record can't be read; "logged out" is "closed" with -o json.`,
		Args:              between(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.listCredentials(cmd.Context()) },
	}
}

func (a *app) listCredentials(ctx context.Context) error {
	k, err := a.keep(ctx)
	if err != nil {
		return err
	}
	defer k.close()
	all, fault := k.reports(ctx)
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if a.json() {
		if err := a.writeJSON(credentialsReport{all}); err != nil {
			return err
		}
	} else {
		a.printCredentials(all)
	}
	return fault
}

func (a *app) credentialShow() *cobra.Command {
	var subject string
	cmd := &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show how a credential's token is",
		Long: `Show how the token of a credential is: its status, when it came and when it ends, where it is kept, and who renews it at this moment. The
store is only read: no token is asked for, and none is shown. The name may be left out where the file has only one.

  empty      no record, so no token     expired   over: the next call renews it
  fresh      good                       dead      its server refuses to renew it: only a login helps
  advisory   good, and soon renewed     closed    logged out`,
		Example: `  leat credential show api
  leat credential show api --subject acme -o json`,
		Args:              between(1),
		ValidArgsFunction: a.credentialNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAccount(cmd.Context(), args, subject, func(c *account) error {
				rec, err := c.load(cmd.Context())
				if err != nil {
					return err
				}
				return a.printAccount(c.report(cmd.Context(), rec))
			})
		},
	}
	subjectFlag(cmd, &subject)
	return cmd
}

func (a *app) credentialRefresh() *cobra.Command {
	var subject string
	cmd := &cobra.Command{
		Use:   "refresh [NAME]",
		Short: "Renew a credential's token now",
		Long: `Renew the token of a credential now, also one that is fresh, and store it. The turn to renew is taken as any process takes it, so that nobody
else renews at the same time; who uses the old token goes on with the new one when that is due. The name may be left out where the
file has only one.`,
		Example: `  leat credential refresh api
  leat credential refresh api --subject acme`,
		Args:              between(1),
		ValidArgsFunction: a.credentialNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAccount(cmd.Context(), args, subject, func(c *account) error { return a.refresh(cmd.Context(), c) })
		},
	}
	subjectFlag(cmd, &subject)
	return cmd
}

// refreshReport is what `credential refresh -o json` prints.
type refreshReport struct {
	credentialReport
	Previous uint64 `json:"previous_generation"`
}

func (a *app) refresh(ctx context.Context, c *account) error {
	if err := c.kept("there is nothing to renew here"); err != nil {
		return err
	}
	before, err := c.loadOr(ctx, false)
	if err != nil {
		return err
	}
	if before.Ended == credential.StatusClosed {
		return &exitError{exitFailed, fmt.Errorf("%s is logged out: %s logs in", c, c.command("login"))}
	}
	if err := c.probe(ctx); err != nil {
		return err
	}
	session, err := c.session()
	if err != nil {
		return err
	}
	if err := session.Refresh(ctx); err != nil {
		return c.failed(ctx, err)
	}
	after, err := c.stored(ctx, session)
	if err != nil {
		return err
	}
	r := c.report(ctx, after)
	if a.json() {
		return a.writeJSON(refreshReport{r, before.Generation})
	}
	fmt.Fprintf(a.std.out, "renewed: %s\n", paint(a.std.out, color.Bold, c.String()))
	a.rows([][2]string{
		{"generation", fmt.Sprintf("%d → %d", before.Generation, after.Generation)},
		{"expires", moment(after.Expires(), r.at)},
		{"kept in", r.place()},
	})
	return nil
}

func subjectFlag(cmd *cobra.Command, subject *string) {
	cmd.Flags().StringVar(subject, "subject", "", "whose token, for a credential that is per subject")
	_ = cmd.RegisterFlagCompletionFunc("subject", cobra.NoFileCompletions)
}

// storeWait is how long the command waits for a store before it says that it is away.
const storeWait = 10 * time.Second
